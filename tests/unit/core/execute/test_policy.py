"""Retries, time limits and the cache, as the policy of a step sets them, on every executor."""

import time
from pathlib import Path
from typing import Any

import pytest

from executions import PLANNED, is_running
from flowlock_core.command.reuse import Reuse
from flowlock_core.command.running import run_workflow
from flowlock_core.errors import Problem, WorkflowError
from flowlock_core.execute import Executor, Options, Steps, Workflow
from flowlock_core.execute.policy import LONGEST_PAUSE, Policy
from flowlock_core.execute.record import Status, StepRecord, Unobserved
from process_tasks import flaky, lasts, naps, process_of, writes
from servers.dask_parts import use_dask_parts

IN_PROCESS = [*PLANNED, Executor.EAGER]
LIMITED = [
    (Executor.SEQUENTIAL, "c"),
    (Executor.THREADS, "python"),
    (Executor.PROCESSES, "sleeping"),
    (Executor.PROCESSES, "python"),
    (Executor.PROCESSES, "c"),
]
# What a loaded machine may add; left alone, the tasks take a minute.
SLACK = 20.0


class Retries(Unobserved):
    """Keeps what it is told about retries."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int, int, str]] = []

    def retried(self, call: str, retry: int, retries: int, message: str) -> None:
        self.seen.append((call, retry, retries, message))


class Ends(Unobserved):
    """Keeps when each step ended."""

    def __init__(self) -> None:
        self.times: dict[str, float] = {}

    def finished(self, record: StepRecord) -> None:
        self.times[record.id] = time.time()


def ran(workflow: Workflow, executor: Executor, results: Path, **options: Any) -> Any:
    options = {"results": results, "executor": executor, **options}
    return run_workflow(workflow, Options(**options))[0]


def problems_of(workflow: Workflow, executor: Executor, results: Path, **options: Any) -> tuple[Problem, ...]:
    with pytest.raises(WorkflowError) as caught:
        ran(workflow, executor, results, **options)
    return caught.value.problems


def flaky_workflow(folder: Path, how: str = "raise", **policy: Any) -> Workflow:
    folder.mkdir()

    def workflow(step: Steps) -> Any:
        values = {"folder": str(folder), "failures": 2, "how": how}
        return step(flaky, "f").partial(**values).policy(backoff=0.01, **policy).call()

    return workflow


@pytest.mark.parametrize("executor", list(Executor))
def test_a_call_that_fails_runs_again_as_often_as_its_policy_says(executor: Executor, tmp_path: Path) -> None:
    if executor is Executor.DASK:
        use_dask_parts()
    observer = Retries()
    workflow = flaky_workflow(tmp_path / "calls", retries=2)
    assert ran(workflow, executor, tmp_path / "results", observer=observer) == 3
    words = "FL733 the task flaky failed: ConnectionError: refused"
    assert observer.seen == [("f", 1, 2, words), ("f", 2, 2, words)]


@pytest.mark.parametrize("executor", IN_PROCESS)
def test_the_last_failure_is_that_of_the_call(executor: Executor, tmp_path: Path) -> None:
    (problem,) = problems_of(flaky_workflow(tmp_path / "calls", retries=1), executor, tmp_path / "results")
    assert (problem.code, problem.step) == ("FL733", "f")
    assert len(list((tmp_path / "calls").iterdir())) == 2


def test_a_call_whose_process_died_or_was_ended_runs_again(tmp_path: Path) -> None:
    died = flaky_workflow(tmp_path / "died", how="die", retries=2)
    ended = flaky_workflow(tmp_path / "ended", how="last", retries=2, timeout=0.2)
    assert ran(died, Executor.PROCESSES, tmp_path / "results") == 3
    assert ran(ended, Executor.SEQUENTIAL, tmp_path / "results") == 3


@pytest.mark.parametrize("executor", IN_PROCESS)
def test_only_calls_are_retried_that_the_run_still_needs(executor: Executor, tmp_path: Path) -> None:
    (tmp_path / "calls").mkdir()

    def workflow(step: Steps) -> Any:
        step(writes, "wrong").map("text", ["a", 1])
        return step(flaky, "f").partial(folder=str(tmp_path / "calls"), failures=9).policy(retries=3).call()

    (problem,) = problems_of(workflow, executor, tmp_path / "results")
    assert (problem.step, problem.parameter) == ("wrong[2]", "text")
    assert len(list((tmp_path / "calls").iterdir())) <= 1


def test_pauses_double_up_to_an_hour() -> None:
    policy = Policy(retries=100, backoff=2)
    assert [policy.pause(retry) for retry in (1, 2, 3, 100)] == [2, 4, 8, LONGEST_PAUSE]


@pytest.mark.parametrize(("executor", "kind"), LIMITED)
def test_a_call_that_takes_too_long_is_ended_and_no_other(
    executor: Executor, kind: str, tmp_path: Path
) -> None:
    def workflow(step: Steps) -> Any:
        step(lasts, "l").partial(value=1, kind=kind).policy(timeout=0.4).call()
        step(naps, "n").partial(value=2, seconds=0.01).policy(timeout=60).call()
        return step(process_of, "p").partial(value=1).call()

    ends = Ends()
    (problem,) = problems_of(workflow, executor, tmp_path, keep_going=True, observer=ends)
    assert (problem.code, problem.step) == ("FL758", "l")
    assert problem.message == "the task lasts took longer than its timeout of 0.4 s, and was ended"
    file = tmp_path / "pids.txt"
    assert 0.2 < ends.times["l"] - file.stat().st_mtime < 1 + SLACK
    assert ends.times.keys() == {"l", "n", "p"}
    assert not [pid for pid in file.read_text().split() if is_running(pid)]


def test_without_cache_a_result_is_neither_kept_nor_reused(tmp_path: Path) -> None:
    def workflow(step: Steps) -> Any:
        step(process_of, "kept").partial(value=1).call()
        return step(process_of, "never").partial(value=1).policy(cache=False).call()

    reuse = Reuse(folder=tmp_path / "cache", workflow="w", resume=True)
    for _ in range(2):
        _, log = run_workflow(workflow, Options(), reuse=reuse)
    assert [record.status for record in log.records] == [Status.REUSED, Status.DONE]
    assert "the spec has `cache: false` for it" in log.records[1].explanation
