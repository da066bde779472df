"""Every executor gives what eager execution gives: results, records, files, and which failure is told."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from drawn_tasks import (
    any_is_three,
    frame,
    increased,
    number,
    numbers,
    pairs,
    parted,
    summary,
    text_of,
    thing,
    told,
    total,
    unwrapped,
    widened,
)
from flowlock_core.command.reuse import Reuse
from flowlock_core.command.running import run_workflow
from flowlock_core.errors import WorkflowError
from flowlock_core.execute import Executor, Options, RunLog, Steps, Workflow, run_plan, trace
from flowlock_core.execute.pool import Pool
from flowlock_core.execute.pools.processes import ProcessPool
from flowlock_core.execute.record import StepRecord, Unobserved
from flowlock_core.store.cached_calls import CachedOpener
from flowlock_core.task import Task
from flowlock_core.tasks.io import persist_text
from flowlock_core.tasks.skip import any_dependency_skipped, any_is_empty_df, never
from servers.dask_parts import use_dask_parts


@dataclass(frozen=True)
class Kind:
    """A kind of step: its task, what it takes of other steps, what it gives."""

    task: Task[..., Any]
    takes: str
    argument: str
    gives: str
    method: str = "call"
    literals: tuple[str, ...] = ()


KINDS = [
    Kind(number, "", "", "int", literals=("of",)),
    Kind(numbers, "", "", "ints", literals=("count",)),
    Kind(pairs, "", "", "pairs", literals=("count",)),
    Kind(frame, "", "", "frame", literals=("count",)),
    Kind(thing, "int", "value", "thing"),
    Kind(unwrapped, "thing", "value", "int"),
    Kind(increased, "int", "value", "int", literals=("by",)),
    Kind(increased, "ints", "value", "ints", "map", literals=("by",)),
    Kind(increased, "pairs", "value", "pairs", "mapvalues", literals=("by",)),
    Kind(frame, "ints", "count", "frames", "map"),
    Kind(summary, "frames", "df", "texts", "map"),
    Kind(total, "ints", "values", "int"),
    Kind(total, "pairs", "values", "int"),
    Kind(widened, "frame", "df", "frame"),
    Kind(parted, "frame", "df", "parts"),
    Kind(widened, "parts", "df", "parts", "mapvalues"),
    Kind(summary, "parts", "df", "keyed", "mapvalues"),
    Kind(summary, "frame", "df", "text"),
    Kind(text_of, "int", "value", "text"),
    Kind(persist_text, "text", "text", "text", literals=("filename",)),
    Kind(text_of, "pairs", "value", "keyed", "mapvalues"),
    Kind(persist_text, "keyed", "text", "keyed", "mapvalues", literals=("filename",)),
]
# Those whose values can be passed to another process.
PASSED = [kind for kind in KINDS if "thing" not in (kind.takes, kind.gives)]
CONDITIONS = [
    (),
    (any_dependency_skipped,),
    (any_is_three, any_dependency_skipped),
    (any_is_empty_df,),
    (never,),
]


@st.composite
def workflows(draw: st.DrawFn, kinds: Sequence[Kind] = tuple(KINDS)) -> Workflow:
    """Draw a workflow; what a step takes is given by any step before it that gives such a value."""
    chosen: list[tuple[Kind, int | None, dict[str, Any], Any]] = []
    for _ in range(draw(st.integers(1, 12))):
        givers = {kind.gives for kind, *_ in chosen} | {""}
        kind = draw(st.sampled_from([kind for kind in kinds if kind.takes in givers]))
        sources = [index for index, (other, *_) in enumerate(chosen) if other.gives == kind.takes]
        source = draw(st.sampled_from(sources)) if sources else None
        literals: dict[str, Any] = {}
        for name in kind.literals:
            names = st.sampled_from(["a.txt", "b/c.txt", f"own-{len(chosen)}.txt"])
            literals[name] = draw(names if name == "filename" else st.integers(0, 6))
        chosen.append((kind, source, literals, draw(st.sampled_from(CONDITIONS))))

    def workflow(step: Steps) -> Any:
        """Do what was drawn."""
        results: list[Any] = []
        for index, (kind, source, literals, conditions) in enumerate(chosen):
            begun = step(kind.task, f"s{index}").partial(**literals).skipif(conditions)
            given_value = None if source is None else results[source]
            if kind.method == "call":
                given_values = {kind.argument: given_value} if kind.argument else {}
                results.append(begun.partial(**given_values).call())
            else:
                results.append(getattr(begun, kind.method)(kind.argument, given_value))
        return step(told, "told").partial(values=results).call()

    return workflow


class Records(Unobserved):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.seen: list[StepRecord] = []

    def finished(self, record: StepRecord) -> None:
        self.seen.append(replace(record, seconds=0))


@dataclass
class Ran:
    """What is to be equal."""

    result: Any
    problems: list[tuple[Any, ...]]
    records: list[StepRecord]
    files: dict[str, str]


def ran(workflow: Workflow, executor: Executor, *, keep_going: bool = False, pool: Pool | None = None) -> Ran:
    """Run a workflow in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return ran_in(folder, workflow, executor, keep_going=keep_going, pool=pool)


def ran_in(
    folder: str,
    workflow: Workflow,
    executor: Executor,
    *,
    keep_going: bool = False,
    cache: Reuse | None = None,
    pool: Pool | None = None,
) -> Ran:
    """Run a workflow into a folder, on a pool that is there already or on one of its own."""
    records = Records()
    jobs = 3 if executor is Executor.THREADS else None
    options = Options(
        results=Path(folder), executor=executor, jobs=jobs, keep_going=keep_going, observer=records
    )
    result, problems = None, []
    try:
        if pool is None:
            result, log = run_workflow(workflow, options, reuse=cache)
        else:
            log = RunLog()
            result = run_on(pool, workflow, options, log, cache)
        assert [replace(record, seconds=0) for record in log.records] == sorted(
            records.seen, key=lambda record: order(record.id)
        )
    except WorkflowError as error:
        problems = [
            (error.message, problem.code, problem.sentence.replace(folder, "DIR"), problem.location)
            for problem in error.problems
        ]
    files = {
        path.relative_to(folder).as_posix(): path.read_text().replace(folder, "DIR")
        for path in Path(folder).rglob("*")
        if path.is_file()
    }
    shown = result.replace(folder, "DIR") if isinstance(result, str) else result
    return Ran(shown, problems, sorted(records.seen, key=lambda record: order(record.id)), files)


def run_on(pool: Pool, workflow: Workflow, options: Options, log: RunLog, cache: Reuse | None) -> Any:
    plan = trace(workflow)
    if cache is None:
        return run_plan(plan, options, pool, log)
    kept = cache.cache(plan, options)
    try:
        return run_plan(plan, options, pool, log, CachedOpener(kept, options, log))
    finally:
        kept.close()


def order(step: str) -> int:
    return int(step[1:]) if step[1:].isdigit() else 10**6


@settings(max_examples=60)
@given(workflows())
def test_every_executor_gives_what_eager_execution_gives(workflow: Workflow) -> None:
    eager = ran(workflow, Executor.EAGER)
    sequential = ran(workflow, Executor.SEQUENTIAL)
    assert sequential == eager
    assert_equal_up_to_failure(ran(workflow, Executor.THREADS), eager)


def assert_equal_up_to_failure(parallel: Ran, eager: Ran) -> None:
    assert (parallel.result, parallel.problems) == (eager.result, eager.problems)
    if not eager.problems:
        assert parallel == eager
        return
    # Steps behind the failed one may have run by then: told as they ended, but in no record.
    ids = [record.id for record in eager.records]
    assert [record for record in parallel.records if record.id in ids] == eager.records
    assert eager.files.keys() <= parallel.files.keys()


def assert_same_problems(parallel: Ran, sequential: Ran) -> None:
    """All failures of a run that keeps going are the same; in a run without any, everything is."""
    assert (parallel.result, parallel.problems) == (sequential.result, sequential.problems)
    assert sequential.files.keys() == parallel.files.keys()
    if not sequential.problems:
        assert parallel == sequential


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessPool]:
    with ProcessPool.of(2) as pool:
        yield pool


@settings(max_examples=40)
@given(workflow=workflows(kinds=PASSED))
def test_processes_give_what_eager_execution_gives(processes: ProcessPool, workflow: Workflow) -> None:
    assert_equal_up_to_failure(
        ran(workflow, Executor.PROCESSES, pool=processes), ran(workflow, Executor.EAGER)
    )


@settings(max_examples=30)
@given(workflow=workflows(kinds=PASSED))
def test_with_keep_going_processes_tell_every_failure(processes: ProcessPool, workflow: Workflow) -> None:
    sequential = ran(workflow, Executor.SEQUENTIAL, keep_going=True)
    parallel = ran(workflow, Executor.PROCESSES, keep_going=True, pool=processes)
    assert_same_problems(parallel, sequential)


@pytest.fixture(scope="module")
def dask_workers() -> Iterator[Pool]:
    use_dask_parts()
    from flowlock_core.cluster.dask_pool import dask_pool

    def every_task(step: Steps) -> Any:
        for kind in KINDS:
            step(kind.task, kind.task.name).call()

    with dask_pool(trace(every_task), None, 2, ()) as pool:
        yield pool


# A workflow that fails with Dask is shown as it was drawn: to make it smaller takes minutes.
@settings(max_examples=15, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(workflow=workflows(kinds=PASSED))
def test_dask_gives_what_eager_execution_gives(dask_workers: Pool, workflow: Workflow) -> None:
    assert_equal_up_to_failure(ran(workflow, Executor.DASK, pool=dask_workers), ran(workflow, Executor.EAGER))


@settings(max_examples=10, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(workflow=workflows(kinds=PASSED))
def test_with_keep_going_dask_tells_every_failure(dask_workers: Pool, workflow: Workflow) -> None:
    sequential = ran(workflow, Executor.SEQUENTIAL, keep_going=True)
    parallel = ran(workflow, Executor.DASK, keep_going=True, pool=dask_workers)
    assert_same_problems(parallel, sequential)


@settings(max_examples=8, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(workflow=workflows(kinds=PASSED))
def test_a_run_that_dask_kept_is_resumed_by_any_executor(dask_workers: Pool, workflow: Workflow) -> None:
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as kept:
        cache = Reuse(folder=Path(kept), workflow="drawn")
        first = ran_in(folder, workflow, Executor.DASK, cache=cache, pool=dask_workers)
        sequential = ran(workflow, Executor.SEQUENTIAL)
        assert (first.result, first.problems) == (sequential.result, sequential.problems)
        if first.problems:
            return
        for executor, pool in ((Executor.SEQUENTIAL, None), (Executor.DASK, dask_workers)):
            again = ran_in(folder, workflow, executor, cache=replace(cache, resume=True), pool=pool)
            assert (again.result, again.files) == (first.result, first.files)
            assert all(record.calls == 0 for record in again.records)


@settings(max_examples=40)
@given(workflows())
def test_with_keep_going_every_failure_is_told_whatever_the_executor(workflow: Workflow) -> None:
    sequential = ran(workflow, Executor.SEQUENTIAL, keep_going=True)
    threads = ran(workflow, Executor.THREADS, keep_going=True)
    assert_same_problems(threads, sequential)


@settings(max_examples=40)
@given(workflows())
def test_a_resumed_run_gives_what_an_undisturbed_one_gives(workflow: Workflow) -> None:
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as kept:
        cache = Reuse(folder=Path(kept), workflow="drawn")
        first = ran_in(folder, workflow, Executor.THREADS, cache=cache)
        sequential = ran(workflow, Executor.SEQUENTIAL)
        assert (first.result, first.problems) == (sequential.result, sequential.problems)
        for executor in (Executor.SEQUENTIAL, Executor.THREADS):
            again = ran_in(folder, workflow, executor, cache=replace(cache, resume=True))
            assert (again.result, again.problems) == (first.result, first.problems)
            if not first.problems:
                assert again.files == first.files
