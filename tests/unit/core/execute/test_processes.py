"""Execution in other processes: one that dies, what cannot be passed, what is printed, what is left."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from executions import is_running
from flowlock_core.errors import Problem, WorkflowError
from flowlock_core.execute import Executor, Options, RunLog, Steps, run_plan, trace
from flowlock_core.execute.pools.processes import ProcessPool
from passing import PassingTests, problems_of, ran
from process_tasks import (
    array,
    changed,
    dies,
    leaves_a_child,
    naps,
    process_of,
)

TESTS = Path(__file__).resolve().parents[3]
LONG = os.environ.get("FLOWLOCK_STORM") == "long"
SCRIPT = "import sys\nfrom flowlock_core.cli import main\nsys.exit(main(sys.argv[1], sys.argv[2:]))"


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPool]:
    with ProcessPool.of(2) as pool:
        yield pool


class TestPassing(PassingTests):
    executor = Executor.PROCESSES


def test_calls_run_in_other_processes_which_serve_several_runs(pool: ProcessPool) -> None:
    def workflow(step: Steps) -> Any:
        return step(process_of, "ids").map("value", list(range(6)))

    ids = {*ran(workflow, pool), *ran(workflow, pool)}
    assert os.getpid() not in ids
    assert 1 <= len(ids) <= 2


@pytest.mark.parametrize(
    ("how", "words", "hint"),
    [
        ("SIGKILL", "was ended by the signal SIGKILL", "--jobs"),
        ("SIGSEGV", "was ended by the signal SIGSEGV", "a library"),
        ("exit", "ended with exit code 3", "raise an error"),
    ],
)
def test_a_process_that_dies_fails_its_call_only(pool: ProcessPool, how: str, words: str, hint: str) -> None:
    def workflow(step: Steps) -> Any:
        step(dies, "d").partial(at=3, how=how).map("value", list(range(8)))
        return step(process_of, "ids").map("value", list(range(4)))

    log = RunLog()
    with pytest.raises(WorkflowError) as caught:
        run_plan(trace(workflow), Options(keep_going=True), pool, log)
    (problem,) = caught.value.problems
    assert (problem.code, problem.step) == ("FL756", "d[4]")
    assert words in problem.message
    assert "the task dies" in problem.message
    assert hint in str(problem.hint)
    assert [(record.id, record.calls) for record in log.records] == [("d", 7), ("ids", 4)]


def test_a_process_that_dies_is_noticed_though_its_child_keeps_its_pipes_open(pool: ProcessPool) -> None:
    (problem,) = problems_of(lambda step: step(leaves_a_child, "left").call(), pool)
    assert (problem.code, problem.step) == ("FL756", "left")


def test_a_process_that_dies_between_two_calls_fails_none(pool: ProcessPool) -> None:
    def workflow(step: Steps) -> Any:
        return step(process_of, "ids").map("value", list(range(6)))

    before = set(ran(workflow, pool))
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    time.sleep(0.1)
    assert not set(ran(workflow, pool)) & before


def test_large_arrays_arrive_whole_and_can_be_changed(pool: ProcessPool) -> None:
    def workflow(step: Steps) -> Any:
        values = step(array, "array").partial(size=3_000_000).call()
        first = step(changed, "changed").partial(values=values).call()
        second = step(changed, "again").partial(values=values).call()
        return [first, second, values]

    first, second, values = ran(workflow, pool)
    assert (first, second) == (8, 8)
    assert values[:2].tolist() == [0, 1]
    values[0] = 7


def test_what_tasks_print_is_on_the_output_of_the_run(tmp_path: Path) -> None:
    (tmp_path / "printing.py").write_text(
        "from process_tasks import prints\n"
        "def main(step):\n    '''Print.'''\n    return step(prints, 'p').map('text', ['a', 'b'])\n"
    )
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{TESTS}"}
    for as_json in (False, True):
        options = ["run", "--executor", "processes", "--no-cache", *(["--json"] if as_json else [])]
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, "printing:main", *options],
            env=environment,
            cwd=tmp_path,
            check=True,
            capture_output=True,
            text=True,
        )
        printed = done.stderr if as_json else done.stdout
        assert {"python a", "python b", "system"} <= set(printed.splitlines())
        assert not as_json or json.loads(done.stdout)["ok"]


def pids_of(pool: ProcessPool) -> list[int]:
    return [worker.process.pid for worker in list(pool._workers)]


@pytest.mark.storm
@pytest.mark.parametrize("retries", [0, 20])
@pytest.mark.parametrize("seed", range(5 if LONG else 1))
def test_of_processes_killed_at_random_only_the_calls_fail_or_run_again(seed: int, retries: int) -> None:
    chosen = random.Random(seed)  # noqa: S311 - a test that can be repeated
    kills = 50 if LONG else 5
    killed: list[int] = []
    ended = threading.Event()

    def kill(pool: ProcessPool) -> None:
        while len(killed) < kills and not ended.wait(chosen.uniform(0.0, 0.2)):
            pids = pids_of(pool)
            if pids:
                killed.append(chosen.choice(pids))
                # It may have ended by itself.
                with suppress(ProcessLookupError):
                    os.kill(killed[-1], signal.SIGKILL)

    def workflow(step: Steps) -> Any:
        calls = step(naps, "n").partial(seconds=0.02).policy(retries=retries, backoff=0.01)
        return calls.map("value", list(range(20 * kills)))

    log, seen = RunLog(), set[int]()
    problems: tuple[Problem, ...] = ()
    with ProcessPool.of(2) as pool:
        thread = threading.Thread(target=kill, args=(pool,))
        thread.start()
        try:
            assert run_plan(trace(workflow), Options(keep_going=True), pool, log) == list(range(20 * kills))
        except WorkflowError as error:
            problems = error.problems
        ended.set()
        thread.join()
        seen.update(killed, pids_of(pool))
    assert len(killed) == kills
    assert {problem.code for problem in problems} <= ({"FL756"} if retries == 0 else set())
    assert len(problems) <= len(killed)
    assert log.records[0].calls == 20 * kills - len(problems)
    assert not any(is_running(pid) for pid in seen)
