"""How a run ended, by its report, the reason to end it, and the exit of its process."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from flowlock_serve.runs.endings import EndReason, end_of
from flowlock_serve.runs.record import RunEnd, ServedState
from flowlock_serve.runs.run_files import LOG, REPORT, RESULTS, RunFiles

NOW = "2026-11-26T17:09:30.123Z"
DONE = {"ok": True}
FAILED = {"ok": False, "problems": [{"code": "FL732", "message": "it was to fail"}, "damaged"]}
INTERRUPTED = {"ok": False, "problems": [{"code": "FL003", "message": "interrupted"}]}


def end(folder: Path, report: Any, reason: EndReason | None, status: int | None) -> RunEnd:
    """Return how a run with one result and two steps ended."""
    (folder / RESULTS).mkdir()
    (folder / RESULTS / "result.json").write_text("{}")
    (folder / LOG).write_text('{"event": "step ended"}\n' * 2)
    if report is not None:
        (folder / REPORT).write_text(report if isinstance(report, str) else json.dumps(report))
    return end_of(RunFiles(folder=folder), reason, status, NOW)


@pytest.mark.parametrize(
    ("report", "reason", "status", "expected"),
    [
        (DONE, None, 0, (ServedState.DONE, [])),
        # It had its results before it was ended.
        (DONE, EndReason.CANCELLED, -signal.SIGKILL, (ServedState.DONE, [])),
        (DONE, EndReason.STOPPED, 0, (ServedState.DONE, [])),
        (DONE, None, None, (ServedState.DONE, [])),
        (FAILED, None, 1, (ServedState.FAILED, ["FL732"])),
        (FAILED, None, None, (ServedState.FAILED, ["FL732"])),
        ({"ok": False, "problems": None}, None, 1, (ServedState.FAILED, [])),
        (INTERRUPTED, None, 130, (ServedState.INTERRUPTED, ["FL003"])),
        (INTERRUPTED, EndReason.CANCELLED, 130, (ServedState.CANCELLED, [])),
        (INTERRUPTED, EndReason.TIME_LIMIT, 130, (ServedState.FAILED, ["FL781"])),
        (INTERRUPTED, EndReason.STOPPED, 130, (ServedState.INTERRUPTED, ["FL785"])),
        (None, EndReason.CANCELLED, -signal.SIGKILL, (ServedState.CANCELLED, [])),
        (None, EndReason.TIME_LIMIT, -signal.SIGKILL, (ServedState.FAILED, ["FL781"])),
        (None, None, None, (ServedState.INTERRUPTED, ["FL785"])),
        (None, None, -signal.SIGKILL, (ServedState.INTERRUPTED, ["FL756"])),
        ('{"ok": tr', None, 1, (ServedState.INTERRUPTED, ["FL756"])),
        ("[]", None, 1, (ServedState.INTERRUPTED, ["FL756"])),
    ],
)
def test_a_run_ends_as_its_report_and_the_reason_say(
    tmp_path: Path, report: Any, reason: EndReason | None, status: int | None, expected: tuple[Any, Any]
) -> None:
    ended = end(tmp_path, report, reason, status)
    state, codes = expected
    assert (ended.state, [problem["code"] for problem in ended.problems]) == (state, codes)
    assert (ended.ended, ended.steps_ended) == (NOW, 2)
    # Of a run that is not done, nothing is offered as a result.
    assert list(ended.results) == (["result.json"] if state is ServedState.DONE else [])
    assert ended.size == sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (-signal.SIGKILL, "by the signal SIGKILL"),
        (-signal.SIGSEGV, "by the signal SIGSEGV"),
        (0, "with the exit code 0 and without a report"),
        (3, "with the exit code 3 and without a report"),
    ],
)
def test_a_process_that_left_no_report_is_explained_by_its_exit(
    tmp_path: Path, status: int, cause: str
) -> None:
    (problem,) = end(tmp_path, None, None, status).problems
    assert problem["message"] == f"the process of the run was ended {cause}"
    assert problem["hint"]


@pytest.mark.parametrize(
    ("file", "place"), [("<stdin>", (None, None, None)), ("tasks.py", ("tasks.py", 3, 7))]
)
def test_a_problem_has_no_place_in_parameters_that_are_in_no_file(
    tmp_path: Path, file: str, place: tuple[Any, ...]
) -> None:
    problem = {"code": "FL730", "message": "m", "file": file, "line": 3, "column": 7, "hint": None}
    (shown,) = end(tmp_path, {"ok": False, "problems": [problem]}, None, 1).problems
    assert (shown["file"], shown["line"], shown["column"]) == place
    assert (shown["code"], shown["message"]) == ("FL730", "m")
