"""Where the results of the command line go: a folder, or a URL to which they are uploaded."""

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flowlock_core.errors import UsageError, WorkflowError
from flowlock_core.runs.blobs import Blobs, FileBlobs
from flowlock_core.runs.results_url import FILE, ResultsUrl
from flowlock_core.runs.storage import LocalRuns, RunStorage, StoredRuns
from flowlock_core.runs.upload import ResultsUpload


@dataclass(frozen=True, kw_only=True, slots=True)
class Destination:
    """The local folder that a run writes to, and what uploads it, if it goes to a URL."""

    folder: Path
    blobs: Blobs | None = None
    upload: ResultsUpload | None = None

    def address(self, path: Path) -> str:
        """Return the path or URL at which users find a file of the results."""
        if self.blobs is None:
            return str(path)
        return self.blobs.url.of(path.relative_to(self.folder).as_posix())


@contextmanager
def destination(arguments: argparse.Namespace, run: str) -> Iterator[Destination]:
    """Yield where a run writes; a folder that could not be uploaded is kept, and the error names it."""
    blobs = blobs_of(arguments)
    if blobs is None:
        yield Destination(folder=Path(arguments.results).resolve())
        return
    folder = Path(tempfile.mkdtemp(prefix="flowlock-results-")).resolve()
    upload = ResultsUpload(folder, blobs, run)
    try:
        yield Destination(folder=folder, blobs=blobs, upload=upload)
    except WorkflowError as error:
        if upload.pending:
            message = f"{error.message}; the results were kept in {folder}"
            raise WorkflowError(message, problems=error.problems) from error
        raise
    finally:
        if not upload.pending:
            shutil.rmtree(folder)


def storage_of(arguments: argparse.Namespace) -> RunStorage:
    """Return where the runs of a results folder are kept."""
    blobs = blobs_of(arguments)
    return LocalRuns(Path(arguments.results).resolve()) if blobs is None else StoredRuns(blobs)


def blobs_of(arguments: argparse.Namespace) -> Blobs | None:
    """Return what is below a URL, None for a path."""
    url = ResultsUrl.parse(arguments.results)
    name = arguments.results_connection
    if name is not None and (url is None or url.scheme != "s3"):
        raise connection_without_bucket()
    if url is None:
        return None
    if url.scheme == FILE:
        return FileBlobs(url)
    from flowlock_core.runs.object_blobs import ObjectBlobs, connection_named

    return ObjectBlobs(url, None if name is None else connection_named(name, url))


def connection_without_bucket() -> UsageError:
    """Return the error of a connection for results that do not go to a bucket of S3."""
    return UsageError(
        "--results-connection is only used with an s3: URL",
        code="FL739",
        hint="remove it, or write --results s3://bucket/prefix",
    )
