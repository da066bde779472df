"""Runs have ids and folders; `runs` lists, shows and removes them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from flowlock_core.cli import main
from flowlock_core.execute import EnvRef, RunLog, Steps, trace
from flowlock_core.runs.event_lines import EventLines
from flowlock_core.runs.history import RunHistory
from flowlock_core.runs.identity import is_run_id, new_run_id, started_at
from flowlock_core.runs.storage import LocalRuns
from flowlock_core.tasks.groupby import count_rows

SOURCE = '''
"""A workflow that writes a file, and fails, waits or is stopped on request."""
import os, time
from functools import partial
from pathlib import Path
from typing import Any
from flowlock_core.execute import Steps
from flowlock_core.execute.context import current
from flowlock_core.task import task
from flowlock_core.tasks.results import create_single_value_widget, gather_dashboard


@task
def write(text: str = "one") -> int:
    """Write a file in place, as tasks of others do."""
    current().output_path("by/text.txt").write_text(text)
    return len(text)


@task
def act(length: int, what: str = "go on") -> int:
    """Do what is said."""
    if what == "fail":
        raise ValueError("it failed")
    if what == "interrupt":
        raise KeyboardInterrupt
    if what == "wait":
        print("waiting", flush=True)
        time.sleep(60)
    return length


def flow(step: Steps) -> Any:
    """Write, and act."""
    length = step(write, "written").call()
    acted = step(act, "acted").partial(length=length).call()
    card = step(create_single_value_widget, "card").partial(value=acted, title="Length").call()
    return step(gather_dashboard, "board").partial(title="Board", widgets=[card]).call()
'''


class Command:
    """The command of a workflow package in a folder."""

    def __init__(self, folder: Path, package: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.package, self.capsys = folder, package, capsys
        self.code, self.out, self.err = 0, "", ""

    def __call__(self, *arguments: str) -> str:
        self.code = main(f"{self.package}.workflow:flow", arguments)
        self.out, self.err = self.capsys.readouterr()
        return self.out

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json"))

    def run(self, *arguments: str) -> Any:
        return self.json("run", "-q", "--cache", "cache", *arguments)

    def states(self) -> list[str]:
        return [run["state"] for run in self.json("runs", "ls")["runs"]]

    def started(self) -> "subprocess.Popen[str]":
        """Start a run that waits in its second step, in a separate process."""
        code = "import sys\nfrom flowlock_core.cli import main\nsys.exit(main(sys.argv[1], sys.argv[2:]))"
        arguments = ["run", "-q", "--cache", "cache", "--set", "acted.what=wait"]
        process = subprocess.Popen(
            [sys.executable, "-c", code, f"{self.package}.workflow:flow", *arguments],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(self.folder / "code")},
            text=True,
        )
        assert process.stdout
        assert process.stdout.readline() == "waiting\n"
        return process


@pytest.fixture
def command(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Command:
    name = f"runs_{abs(hash(request.node.name))}"
    folder = tmp_path / "code" / name
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "workflow.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(folder.parent))
    monkeypatch.chdir(tmp_path)
    return Command(tmp_path, name, capsys)


def test_ids_are_unique_and_sorted_by_time() -> None:
    ids = [new_run_id() for _ in range(200)]
    assert len(set(ids)) == 200
    assert [run.partition("-")[0] for run in ids] == sorted(run.partition("-")[0] for run in ids)
    assert all(is_run_id(run) for run in ids)
    assert not is_run_id("../20261126T170930.123456Z-9f2c")
    assert started_at("20261126T170930.123456Z-9f2c").isoformat() == "2026-11-26T17:09:30.123456+00:00"


def test_a_run_has_a_folder_and_the_last_results_stay_where_they_were(command: Command) -> None:
    first = command.run()["run"]
    second = command.run("--set", "written.text=longer")["run"]
    folder = Path("results/runs") / first
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()) == [
        "artifacts/by/text.txt",
        "dashboard.html",
        "log.jsonl",
        "params.json",
        "plan.json",
        "records.jsonl",
        "result.json",
        "run.json",
    ]
    # The file was changed in place by the second run, but not the artifact of the first.
    assert (folder / "artifacts/by/text.txt").read_text() == "one"
    assert Path("results/by/text.txt").read_text() == "longer"
    for name in ("result.json", "dashboard.html"):
        assert Path("results", name).read_bytes() == Path("results/runs", second, name).read_bytes()
        assert Path("results", name).read_bytes() != (folder / name).read_bytes()
    shown = command.json("runs", "show", second)
    assert shown["params"] == {"written": {"text": "longer"}}
    assert shown["plan"][1] == {
        "id": "acted",
        "task": "act",
        "method": "call",
        "needs": ["written"],
    }
    assert [record["status"] for record in shown["records"]] == ["done"] * 4
    assert (shown["state"], shown["steps"], shown["settings"]) == ("done", 4, {"executor": "sequential"})
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [line["event"] for line in log] == ["run started", *["step ended"] * 4, "run ended"]
    assert {line["run"] for line in log} == {first}
    assert "steps:\n  done     written" in command("runs", "show", second)
    assert [line.split()[:2] for line in command("runs", "ls").splitlines()] == [
        [first, "done"],
        [second, "done"],
    ]


def test_a_failed_run_keeps_its_problems_and_its_files(command: Command) -> None:
    command.run()
    before = Path("results/result.json").read_bytes()
    command.run("--set", "acted.what=fail", "--set", "written.text=other")
    assert command.code == 1
    assert Path("results/result.json").read_bytes() == before
    assert command.states() == ["done", "failed"]
    run = command.json("runs", "ls")["runs"][1]["id"]
    shown = command.json("runs", "show", run)
    assert [problem["code"] for problem in shown["problems"]] == ["FL733"]
    assert [record["status"] for record in shown["records"]] == ["done", "failed"]
    assert (Path(shown["folder"]) / "artifacts/by/text.txt").read_text() == "other"
    assert "problem: FL733 acted: " in command("runs", "show", run)


def test_a_run_with_invalid_parameters_leaves_no_folder(command: Command) -> None:
    command.run("--set", "written.txet=other")
    assert command.code == 1
    assert not Path("results").exists()
    assert command("runs", "ls") == ""
    assert command.code == 0


def test_without_history_nothing_is_kept(command: Command) -> None:
    command.run("--no-history")
    assert sorted(path.name for path in Path("results").iterdir()) == ["by", "dashboard.html", "result.json"]


def test_an_interrupted_run_says_so(command: Command) -> None:
    command.run("--set", "acted.what=interrupt")
    assert command.code == 130
    assert command.states() == ["interrupted"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot lock a folder")
def test_a_killed_run_is_interrupted_and_can_be_resumed(command: Command) -> None:
    process = command.started()
    with process:
        (run,) = command.json("runs", "ls")["runs"]
        assert (run["state"], run["ended"], run["steps"]) == ("running", None, 4)
        command("runs", "rm", run["id"])
        assert command.code == 1
        assert f"FL747 the run {run['id']} cannot be removed, because it is running" in command.err
        assert command.json("runs", "rm", "--older-than", "0") == {"removed": []}
        process.send_signal(signal.SIGKILL)
        process.wait()
    # The process that executes the steps ends soon after the one that was started.
    deadline = time.monotonic() + 30
    while command.states() == ["running"] and time.monotonic() < deadline:
        time.sleep(0.02)
    assert command.states() == ["interrupted"]
    shown = command.json("runs", "show", run["id"])
    assert [record["step"] for record in shown["records"]] == ["written"]
    command.run("--resume")
    assert command.states() == ["interrupted", "done"]
    resumed = command.json("runs", "ls")["runs"][1]["id"]
    shown = command.json("runs", "show", resumed)
    assert [record["status"] for record in shown["records"]] == ["reused", "done", "done", "done"]
    assert "artifacts/by/text.txt" in shown["files"]


def test_an_interrupted_process_writes_how_its_run_ended(command: Command) -> None:
    process = command.started()
    with process:
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
    (run,) = command.json("runs", "ls")["runs"]
    assert (run["state"], run["ended"] is None) == ("interrupted", False)


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_the_log_can_be_json(command: Command) -> None:
    done = json.loads(command("run", "--json", "--no-cache", "--log", "json"))
    log = events(command.err)
    assert [line["event"] for line in log] == ["run started", *["step ended"] * 4, "run ended"]
    assert {(line["run"], line["workflow"], line["level"]) for line in log} == {(done["run"], "flow", "info")}
    assert [line["step"] for line in log[1:-1]] == ["written", "acted", "card", "board"]


def test_failures_are_lines_of_json_too(command: Command) -> None:
    command("run", "--no-cache", "--log=json", "--set", "acted.what=fail")
    *_, step, run, last = events(command.err)
    assert (step["event"], step["step"], step["level"], step["status"]) == (
        "step ended",
        "acted",
        "error",
        "failed",
    )
    assert (run["state"], run["problems"]) == ("failed", last["problems"])
    assert (last["event"], last["exit_code"], last["problems"][0]["code"]) == ("command failed", 1, "FL733")
    command("run", "--log", "json", "--set", "acted.waht=fail")
    (last,) = events(command.err)
    assert (last["exit_code"], last["problems"][0]["code"]) == (1, "FL725")
    command("run", "--log", "json", "-q", "--no-cache")
    assert command.err == ""


def test_the_value_of_a_variable_is_not_in_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    def flow(step: Steps) -> Any:
        return step(count_rows, "rows").partial(df=EnvRef("RIVERS_TOKEN")).call()

    monkeypatch.setenv("RIVERS_TOKEN", "planted-9")
    lines: list[str] = []
    log = EventLines("id", "flow", lines.append)
    log.begin(trace(flow), RunLog())
    log.retried("rows", 1, 2, "FL733 it failed: planted-9")
    assert json.loads(lines[1])["message"] == "FL733 it failed: ${{ env.RIVERS_TOKEN }}"


def test_runs_are_removed_by_id_or_age(command: Command) -> None:
    first, second, third = (command.run()["run"] for _ in range(3))
    assert command.json("runs", "rm", second) == {"removed": [second]}
    assert command("runs", "rm", first, first) == f"removed {first}\n"
    assert command.json("runs", "rm", "--older-than", "1") == {"removed": []}
    assert command.json("runs", "rm", "--older-than", "0") == {"removed": [third]}
    assert command("runs", "ls") == ""
    assert Path("results/result.json").is_file()


def test_a_run_that_does_not_exist_is_refused_with_those_that_do(command: Command) -> None:
    command("runs", "show", "nothing")
    assert command.code == 1
    assert f"FL746 the run nothing does not exist: {command.folder / 'results'} has no runs\n" in command.err
    assert "hint: name the results folder of the run with --results" in command.err
    run = command.run()["run"]
    for wrong in ("nothing", "../..", ""):
        command("runs", "rm", wrong)
        assert command.code == 1
        assert f"the runs are {run}" in command.err
    command("runs", "show", run[:-1] + "x")
    assert f"did you mean `{run}`?" in command.err
    assert command.states() == ["done"]


@pytest.mark.parametrize(
    "arguments", [["rm"], ["rm", "x", "--older-than", "1"], ["show"], ["rm", "--older-than", "x"]]
)
def test_what_runs_cannot_do_is_a_usage_error(arguments: list[str], command: Command) -> None:
    command("runs", *arguments)
    assert command.code == 2
    assert "FL739" in command.err


DAMAGED = ['{"st', "[]", "{}", '{"seconds": "x"}', '{"problems": [1]}', '{"settings": 1}', '{"a":' * 100_000]
NO_PROCESS = '{"state": "running", "host": "h", "process": 99999999999999999999999}'


@pytest.mark.parametrize("text", [None, *DAMAGED, NO_PROCESS], ids=range(9))
@pytest.mark.parametrize("other", ["params.json", "plan.json", "records.jsonl"])
def test_a_damaged_run_is_listed_shown_and_removed(text: str | None, other: str, command: Command) -> None:
    run = command.run()["run"]
    for name in ("run.json", other):
        path = Path("results/runs", run, name)
        if text is None:
            path.unlink()
        else:
            path.write_text(text)
    assert command.states() == ["interrupted"]
    assert "state     interrupted" in command("runs", "show", run)
    assert command.json("runs", "rm", run) == {"removed": [run]}


def test_what_is_not_a_run_is_ignored(command: Command) -> None:
    Path("results/runs/notes").mkdir(parents=True)
    assert RunHistory(LocalRuns(Path("results"))).runs() == []


def test_a_record_that_cannot_be_written_is_a_warning(command: Command) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom flowlock_core.runs import run_folder\n"
        "from flowlock_core.cli import main\n"
        "run_folder.RECORDS = '../../by/text.txt/none'\nsys.exit(main(sys.argv[1], sys.argv[2:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, f"{command.package}.workflow:flow", "run", "-q", "--no-cache"],
        env={**os.environ, "PYTHONPATH": str(command.folder / "code")},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("warning: the folder of the run is not complete: cannot write ")
    assert command.states() == ["done"]
