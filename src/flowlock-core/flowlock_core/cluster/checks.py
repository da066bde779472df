"""What is checked of a cluster before the first call: code, time limits, folders of each worker."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from flowlock_core.cluster.dask_cluster import DaskCluster
from flowlock_core.cluster.environment import SAME_LOCK, WorkerReport, differences, report
from flowlock_core.errors import Problem, WorkflowError

_UNABLE = "the workers of the Dask cluster cannot execute this run"


def require_able_workers(
    cluster: DaskCluster, modules: tuple[str, ...], folders: Sequence[Path], *, limited: bool
) -> None:
    """Raise a WorkflowError unless all workers can execute the calls of a run.

    They have its modules and see its folders. If calls are `limited` in their time, workers can start
    processes.
    """
    with _markers_in(folders) as markers:
        reports: Mapping[str, Any] = {
            # It reads the messages for the workers, which name our functions.
            "of the scheduler": _on_scheduler(cluster),
            **cluster.everywhere(report, modules, tuple(markers)),
        }
    problems: list[Problem] = []
    for name, answer in reports.items():
        problems += _problems_of(name, answer, limited=limited)
    for marker, folder in markers.items():
        problems += _unseen_problems(folder, marker, reports)
    if problems:
        raise WorkflowError(_UNABLE, problems=problems)


def other_code(worker: str, answer: WorkerReport) -> WorkflowError:
    """Return the error of a worker that came later, and has other code."""
    message = "a worker of the Dask cluster has other code than this run"
    return WorkflowError(message, problems=differences(worker, answer.code))


def _on_scheduler(cluster: DaskCluster) -> WorkerReport:
    try:
        answer: WorkerReport = cluster.on_scheduler(report, ("flowlock_core",))
    except Exception as error:
        raise WorkflowError(_UNABLE, problems=[_without_code("of the scheduler", error)]) from error
    return answer


def _problems_of(worker: str, answer: Any, *, limited: bool) -> Iterator[Problem]:
    if not isinstance(answer, WorkerReport):
        yield _without_code(worker, answer)
        return
    yield from differences(worker, answer.code)
    if limited and not answer.starts_processes:
        yield Problem(
            code="FL765",
            message=f"the worker {worker} cannot end a call that takes longer than the `timeout` of its step",
            hint="start the worker with `--no-nanny`, or with DASK_DISTRIBUTED__WORKER__DAEMON=False in its "
            "environment; or remove the `timeout`",
        )


def _without_code(worker: str, error: Any) -> Problem:
    return Problem(
        code="FL764",
        message=f"the worker {worker} cannot say which code it has: {type(error).__name__}: {error}",
        hint=SAME_LOCK,
    )


def _unseen_problems(folder: Path, marker: Path, reports: Mapping[str, Any]) -> Iterator[Problem]:
    workers = [name for name, answer in reports.items() if _misses(answer, marker)]
    if workers:
        yield Problem(
            code="FL765",
            message=f"the folder {folder} of this run does not exist for {', '.join(workers)}",
            hint="use --results and --cache with folders that all machines share; without a shared folder "
            "for the cache, use --no-cache",
        )


def _misses(answer: Any, marker: Path) -> bool:
    return isinstance(answer, WorkerReport) and str(marker) in answer.unseen


@contextmanager
def _markers_in(folders: Sequence[Path]) -> Iterator[dict[Path, Path]]:
    """Yield a file in each folder that shows who sees the folder."""
    markers: dict[Path, Path] = {}
    try:
        for folder in folders:
            marker = folder / f".flowlock-{uuid4().hex}"
            with suppress(OSError):
                # The run itself reports a folder that it cannot write to.
                folder.mkdir(parents=True, exist_ok=True)
                marker.touch(mode=0o644)
                markers[marker] = folder
        yield markers
    finally:
        for marker in markers:
            marker.unlink(missing_ok=True)
