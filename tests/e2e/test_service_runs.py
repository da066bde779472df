"""Runs of a service when something ends: the service, the launcher, a run, the room in the queue."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from servers.processes import MARK, processes_of, wait_until_ended
from servers.service import ServedProcess, served

# So many runs must not make the service larger.
MORE_RUNS = 980 if os.environ.get("FLOWLOCK_STORM") == "long" else 80

# In the command line of the process that the second step can leave running.
CHILD = "time.sleep(600)"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes by /proc")


def running(service: ServedProcess, **last: object) -> dict[str, object]:
    """Start a run that waits in its last step, and wait until it does."""
    run = service.start({"first": {"text": "kept"}, "last": {"seconds": 60, **last}})
    return service.until_ended(run["id"], steps=2)


def launcher_of(mark: str) -> int:
    """Return the process that forks runs: of those with its command line, their parent."""
    (launcher, *_) = sorted(
        process
        for process, command in processes_of(mark).items()
        if "flowlock_serve.runs.launcher" in command
    )
    return launcher


def test_a_queue_that_is_full_says_when_to_come_again(tmp_path: Path) -> None:
    with served(tmp_path / "s", "--queue", "2", "--workers", "1") as service:
        running(service)
        waiting = [service.start() for _ in range(2)]
        full = service.ask("POST", "/runs", json={"params": {}})
        assert (full.status_code, full.json()["code"], full.headers["Retry-After"]) == (429, "FL777", "5")
        service.ask("POST", f"/runs/{waiting[0]['id']}/cancel")
        assert service.get(f"/runs/{waiting[0]['id']}")["state"] == "cancelled"
        service.start()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_service_that_is_stopped_ends_its_runs_and_keeps_its_queue(
    tmp_path: Path, number: int, code: int
) -> None:
    variables = {MARK: f"stop-{number}"}
    with served(tmp_path / "s", "--workers", "1", variables=variables) as service:
        run = running(service)
        queued = service.start({"first": {"text": "later"}})
        with service.ask("GET", f"/runs/{run['id']}/events", stream=True) as stream:
            lines = stream.iter_lines()
            assert any(b"run started" in line for line in lines)
            assert service.stop(number) == code
            # The service did not wait for its readers, and their stream ends with it.
            for line in lines:
                assert b"Traceback" not in line
        assert processes_of(variables[MARK]) == {}
        assert "Traceback" not in service.log
    with served(tmp_path / "s", "--workers", "1") as service:
        stopped = service.get(f"/runs/{run['id']}")
        assert (stopped["state"], stopped["problems"][0]["code"]) == ("interrupted", "FL785")
        assert service.ended(queued["id"])["state"] == "done"
        resumed = service.ask("POST", f"/runs/{run['id']}/resume").json()
        assert resumed["resumed_from"] == run["id"]


def test_a_service_that_is_killed_takes_its_runs_along(tmp_path: Path) -> None:
    variables = {MARK: "killed"}
    with served(tmp_path / "s", variables=variables) as service:
        run = running(service)
        left = service.start({"second": {"child": True}, "last": {"seconds": 60}})
        service.ended(left["id"], "running")
        assert len(processes_of("killed")) >= 4
        service.stop(signal.SIGKILL)
        assert wait_until_ended("killed", 2) == {}
    with served(tmp_path / "s") as service:
        for ended in (run, left):
            shown = service.get(f"/runs/{ended['id']}")
            assert (shown["state"], shown["problems"][0]["code"]) == ("interrupted", "FL785")
        assert service.ask("POST", f"/runs/{run['id']}/resume").status_code == 202


def test_the_process_of_a_run_can_be_killed(tmp_path: Path) -> None:
    with served(tmp_path / "s", variables={MARK: "run"}) as service:
        run = running(service)
        launcher = launcher_of("run")
        processes = [
            process for process in processes_of("run") if process not in (launcher, service.process.pid)
        ]
        for process in processes:
            os.kill(process, signal.SIGKILL)
        shown = service.ended(str(run["id"]))
        assert (shown["state"], shown["problems"][0]["code"]) == ("interrupted", "FL756")
        assert "SIGKILL" in shown["problems"][0]["message"]
        os.kill(launcher, signal.SIGKILL)
        assert service.ended(service.start()["id"])["state"] == "done"
        second = running(service)
        os.kill(launcher_of("run"), signal.SIGKILL)
        assert service.ended(str(second["id"]))["state"] == "interrupted"
        assert service.ended(service.start()["id"])["state"] == "done"


def test_a_run_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with served(tmp_path / "s", "--time-limit", "5", variables={MARK: "limit"}) as service:
        run = service.start({"second": {"child": True}, "last": {"seconds": 60}})
        service.until_ended(run["id"], steps=2)
        assert any(CHILD in command for command in processes_of("limit").values())
        ended = service.ended(run["id"])
        assert (ended["state"], ended["problems"][0]["code"]) == ("failed", "FL781")
        assert wait_until_ended("limit", 2, command=CHILD) == {}


def test_what_a_run_has_left_running_ends_with_it(tmp_path: Path) -> None:
    with served(tmp_path / "s", variables={MARK: "left"}) as service:
        assert service.ended(service.start({"second": {"child": True}})["id"])["state"] == "done"
        assert wait_until_ended("left", 2, command=CHILD) == {}


def test_only_the_newest_finished_runs_are_kept(tmp_path: Path) -> None:
    with served(tmp_path / "s", "--keep-runs", "2") as service:
        runs = [service.ended(service.start()["id"])["id"] for _ in range(4)]
        for run in runs[:2]:
            service.until_removed(run)
        assert [run["id"] for run in service.get("/runs")["runs"]] == runs[:1:-1]
        kept = {path.name for path in (service.results / "service").iterdir() if path.is_dir()}
        assert kept == set(runs[2:])


def test_two_services_do_not_share_a_folder(tmp_path: Path) -> None:
    refused = pytest.raises(AssertionError, match="FL780 another service uses")
    with served(tmp_path / "s"), refused, served(tmp_path / "s"):
        pass


def test_runs_with_different_connections_do_not_see_each_other(tmp_path: Path) -> None:
    prefix = "FLOWLOCK_CONNECTIONS__S3__"
    secrets = {"ALPHA": "alpha-planted-secret", "BETA": "beta-planted-secret"}
    variables: dict[str, str] = {}
    for name, secret in secrets.items():
        variables |= {
            f"{prefix}{name}__BUCKET": f"{name.lower()}-bucket",
            f"{prefix}{name}__ACCESS_KEY_ID": f"id-of-{name.lower()}",
            f"{prefix}{name}__SECRET_ACCESS_KEY": secret,
        }
    names = [f"{prefix}{name}__BUCKET" for name in secrets]
    with served(tmp_path / "s", variables=variables) as service:
        started: dict[str | None, str] = {}
        names_and_none: list[str | None] = [*secrets, None]
        for used in names_and_none:
            connection = None if used is None else used.lower()
            last = {"connection": connection, "variables": names, "seconds": 0.3}
            started[used] = service.start({"last": last})["id"]
        for used, run in started.items():
            shown = service.ended(run)
            assert shown["state"] == "done", shown
            result = service.get(f"/runs/{run}/results/result.json")["result"]
            seen = [variable for variable, value in result["variables"].items() if value is not None]
            assert seen == ([] if used is None else [f"{prefix}{used}__BUCKET"])
        answers = "".join(
            service.ask("GET", path).text
            for run in started.values()
            for path in (f"/runs/{run}", f"/runs/{run}/logs", f"/runs/{run}/events", "/runs", "/metrics")
        )
        refused = service.ask(
            "POST", "/check", json={"params": {"last": {"connection": "alpha-planted-secret"}}}
        )
        assert not refused.json()["ok"]
        answers += refused.text
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for secret in secrets.values():
        assert secret not in answers
        assert secret.encode() not in kept


@pytest.mark.storm
def test_the_memory_of_a_service_does_not_grow_with_its_runs(tmp_path: Path) -> None:
    with served(tmp_path / "s", "--queue", "1000", variables={MARK: "memory"}) as service:

        def memory_after(runs: int) -> int:
            started = [service.start({"first": {"text": "x" * 50}})["id"] for _ in range(runs)]
            for run in started:
                assert service.ended(run)["state"] == "done"
            processes = (service.process.pid, launcher_of("memory"))
            pages = (Path(f"/proc/{process}/statm").read_text().split()[1] for process in processes)
            return sum(map(int, pages)) * os.sysconf("SC_PAGE_SIZE")

        first = memory_after(20)
        last = memory_after(MORE_RUNS)
        assert last - first < 10 * 2**20, json.dumps({"first": first, "last": last})
