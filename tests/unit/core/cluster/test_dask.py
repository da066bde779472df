"""Runs on a Dask cluster of their own: results stay on the workers, whose death fails only their call."""

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import passing
from drawn_tasks import frame, parted, summary, widened
from executions import is_running
from flowlock_core.command.reuse import Reuse
from flowlock_core.command.running import run_workflow
from flowlock_core.errors import Problem
from flowlock_core.execute import Executor, Options, RunLog, Steps, Workflow, trace
from flowlock_core.execute.pool import Pool
from flowlock_core.execute.record import Status
from passing import PassingTests
from process_tasks import (
    counted,
    dies,
    drawn_once,
    flaky,
    lasts,
    length_after,
    passed_on,
    process_of,
    size_of,
    traced,
    traced_items,
    writes,
)
from servers.dask_parts import use_dask_parts

# What a loaded machine may add; left alone, the tasks take a minute.
SLACK = 30.0


def modules(step: Steps) -> Any:
    """Name the module whose code all workers of the tests need."""
    return step(process_of, "p").partial(value=1).call()


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    use_dask_parts()
    from flowlock_core.cluster.dask_pool import dask_pool

    with dask_pool(trace(modules), None, 2, ()) as workers:
        yield workers


def ran(workflow: Workflow, pool: Pool, log: RunLog | None = None, **options: Any) -> Any:
    return passing.ran(workflow, pool, log, executor=Executor.DASK, **options)


def problems_of(workflow: Workflow, pool: Pool, **options: Any) -> tuple[Problem, ...]:
    return passing.problems_of(workflow, pool, executor=Executor.DASK, **options)


class TestPassing(PassingTests):
    executor = Executor.DASK


def test_calls_run_in_two_other_processes(pool: Pool) -> None:
    def workflow(step: Steps) -> Any:
        return step(process_of, "ids").map("value", [0] * 8)

    ids = set(ran(workflow, pool))
    assert os.getpid() not in ids
    assert len(ids) == 2


def traced_workflow(folder: Path) -> Workflow:
    def workflow(step: Steps) -> Any:
        """Pass large values from step to step, alone, in lists and in pairs."""
        items = step(traced_items, "items").partial(folder=str(folder), count=4).call()
        passed = step(passed_on, "passed").mapvalues("value", items)
        alone = step(traced, "alone").partial(folder=str(folder)).call()
        sizes = step(size_of, "sizes").mapvalues("value", passed)
        together = step(size_of, "together").map("value", [alone, alone])
        return [sizes, together]

    return workflow


@pytest.mark.parametrize("cached", [False, True])
def test_results_do_not_come_to_the_run_between_steps(pool: Pool, *, cached: bool, tmp_path: Path) -> None:
    folder = tmp_path / "read"
    folder.mkdir()
    sizes = [[(f"k{number}", 100_000) for number in range(4)], [100_000, 100_000]]
    if cached:
        options = Options(executor=Executor.DASK, results=tmp_path / "r", jobs=2)
        reuse = Reuse(folder=tmp_path / "cache", workflow="traced")
        assert run_workflow(traced_workflow(folder), options, reuse=reuse)[0] == sizes
    else:
        assert ran(traced_workflow(folder), pool) == sizes
        # A control: the result of the workflow does.
        ran(lambda step: step(traced, "t").partial(folder=str(folder)).call(), pool)
    readers = {int(path.name) for path in folder.iterdir()}
    assert (os.getpid() in readers) != cached


def test_a_worker_that_dies_fails_its_call_only(pool: Pool) -> None:
    def workflow(step: Steps) -> Any:
        step(dies, "d").partial(at=3, how="SIGKILL").map("value", list(range(8)))
        return step(process_of, "ids").map("value", list(range(4)))

    log = RunLog()
    (problem,) = problems_of(workflow, pool, keep_going=True, log=log)
    assert (problem.code, problem.step) == ("FL756", "d[4]")
    assert "on which the task dies ran has ended" in problem.message
    assert [(record.id, record.calls) for record in log.records] == [("d", 7), ("ids", 4)]


def test_a_call_whose_worker_died_runs_again_as_its_policy_says(pool: Pool, tmp_path: Path) -> None:
    def workflow(step: Steps) -> Any:
        flaked = step(flaky, "f").partial(folder=str(tmp_path), failures=2, how="die")
        return flaked.policy(retries=2, backoff=0.0).call()

    assert ran(workflow, pool) == 3
    assert len(list(tmp_path.iterdir())) == 3


def test_without_retries_a_call_runs_once(pool: Pool, tmp_path: Path) -> None:
    (problem,) = problems_of(
        lambda step: step(flaky, "f").partial(folder=str(tmp_path), failures=9, how="die").call(), pool
    )
    assert problem.code == "FL756"
    time.sleep(0.5)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("kind", ["random", "plain"])
def test_what_a_dead_worker_held_is_computed_again_unless_it_is_random(
    pool: Pool, kind: str, tmp_path: Path
) -> None:
    def workflow(step: Steps) -> Any:
        if kind == "random":
            held = step(drawn_once, "held").partial(folder=str(tmp_path)).call()
        else:
            held = step(counted, "held").partial(folder=str(tmp_path), value=1).call()
        # It dies when the result has arrived, wherever that is held.
        size = step(length_after, "size").partial(value=held).call()
        died = step(dies, "d").partial(at=100_000, how="SIGKILL", value=size).policy(retries=0)
        return [step(length_after, "length").partial(value=held, seconds=1.0).call(), died.call()]

    problems = problems_of(workflow, pool, keep_going=True)
    assert ("FL756", "d") in {(problem.code, problem.step) for problem in problems}
    if kind == "random":
        assert len(list(tmp_path.iterdir())) == 1


def test_a_call_over_its_time_is_ended_with_all_that_it_started(pool: Pool, tmp_path: Path) -> None:
    def workflow(step: Steps) -> Any:
        return step(lasts, "lasts").partial(value=1, kind="c").policy(timeout=1.0).call()

    began = time.monotonic()
    (problem,) = problems_of(workflow, pool, results=tmp_path)
    assert time.monotonic() - began < 1 + SLACK
    assert (problem.code, problem.step) == ("FL758", "lasts")
    pids = (tmp_path / "pids.txt").read_text().split()
    until = time.monotonic() + SLACK
    while any(map(is_running, pids)) and time.monotonic() < until:
        time.sleep(0.02)
    assert not [pid for pid in pids if is_running(pid)]


def test_wrong_arguments_are_not_retried(pool: Pool) -> None:
    def workflow(step: Steps) -> Any:
        return step(size_of, "s").partial(other=1).policy(retries=3, backoff=60.0).call()

    assert {problem.code for problem in problems_of(workflow, pool)} == {"FL725"}


def test_files_are_written_and_a_second_write_is_refused(pool: Pool, tmp_path: Path) -> None:
    def workflow(step: Steps) -> Any:
        first = step(writes, "first").partial(text="whole").call()
        second = step(writes, "second").partial(text=first).call()
        return [first, second]

    (problem,) = problems_of(workflow, pool, results=tmp_path)
    assert (problem.code, problem.step) == ("FL732", "second")
    assert "an earlier step of this run already wrote half.txt" in problem.message
    assert (tmp_path / "half.txt").read_text() == "whole"


def tables(step: Steps) -> Any:
    """Pass large tables from step to step."""
    table = step(frame, "table").partial(count=5).call()
    parts = step(parted, "parts").partial(df=table).call()
    wide = step(widened, "wide").mapvalues("df", parts)
    return step(summary, "summaries").mapvalues("df", wide)


def test_cached_tables_are_reused_and_given_to_steps_that_run_again(tmp_path: Path) -> None:
    use_dask_parts()
    options = Options(executor=Executor.DASK, results=tmp_path / "r", jobs=2)
    reuse = Reuse(folder=tmp_path / "cache", workflow="tables", resume=True)
    first, log = run_workflow(tables, options, reuse=reuse)
    assert first == run_workflow(tables, Options(results=tmp_path / "other"))[0]
    assert {record.status for record in log.records} == {Status.DONE}
    again, log = run_workflow(tables, options, reuse=replace(reuse, start="wide", resume=False))
    assert again == first
    assert [record.id for record in log.records if record.status is Status.REUSED] == ["table", "parts"]
    again, log = run_workflow(tables, Options(results=tmp_path / "r"), reuse=reuse)
    assert again == first
    assert {record.status for record in log.records} == {Status.REUSED}
