"""The results of runs, wherever they are: in the folder of the run, or in a bucket."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from flowlock_core.errors import WorkflowError
from flowlock_core.runs.identity import new_run_id
from flowlock_core.runs.object_blobs import ObjectBlobs
from flowlock_serve.byte_ranges import ByteRange
from flowlock_serve.contained_files import open_contained
from flowlock_serve.runs.refusals import ElsewhereError, StoreError, UnknownResultError
from flowlock_serve.runs.results_upload import FOLDER, key_of, opened
from flowlock_serve.runs.run_files import RESULTS, RunFiles
from flowlock_serve.settings import ResultsTarget


class CutOffError(Exception):
    """The rest of a result cannot be read, after an answer with it has begun."""


class ResultFile(Protocol):
    """One of the results of a run."""

    @property
    def size(self) -> int:
        """How many bytes it has."""
        ...

    def pieces(self, part: ByteRange) -> Iterator[bytes]:
        """Return the bytes of a part, once."""
        ...

    def close(self) -> None:
        """Close it, if it is not read."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredFile:
    """A result in a bucket."""

    blobs: ObjectBlobs
    key: str
    size: int

    def pieces(self, part: ByteRange) -> Iterator[bytes]:
        """Return the bytes of a part; an UnknownResultError if the object was removed by others."""
        # Object stores refuse a range without any bytes.
        if part.start == part.end:
            return iter(())
        with _accessing():
            pieces = self.blobs.part(self.key, part.start, part.end)
        if pieces is None:
            raise UnknownResultError
        return self._sent(pieces)

    def _sent(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the pieces; a CutOffError ends an answer that has begun."""
        try:
            yield from pieces
        except WorkflowError as error:
            raise CutOffError(error.message) from error

    def close(self) -> None:
        """Nothing is open before it is read."""


class RunResults:
    """The results of the runs of a service; those of a `target` are read and removed there."""

    def __init__(self, files_of: Callable[[str], RunFiles], target: ResultsTarget | None) -> None:
        self._files_of = files_of
        self._blobs = None if target is None else opened(target)

    def require_writable(self) -> None:
        """Raise a WorkflowError unless results can be written, and removed."""
        if self._blobs is not None:
            key = f"{FOLDER}/probe-{new_run_id()}"
            self._blobs.create(key, b"")
            self._blobs.delete([key])

    def open(self, run: str, path: str) -> ResultFile:
        """Open a result; an UnknownResultError if the run does not have it."""
        files = self._files_of(run)
        stored = files.stored()
        if stored is None:
            file = open_contained(files.results, path)
            if file is None:
                raise UnknownResultError
            return file
        size = stored.sizes.get(path)
        if size is None:
            raise UnknownResultError
        return StoredFile(blobs=self._blobs_of(stored.url), key=key_of(run, f"{RESULTS}/{path}"), size=size)

    def remove(self, run: str) -> None:
        """Remove the files of a run, here and in the bucket, also those of an upload that did not end."""
        files = self._files_of(run)
        stored = files.stored()
        blobs = self._blobs if stored is None else self._blobs_of(stored.url)
        if blobs is not None:
            with _accessing():
                blobs.delete(blobs.keys(f"{FOLDER}/{run}"))
        files.remove()

    def _blobs_of(self, url: str) -> ObjectBlobs:
        if self._blobs is None or str(self._blobs.url) != url:
            raise ElsewhereError(url)
        return self._blobs


@contextmanager
def _accessing() -> Iterator[None]:
    """Let what a bucket refuses be a refusal of the request."""
    try:
        yield
    except WorkflowError as error:
        raise StoreError(error) from error
