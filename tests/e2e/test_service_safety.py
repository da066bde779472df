"""What a service refuses: strangers, other sites, paths that lead elsewhere, and requests without bounds."""

import http.client
import json
import os
import socket
import time
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from servers.service import TOKEN, ServedProcess, served
from shared import seeded

JSON = {"Content-Type": "application/json"}
SEED = 20261127
EVERYWHERE = str(IPv4Address(socket.INADDR_ANY))
TOO_SHORT = "short"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedProcess]:
    with served(tmp_path_factory.mktemp("safety"), "--queue", "1000") as process:
        yield process


def raw(service: ServedProcess, method: str, path: str, **headers: str) -> tuple[int, bytes]:
    """Send a request whose path and headers no library changes; return status and body."""
    connection = http.client.HTTPConnection(urlsplit(service.address).netloc, timeout=30)
    connection.putrequest(method, path, skip_host="Host" in headers)
    for name, value in {"Authorization": f"Bearer {TOKEN}", **headers}.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body


def code_of(answer: tuple[int, bytes]) -> tuple[int, str]:
    return answer[0], json.loads(answer[1])["code"]


def memory_of(service: ServedProcess) -> int:
    """Return the resident memory of the service in bytes."""
    pages = int(Path(f"/proc/{service.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_without_a_token_only_what_is_public_is_answered(service: ServedProcess) -> None:
    for path in ("/workflow", "/runs", "/metrics", "/openapi.json", "/nowhere", "/runs/x/results/y"):
        done = requests.get(service.address + path, timeout=30)
        assert done.status_code == 401
        assert done.headers["WWW-Authenticate"] == "Bearer"
    assert requests.post(service.address + "/", json={}, timeout=30).status_code == 401
    for path in ("/health", "/ready", "/"):
        assert requests.get(service.address + path, timeout=30).status_code == 200
    wrong = {"Authorization": "Bearer " + TOKEN[:-1]}
    assert requests.get(service.address + "/runs", headers=wrong, timeout=30).status_code == 401


def test_the_token_of_a_start_is_exchanged_once_for_a_cookie(tmp_path: Path) -> None:
    with served(tmp_path / "s", token=None) as service:
        token = service.start_token
        assert token is not None
        browser = requests.Session()
        origin = {"Origin": service.address}
        done = browser.post(service.address + "/session", json={"token": token}, headers=origin, timeout=30)
        assert done.status_code == 204
        cookie = done.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert token not in cookie
        assert browser.get(service.address + "/runs", timeout=30).status_code == 200
        again = requests.post(service.address + "/session", json={"token": token}, timeout=30)
        assert again.status_code == 401
        # A program goes on to use it.
        bearer = {"Authorization": f"Bearer {token}"}
        assert requests.get(service.address + "/runs", headers=bearer, timeout=30).status_code == 200
        # A cookie changes something only for the page of the service.
        body: dict[str, Any] = {"params": {}}
        assert browser.post(service.address + "/runs", json=body, timeout=30).status_code == 401
        for other in ("http://evil.example", "null", service.address.replace("http", "https") + "0"):
            stranger = browser.post(
                service.address + "/runs", json=body, headers={"Origin": other}, timeout=30
            )
            assert stranger.status_code == 403
        started = browser.post(service.address + "/runs", json=body, headers=origin, timeout=30)
        assert started.status_code == 202
        service.session.headers.update(bearer)
        service.ended(started.json()["id"])
        kept = b"".join(path.read_bytes() for path in service.results.rglob("*") if path.is_file())
        assert token.encode() not in kept
        assert cookie.partition("=")[2].partition(";")[0].encode() not in kept
        assert service.log.count(token) == 1


def test_another_host_name_is_refused(service: ServedProcess) -> None:
    port = urlsplit(service.address).port
    assert code_of(raw(service, "GET", "/health", Host=f"evil.example:{port}")) == (421, "FL773")
    assert code_of(raw(service, "GET", "/health", Host="127.0.0.1")) == (421, "FL773")
    for name in ("127.0.0.1", "localhost", "LOCALHOST"):
        assert raw(service, "GET", "/health", Host=f"{name}:{port}")[0] == 200


def test_anything_but_loopback_needs_a_token_file(tmp_path: Path) -> None:
    with pytest.raises(AssertionError) as caught, served(tmp_path / "s", "--host", EVERYWHERE, token=None):
        pass
    assert "FL739" in str(caught.value)
    assert "--token-file" in str(caught.value)
    with pytest.raises(AssertionError) as caught, served(tmp_path / "t", token=TOO_SHORT):
        pass
    assert "FL780" in str(caught.value)
    with served(tmp_path / "u", "--host", EVERYWHERE, "--allow-host", "runs.example") as service:
        assert "let a proxy with TLS" in service.log
        assert "chmod 600" not in service.log
        assert raw(service, "GET", "/health", Host="runs.example")[0] == 200
        stranger = raw(service, "GET", "/health", Host="evil.example")
        assert code_of(stranger) == (421, "FL773")
        assert b"runs.example" not in stranger[1]


def test_a_token_that_other_users_can_read_is_reported(tmp_path: Path) -> None:
    (tmp_path / "public").write_text(TOKEN)
    (tmp_path / "public").chmod(0o644)
    with served(tmp_path / "s", "--token-file", str(tmp_path / "public"), token=None) as service:
        service.until_logged(
            f"warning: other users can read the token; run: chmod 600 {tmp_path / 'public'}\n"
        )


def test_a_port_that_is_used_is_reported_plainly(tmp_path: Path, service: ServedProcess) -> None:
    port = str(urlsplit(service.address).port)
    with pytest.raises(AssertionError) as caught, served(tmp_path / "s", "--port", port):
        pass
    assert f"FL780 cannot listen on 127.0.0.1 port {port}: Address already in use\n" in str(caught.value)


def test_every_answer_has_a_policy_that_allows_nothing_unsafe(service: ServedProcess) -> None:
    run = service.ended(service.start()["id"])
    paths = ("/", "/health", "/nowhere", "/runs", f"/runs/{run['id']}/logs", "/page/app.js")
    for path in paths:
        done = service.ask("GET", path, headers={"Accept": "text/html"})
        policy = done.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert done.headers["Referrer-Policy"] == "no-referrer"
        assert done.headers["X-Content-Type-Options"] == "nosniff"
    # What a run has made has no origin: it cannot use the service.
    result = service.ask("GET", f"/runs/{run['id']}/results/result.json")
    assert result.headers["Content-Security-Policy"].startswith("sandbox allow-scripts")
    assert "allow-same-origin" not in result.headers["Content-Security-Policy"]


def test_a_result_is_only_found_in_the_results_of_its_run(service: ServedProcess) -> None:
    run = service.ended(service.start({"first": {"text": "mine"}})["id"])
    results = service.results / "service" / run["id"] / "results"
    secret = service.folder / "secret.txt"
    secret.write_text("secret")
    (results / "link.txt").symlink_to(secret)
    (results / "linked").symlink_to(service.folder)
    os.mkfifo(results / "pipe")
    base = f"/runs/{run['id']}/results"
    assert raw(service, "GET", f"{base}/note.txt") == (200, b"mine")
    paths = [
        "../params.json", "..%2fparams.json", "%2e%2e/params.json", "%2e%2e%2fparams.json",
        "%252e%252e/params.json", "..%5cparams.json", "./note.txt", "%2e/note.txt", "link.txt",
        "linked/secret.txt", "pipe", "", ".", "note.txt/", "//etc/hostname", "%2fetc%2fhostname",
        "note.txt%00", "x" * 5_000,
    ]  # fmt: skip
    for path in paths:
        assert code_of(raw(service, "GET", f"{base}/{path}")) == (404, "FL775"), path
    for name in ("..", "%2e%2e", ".", "runs.sqlite", "%00"):
        assert raw(service, "GET", f"/runs/{name}/logs")[0] == 404


def test_malformed_and_large_bodies_are_refused_in_bounded_memory(service: ServedProcess) -> None:
    random = seeded(SEED)
    good = json.dumps({"params": {"first": {"text": "x"}}}).encode()
    service.ask("POST", "/check", data=good, headers=JSON)
    before = memory_of(service)
    statuses: dict[int, int] = {}
    for number in range(500):
        path = random.choice(("/runs", "/check", "/convert", "/session"))
        done = service.ask("POST", path, data=_body(random, good, number), headers=JSON)
        statuses[done.status_code] = statuses.get(done.status_code, 0) + 1
        assert done.status_code < 500, done.text
        if done.status_code >= 400:
            assert done.json()["code"].startswith("FL")
    assert {400, 413, 422} <= set(statuses)
    assert memory_of(service) - before < 100 * 2**20


def _body(random: Any, good: bytes, number: int) -> bytes:
    """Return a body that is broken in one of many ways; the largest are rare, because they are slow."""
    if number % 50 == 0:
        return b'{"params": {"first": {"text": "' + b"x" * 5_000_000 + b'"}}}'
    place = random.randrange(len(good))
    value = random.choice((b"1e999", b"NaN", b"9" * 5_000))
    kinds = (
        good[:place] + bytes([random.randrange(256)]) + good[place:],
        good[:place],
        b"[" * random.choice((10, 1_000, 100_000)),
        b'{"params": {"a": {}, "a": {}}}',
        b'{"params": {"first": {"seconds": ' + value + b"}}}",
        random.randbytes(random.randrange(1, 2_000)),
        b'{"params": {"first": null, "zz": {}}}',
        b'{"params": {"first": [], "zz": 1}}',
    )
    return bytes(random.choice(kinds))


def test_a_body_that_is_not_sent_as_json_is_refused(service: ServedProcess) -> None:
    for path in ("/runs", "/check", "/convert", "/session", "/", "/params-to-formdata"):
        done = service.ask("POST", path, data=b"{}", headers={"Content-Type": "text/plain"})
        assert (done.status_code, done.json()["code"]) == (415, "FL771")


def test_slow_clients_are_cut_off_and_do_not_hold_up_others(service: ServedProcess) -> None:
    host, port = "127.0.0.1", urlsplit(service.address).port
    heads = (b"", b"GET /health HT", f"POST /runs HTTP/1.1\r\nHost: {host}:{port}\r\n".encode())
    slow = [socket.create_connection((host, port), timeout=60) for _ in range(30)]
    for number, client in enumerate(slow):
        client.sendall(heads[number % 3])
    started = time.monotonic()
    assert service.get("/health") == {"status": "ok"}
    assert time.monotonic() - started < 5
    for client in slow:
        # Closed by the service, after the time that a head may take.
        with client:
            try:
                assert client.recv(1) == b""
            except ConnectionResetError:
                continue


def test_500_connections_are_answered_or_told_to_come_again(service: ServedProcess) -> None:
    address = ("127.0.0.1", urlsplit(service.address).port)
    request = (
        f"GET /runs HTTP/1.1\r\nHost: 127.0.0.1:{address[1]}\r\nAuthorization: Bearer {TOKEN}\r\n"
        "Connection: close\r\n\r\n"
    ).encode()
    clients = [socket.create_connection(address, timeout=60) for _ in range(500)]
    for client in clients:
        client.sendall(request)
    statuses = set()
    for client in clients:
        with client:
            statuses.add(client.makefile("rb").readline().split()[1])
    assert b"200" in statuses
    assert statuses <= {b"200", b"503"}
    assert service.get("/health") == {"status": "ok"}
