"""A storm on a service: it and its runs are killed under load, and no run is lost or doubled."""

import contextlib
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
import requests

from servers.processes import MARK, processes_of, wait_until_ended
from servers.service import FINAL, TOKEN, ServedProcess, served
from shared import seeded

SEED = 20261127
LONG = os.environ.get("FLOWLOCK_STORM") == "long"
# How often the service, and how often the process of a run, is killed.
KILLS = 20 if LONG else 3
CLIENTS = 20
# Of each client, while the storm lasts.
MOST_RUNS = 1_000 if LONG else 40


class Clients:
    """Threads that start runs with a key each, and repeat a request until it is answered."""

    def __init__(self) -> None:
        self.address = ""
        self.accepted: dict[str, str] = {}
        self.over = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._start_runs, args=(n,)) for n in range(CLIENTS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        self.over.set()
        for thread in self._threads:
            thread.join()

    def _start_runs(self, client: int) -> None:
        choices = seeded(f"{SEED} {client}")
        for number in range(MOST_RUNS):
            if self.over.is_set():
                return
            key = f"{client}-{number}"
            body = {"params": {"first": {"text": key, "seconds": choices.choice((0, 0, 0.2))}}}
            run = self._accepted(key, body)
            with self._lock:
                self.accepted[key] = run
            time.sleep(choices.random())

    def _accepted(self, key: str, body: object) -> str:
        headers = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": key}
        while True:
            # A service that is being killed answers nothing, or half of an answer.
            with contextlib.suppress(requests.RequestException):
                done = requests.post(f"{self.address}/runs", json=body, headers=headers, timeout=10)
                if done.status_code == 202:
                    return str(done.json()["id"])
                assert done.status_code in {429, 503}, done.text
            time.sleep(0.1)


def kill_a_run(service: ServedProcess, mark: str, choices: random.Random) -> bool:
    """Kill the process of a run, if there is one: the launcher is the oldest of those with its command."""
    launched = sorted(p for p, command in processes_of(mark).items() if "runs.launcher" in command)
    if len(launched) < 2:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(choices.choice(launched[1:]), signal.SIGKILL)
    return True


def listed_runs(service: ServedProcess) -> list[str]:
    """Return the ids of the runs on all pages."""
    listed: list[str] = []
    page = service.get("/runs?limit=500")
    while True:
        listed += [run["id"] for run in page["runs"]]
        if page["next"] is None:
            return listed
        page = service.get(f"/runs?limit=500&cursor={page['next']}")


@pytest.mark.storm
@pytest.mark.skipif(sys.platform != "linux", reason="finds processes by /proc")
def test_whatever_is_killed_no_run_is_lost_or_doubled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    choices = seeded(SEED)
    clients = Clients()
    killed_runs, slowest = 0, 0.0
    for kill in range(KILLS):
        mark = f"storm-{kill}"
        with served(tmp_path / "s", "--queue", "50", variables={MARK: mark}) as service:
            clients.address = service.address
            if kill == 0:
                clients.start()
            end = time.monotonic() + choices.uniform(1, 4)
            while time.monotonic() < end or killed_runs <= kill:
                killed_runs += kill_a_run(service, mark, choices)
                time.sleep(choices.uniform(0.2, 0.8))
            service.stop(signal.SIGKILL)
            began = time.monotonic()
            assert wait_until_ended(mark, 2) == {}
            slowest = max(slowest, time.monotonic() - began)
    with served(tmp_path / "s", "--queue", "1000") as service:
        clients.address = service.address
        clients.join()
        states: Counter[str] = Counter()
        for run in clients.accepted.values():
            states[service.ended(run)["state"]] += 1
        listed = listed_runs(service)
        results = _count_results(service, clients)
    assert set(states) <= set(FINAL)
    assert states["done"]
    # No run is lost, and a request that was repeated has made one.
    assert len(set(clients.accepted.values())) == len(clients.accepted) == len(listed)
    assert set(listed) == set(clients.accepted.values())
    assert results
    with capsys.disabled():
        sys.stdout.write(
            f"\nstorm: seed {SEED}, {CLIENTS} clients, {KILLS} kills of the service, {killed_runs} of runs: "
            f"{dict(states)}; no process {slowest:.2f} s after the service\n"
        )


def _count_results(service: ServedProcess, clients: Clients) -> int:
    """Return how many runs have a result; each has the text of its own request, and has run once."""
    found = 0
    for key, run in clients.accepted.items():
        shown = service.get(f"/runs/{run}")
        assert shown["params"]["first"]["text"] == key
        if shown["state"] == "done":
            found += 1
            assert service.get(f"/runs/{run}/results/result.json")["result"]["text"] == key
            log = (service.results / "service" / run / "log.jsonl").read_text()
            assert log.count('"run started"') == 1
    return found
