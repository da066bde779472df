"""Files below the URL of a results folder, by their keys: the port, and the files of this machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from flowlock_core.errors import WorkflowError
from flowlock_core.runs.results_url import ResultsUrl
from flowlock_core.store.whole_files import whole

HINT = "check the URL, the credentials and the network"


class Blobs(Protocol):
    """Files by keys such as `runs/ID/run.json`; what goes wrong is a WorkflowError."""

    @property
    def url(self) -> ResultsUrl:
        """The URL that the keys are below."""
        ...

    def create(self, key: str, data: bytes) -> None:
        """Write a file that does not exist yet; of several processes, one succeeds."""
        ...

    def put(self, key: str, source: Path) -> None:
        """Write or replace a file, as a whole."""
        ...

    def get(self, key: str) -> bytes | None:
        """Return the contents of a file, None if it does not exist."""
        ...

    def keys(self, prefix: str) -> list[str]:
        """Return the keys of the files in a folder, at any depth, sorted."""
        ...

    def delete(self, keys: list[str]) -> None:
        """Remove files."""
        ...


class FileBlobs:
    """The files of a file: URL. A link that leads out of its folder is not followed."""

    def __init__(self, url: ResultsUrl) -> None:
        self.url = url
        self._root = url.path.resolve()

    def create(self, key: str, data: bytes) -> None:
        """Write a file that does not exist yet."""
        with self._accessing(key):
            target = self._target(key)
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as stream:
                stream.write(data)

    def put(self, key: str, source: Path) -> None:
        """Copy a file beside its place and rename it; a link in its place is replaced."""
        with self._accessing(key):
            target = self._target(key)
            target.parent.mkdir(parents=True, exist_ok=True)
            with whole(target) as temporary:
                temporary.write_bytes(source.read_bytes())

    def get(self, key: str) -> bytes | None:
        """Return the contents of a file."""
        with self._accessing(key):
            path = self._target(key)
            self._require_inside(path)
            with suppress(FileNotFoundError):
                return path.read_bytes()
        return None

    def keys(self, prefix: str) -> list[str]:
        """Return the keys of the files in a folder."""
        with self._accessing(prefix):
            self._require_inside(self._target(prefix))
            keys = []
            for parent, _, names in os.walk(self._root / prefix):
                keys += [(Path(parent) / name).relative_to(self._root).as_posix() for name in names]
            return sorted(keys)

    def delete(self, keys: list[str]) -> None:
        """Remove files, and the folders that are empty then."""
        for key in keys:
            with self._accessing(key):
                path = self._target(key)
                path.unlink(missing_ok=True)
                # The first folder that is not empty ends it.
                with suppress(OSError):
                    for folder in path.relative_to(self._root).parents:
                        if folder.parts:
                            (self._root / folder).rmdir()

    def _target(self, key: str) -> Path:
        """Return the path of a key, whose folder is inside the root."""
        path = self._root / key
        self._require_inside(path.parent)
        return path

    def _require_inside(self, path: Path) -> None:
        if not path.resolve().is_relative_to(self._root):
            raise WorkflowError(
                f"{path} leads out of {self._root}",
                code="FL749",
                hint="remove the link, or write the target as the URL",
            )

    @contextmanager
    def _accessing(self, key: str) -> Iterator[None]:
        try:
            yield
        except FileExistsError as error:
            raise already_exists(self.url.of(key)) from error
        except OSError as error:
            raise not_accessible(self.url.of(key), error.strerror or str(error)) from error


def already_exists(url: str) -> WorkflowError:
    """Return the error of a file that was to be created, but exists."""
    hint = "start the run again, which gives it another id"
    return WorkflowError(f"{url} already exists", code="FL749", hint=hint)


def not_accessible(url: str, reason: str) -> WorkflowError:
    """Return the error of a URL that cannot be read or written."""
    return WorkflowError(f"cannot access {url}: {reason}", code="FL749", hint=HINT)
