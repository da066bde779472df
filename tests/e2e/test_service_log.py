"""The log of a service: a line for each request, and nothing that is secret."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from servers.service import TOKEN, ServedProcess, served

PLANTED = "planted-secret-83"


def requested(service: ServedProcess) -> list[dict[str, Any]]:
    """Return the lines about requests; every line is a JSON object."""
    lines = [json.loads(line) for line in service.log.splitlines()]
    return [line for line in lines if line["event"] == "request"]


def plant(service: ServedProcess) -> None:
    """Send secrets in all parts of requests that a client has."""
    headers = {"X-Planted": f"{PLANTED}-header", "Cookie": f"flowlock_session={PLANTED}-cookie"}
    for path in ("/", "/runs", "/check", "/session", "/nowhere", "/formdata-to-params"):
        for method in ("GET", "POST"):
            body = {"params": {"first": {"text": f"{PLANTED}-body"}}, "token": f"{PLANTED}-body"}
            service.ask(method, f"{path}?token={PLANTED}-query", headers=headers, json=body)
    for encoded in (TOKEN, quote(TOKEN, safe=""), f"x{TOKEN}y"):
        service.ask("GET", f"/{encoded}")
        service.ask("GET", f"/runs/{encoded}/results/{encoded}?{encoded}")


def test_each_request_has_a_line_and_no_line_a_secret(tmp_path: Path) -> None:
    with served(tmp_path / "s", "--log", "json") as service:
        health = service.ask("GET", "/health?verbose=1")
        run = service.ended(service.start()["id"])
        plant(service)
        stranger = requests.get(f"{service.address}/runs", timeout=30)
        service.until_logged(stranger.headers["X-Request-Id"])
        lines = {line["request"]: line for line in requested(service)}
        first = lines[health.headers["X-Request-Id"]]
        assert {key: first[key] for key in ("method", "path", "status", "bytes", "complete")} == {
            "method": "GET",
            "path": "/health",
            "status": 200,
            "bytes": len(health.content),
            "complete": True,
        }
        assert 0 <= first["seconds"] < 30
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first["time"])
        assert lines[stranger.headers["X-Request-Id"]]["status"] == 401
        assert [line["path"] for line in lines.values()].count(f"/runs/{run['id']}") >= 1
        assert "/runs/***/results/***" in [line["path"] for line in lines.values()]
        log = service.log
    assert PLANTED not in log
    assert TOKEN not in log


def test_a_path_cannot_begin_another_line_or_fill_the_log(tmp_path: Path) -> None:
    with served(tmp_path / "s") as service:
        before = len(service.log.splitlines())
        for path in ("/a%0d%0aerror:%20forged", "/%e2%80%a8forged", "/" + "x" * 20_000):
            done = service.ask("GET", path)
            assert done.status_code == 404
        lines = service.until_logged(done.headers["X-Request-Id"]).splitlines()[before:]
        assert len(lines) == 3
        assert all(" GET /" in line for line in lines)
        assert max(map(len, lines)) < 500


def test_a_quiet_service_writes_no_line_for_a_request(tmp_path: Path) -> None:
    with served(tmp_path / "s", "--quiet", "--log", "json", token=None) as service:
        service.ask("GET", "/health")
        (line,) = service.log.splitlines()
        assert json.loads(line)["event"] == "service started"
