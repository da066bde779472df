"""Sequential and threaded execution of a plan: order, failures, what is kept, and what threads can break."""

import copy
import gc
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from executions import EVERY, PLANNED, add
from flowlock_core.command.running import run_workflow
from flowlock_core.documents.times import to_times
from flowlock_core.errors import TaskError
from flowlock_core.execute import Executor, Options, Steps
from flowlock_core.execute.call import Call, run_call
from flowlock_core.execute.context import RunContext, current
from flowlock_core.execute.record import Unobserved
from flowlock_core.execute.skip import SKIPPED
from flowlock_core.task import Task, task
from flowlock_core.tasks.io import persist_text


@task
def write_slowly(text: str) -> str:
    """Wait, so that other elements begin meanwhile, then write."""
    time.sleep(0.01)
    path = current().output_path("x.csv")
    time.sleep(0.01)
    path.write_text(text)
    return path.name


@task
def change(values: Any) -> int:
    """Change an argument in place, whatever it is."""
    if isinstance(values, list):
        values.append({"more": 1})
        values[0].update(changed=True)
    elif isinstance(values, pd.DataFrame):
        values["new"] = 1
        values.loc[0, "a"] = 99
        values.index.name = "changed"
        values.attrs["changed"] = True
        values.insert(0, "first", 0)
    elif isinstance(values, np.ndarray):
        values[0] = 99
    return 1


@task
def seen(values: Any) -> str:
    """Tell a value."""
    if isinstance(values, pd.DataFrame):
        return f"{values.to_dict('list')} {values.index.name} {list(values.index)} {values.attrs}"
    return repr(values)


@task
def made(kind: str) -> Any:
    """Make a value that can be changed."""
    values = {
        "list": [{"a": 1}],
        "frame": pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]}),
        "array": np.array([1, 2, 3]),
    }
    return values[kind]


@task
def together(values: list[Any]) -> Any:
    """Give back what was given."""
    return values


def pickled(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))  # noqa: S301 - our own bytes


@pytest.mark.parametrize("executor", EVERY)
@pytest.mark.parametrize("kind", ["list", "frame", "array"])
def test_what_a_task_changes_in_place_no_other_step_sees(executor: Executor, kind: str) -> None:
    def main(step: Steps) -> Any:
        value = step(made, "made").partial(kind=kind).call()
        before = step(seen, "before").partial(values=value).call()
        changed = step(change, "changed").partial(values=value).call()
        mapped = step(change, "mapped").map("values", [value, value])
        after = step(seen, "after").partial(values=value).call()
        return step(together, "all").partial(values=[before, changed, mapped, after]).call()

    before, _, _, after = run_workflow(main, Options(executor=executor))[0]
    assert before == after


@pytest.mark.parametrize("executor", EVERY)
def test_elements_that_run_at_once_write_files_of_their_own_names(executor: Executor, tmp_path: Path) -> None:
    def main(step: Steps) -> Any:
        return step(write_slowly, "write").mapvalues("text", [(f"e{n}", str(n)) for n in range(8)])

    jobs = 4 if executor is Executor.THREADS else None
    result, _ = run_workflow(main, Options(executor=executor, jobs=jobs, results=tmp_path))
    assert result == [(f"e{n}", f"x-e{n}.csv") for n in range(8)]
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        f"x-e{n}.csv": str(n) for n in range(8)
    }


def test_reading_times_turns_no_warning_of_another_thread_into_an_error() -> None:
    stop, raised = threading.Event(), list[str]()

    def warn() -> None:
        while not stop.is_set():
            try:
                warnings.warn("only a warning", UserWarning, stacklevel=1)
            except UserWarning as error:
                raised.append(str(error))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        thread = threading.Thread(target=warn)
        thread.start()
        for _ in range(30):
            to_times(pd.Series(["2020-01-01", "2020-01-02"] * 20), "day")
            with pytest.raises(TaskError):
                to_times(pd.Series(["1 Jan 2020", "2 Jan 2020"] * 20), "day")
        stop.set()
        thread.join()
    assert raised == []


def test_the_skip_marker_survives_pickling_and_copying() -> None:
    assert pickled(SKIPPED) is SKIPPED
    assert pickled([("k", SKIPPED)])[0][1] is SKIPPED
    assert copy.deepcopy(SKIPPED) is SKIPPED


@pytest.mark.parametrize("one", [add, add.partial(by=3), add.validate(), persist_text])
def test_a_task_is_pickled_by_the_name_of_its_function(one: Task[..., Any]) -> None:
    assert pickled(one) == one
    assert copy.deepcopy(one) == one


def test_a_task_without_an_importable_name_is_not_pickled() -> None:
    @task
    def local() -> int:
        """Be local."""
        return 1

    with pytest.raises(pickle.PicklingError, match="define it at the top of a module"):
        pickle.dumps(local)


def test_a_call_is_frozen_and_runs_the_same_in_another_process(tmp_path: Path) -> None:
    call = Call("s", persist_text, {"text": "x", "filename": "a.txt"}, RunContext(tmp_path), "e1")
    with pytest.raises(AttributeError):
        call.context.element = "e2"  # type: ignore[misc] # that it cannot be changed is the point
    copied = pickled(call)
    assert run_call(copied).written == (tmp_path / "a-e1.txt",)
    assert run_call(call).value == str(tmp_path / "a-e1.txt")


@pytest.mark.parametrize("executor", PLANNED)
def test_a_result_is_released_after_its_last_user(executor: Executor) -> None:
    class Big:
        pass

    alive: list[weakref.ref[Big]] = []

    @task
    def big() -> Any:
        """Make something."""
        one = Big()
        alive.append(weakref.ref(one))
        return one

    @task
    def use(value: Any) -> int:
        """Use it."""
        return 1

    @task
    def alive_now(after: int) -> bool:
        """Tell whether it is still there."""
        gc.collect()
        return alive[0]() is not None

    def main(step: Steps) -> Any:
        value = step(big, "big").call()
        used = step(use, "used").partial(value=value).call()
        early = step(alive_now, "early").partial(after=used).call()
        again = step(use, "again").partial(value=step(together, "t").partial(values=[value, early]).call())
        return step(alive_now, "late").partial(after=again.call()).call()

    assert run_workflow(main, Options(executor=executor))[0] is False


def test_threads_run_branches_and_elements_at_the_same_time() -> None:
    barrier = threading.Barrier(2, timeout=20)

    @task
    def meet(value: int) -> int:
        """Wait for another."""
        barrier.wait()
        return value

    def branches(step: Steps) -> Any:
        left = step(meet, "left").partial(value=1).call()
        right = step(meet, "right").partial(value=2).call()
        return step(together, "both").partial(values=[left, right]).call()

    def elements(step: Steps) -> Any:
        return step(meet, "met").map("value", [1, 2])

    for main in (branches, elements):
        assert run_workflow(main, Options(executor=Executor.THREADS, jobs=2))[0] == [1, 2]


def test_progress_is_told_from_totals_known_at_the_start() -> None:
    class Progress(Unobserved):
        def __init__(self) -> None:
            self.told: list[Any] = []

        def started(self, steps: int) -> None:
            self.told.append(steps)

        def called(self, step: str, done: int, total: int) -> None:
            self.told.append((step, done, total))

    def main(step: Steps) -> Any:
        values = step(together, "values").partial(values=[1, 2, 3]).call()
        return step(add, "added").map("value", values)

    progress = Progress()
    run_workflow(main, Options(observer=progress))
    assert progress.told == [2, ("added", 1, 3), ("added", 2, 3), ("added", 3, 3)]


def test_an_interrupt_ends_a_threaded_run_while_a_task_still_runs(package: str, tmp_path: Path) -> None:
    source = textwrap.dedent("""
        import sys, time
        from flowlock_core.task import task
        @task
        def wait() -> None:
            '''Wait.'''
            print("waiting", flush=True)
            time.sleep(60)
        def main(step):
            '''Wait.'''
            return step(wait, "wait").call()
    """)
    (tmp_path / "paths é" / package / "waiting.py").write_text(source)
    code = "import sys\nfrom flowlock_core.cli import main\nsys.exit(main(sys.argv[1], sys.argv[2:]))"
    command = [sys.executable, "-c", code, f"{package}.waiting:main", "run", "--executor", "threads"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "paths é")}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"waiting\n"
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
        assert time.monotonic() - started < 20


def test_the_context_of_a_pool_thread_is_that_of_its_call() -> None:
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(current).result() == RunContext()
