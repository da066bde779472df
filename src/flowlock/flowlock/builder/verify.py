"""`build --verify`: build again from nothing, elsewhere, and compare the bytes."""

from collections.abc import Mapping
from pathlib import Path

from flowlock.builder.plan.cache import difference
from flowlock.builder.plan.result import JobResult
from flowlock.builder.worker.job_runner import WorkerFolders
from flowlock.builder.worker.jobs import BuildJob
from flowlock.builder.worker.workers import Workers
from flowlock.edges import files
from flowlock.errors import FlowlockError, Problem
from flowlock.report.reporter import Progress


def verify(
    pending: Mapping[str, BuildJob], built: Mapping[str, Path], *, folder: Path, jobs: int, progress: Progress
) -> None:
    """Build each job in another folder with an empty package cache; other bytes are one error for all.

    `built` are the artifacts to compare with. The folder is removed afterwards.
    """
    problems, details = [], []
    files.remove(folder)
    try:
        folders = WorkerFolders(root=folder.resolve(), logs=folder / "logs")
        for name, outcome in Workers(folders, jobs=jobs).run(
            {name: set() for name in pending}, pending.__getitem__
        ):
            progress.working(f"{name} built again")
            if not isinstance(outcome, JobResult):
                raise outcome
            if outcome.data != built[name].read_bytes():
                again = folder / pending[name].identity.artifact.file
                again.write_bytes(outcome.data)
                message = f"{name} is not reproducible: the same inputs produced different bytes"
                problems.append(Problem(code="FL540", message=message))
                details.append(f"{name}:\n{difference(built[name], again)}")
    finally:
        files.remove(folder)
    if problems:
        raise FlowlockError(
            f"{len(problems)} of {len(pending)} packages were not identical when built again",
            problems=problems,
            detail="\n".join(details),
            hint="make these builds independent of the time, the order and the location",
        )
