"""The service of a workflow, as its command serves it: a real process on loopback."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from shared import ROOT

TOKEN = "t0ken-" + "x" * 40
SMALL = ("-c", "from flowlock_core.cli import main; raise SystemExit(main('small_workflow.workflow:small'))")
FINAL = ("done", "failed", "cancelled", "interrupted")
# In a line of text, or of JSON.
_ADDRESS = re.compile(r'(?:is served at |"address": ")(http://[^\s"#]+)(?:#token=([^\s"]+))?["\n]')
_SECONDS = 60


@dataclass(kw_only=True)
class ServedProcess:
    """A running service, and requests to it; `log` is what it prints."""

    folder: Path
    process: "subprocess.Popen[bytes]"
    address: str = ""
    start_token: str | None = None
    session: requests.Session = field(default_factory=requests.Session)

    @property
    def log(self) -> str:
        return (self.folder / "service.log").read_text()

    def until_logged(self, text: str) -> str:
        """Wait until a text is in the log, and return it: a line is written after its answer was sent."""
        deadline = time.monotonic() + _SECONDS
        while text not in self.log:
            assert time.monotonic() < deadline, self.log
            time.sleep(0.02)
        return self.log

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        return self.session.request(method, self.address + path, timeout=30, **more)

    def get(self, path: str, **more: Any) -> Any:
        done = self.ask("GET", path, **more)
        assert done.status_code == 200, done.text
        return done.json()

    def start(self, params: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """Start a run; return it as accepted."""
        done = self.ask("POST", "/runs", json={"params": params or {}, **more})
        assert done.status_code == 202, done.text
        run: dict[str, Any] = done.json()
        assert done.headers["Location"] == f"/runs/{run['id']}"
        return run

    def ended(self, run: str, *states: str) -> dict[str, Any]:
        """Wait until a run is in one of some states, by default until it has ended; return it."""
        return self._until(run, lambda shown: shown["state"] in (states or FINAL))

    def until_ended(self, run: str, *, steps: int) -> dict[str, Any]:
        """Wait until so many steps of a run have ended; return it."""
        return self._until(run, lambda shown: bool(shown["steps"]["ended"] >= steps))

    def until_removed(self, run: str) -> None:
        """Wait until a run is not listed any more."""
        deadline = time.monotonic() + _SECONDS
        while self.ask("GET", f"/runs/{run}").status_code != 404:
            assert time.monotonic() < deadline, f"the run was not removed within {_SECONDS} s"
            time.sleep(0.05)

    def _until(self, run: str, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            shown: dict[str, Any] = self.get(f"/runs/{run}")
            if condition(shown):
                return shown
            time.sleep(0.02)
        raise AssertionError(f"the run did not get so far within {_SECONDS} s: {shown}")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End the service by a signal; return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(_SECONDS)


@contextmanager
def served(
    folder: Path,
    *options: str,
    token: str | None = TOKEN,
    variables: Mapping[str, str] | None = None,
    command: Sequence[str] = SMALL,
) -> Iterator[ServedProcess]:
    """Serve a workflow below a folder, and end it with the block; with no token it makes one."""
    folder.mkdir(exist_ok=True)
    arguments = ["serve", "--port", "0", "--results", str(folder / "results"), *options]
    if token is not None:
        (folder / "token").write_text(token)
        (folder / "token").chmod(0o600)
        arguments += ["--token-file", str(folder / "token")]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "tests"),
        "FLOWLOCK_CACHE_DIR": str(folder / "cache"),
        **(variables or {}),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with (folder / "service.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *command, *arguments], cwd=folder, env=environment, stderr=log
        )
    service = ServedProcess(folder=folder, process=process)
    try:
        _wait_until_served(service)
        if token is not None:
            service.session.headers["Authorization"] = f"Bearer {token}"
        yield service
    finally:
        service.session.close()
        if process.poll() is None:
            process.terminate()
        process.wait(_SECONDS)


def _wait_until_served(service: ServedProcess) -> None:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        match = _ADDRESS.search(service.log)
        if match is not None:
            service.address, service.start_token = match[1].rstrip("/"), match[2]
            return
        assert service.process.poll() is None, service.log
        time.sleep(0.02)
    raise AssertionError(f"the service has not started: {service.log}")


def sse(response: requests.Response) -> Iterator[tuple[str, str, Any]]:
    """Yield id, event and data of each server-sent event."""
    event: dict[str, str] = {}
    for line in response.iter_lines(chunk_size=1, decode_unicode=True):
        if line:
            name, _, value = line.partition(": ")
            event[name] = value
        elif event.get("data"):
            yield event.get("id", ""), event["event"], json.loads(event["data"])
            event = {}


@contextmanager
def served_package(package: Path, folder: Path, *options: str) -> Iterator[ServedProcess]:
    """Serve the workflow of a compiled package below a folder, with a start token."""
    (module,) = package.glob("*_workflow")
    variables = {"PYTHONPATH": os.pathsep.join((str(ROOT / "tests"), str(package)))}
    command = ("-m", module.name)
    with served(folder, *options, token=None, variables=variables, command=command) as process:
        yield process
