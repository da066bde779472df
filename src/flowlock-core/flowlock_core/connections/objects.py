"""Files of a task that may be objects of a store: read by a copy, written as a whole."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from flowlock_core.connections.s3 import S3
from flowlock_core.errors import TaskError
from flowlock_core.types import ObjectUrl


@contextmanager
def local_copy(path: Path | ObjectUrl, connection: S3 | None, parameter: str = "path") -> Iterator[Path]:
    """Yield a file to read: the path itself, or a copy of the object, which errors name by its URL."""
    if isinstance(path, Path):
        refuse_connection(connection, parameter)
        yield path
        return
    store = _required(connection, path)
    with tempfile.TemporaryDirectory(prefix="flowlock-object-") as folder:
        copy = Path(folder) / path.name
        store.download(path, copy)
        try:
            yield copy
        except TaskError as error:
            error.message = error.message.replace(str(copy), str(path))
            raise


@contextmanager
def uploaded(url: ObjectUrl, connection: S3 | None, *, mode: Literal["create", "replace"]) -> Iterator[Path]:
    """Yield a file to write, which becomes the object when the block ends well."""
    store = _required(connection, url)
    with tempfile.TemporaryDirectory(prefix="flowlock-object-") as folder:
        source = Path(folder) / url.name
        yield source
        store.upload(source, url, mode=mode)


def _required(connection: S3 | None, url: ObjectUrl) -> S3:
    if connection is None:
        raise TaskError(
            f"{url} can only be accessed through a connection",
            parameter="connection",
            hint="set the name of a connection of the kind s3",
        )
    return connection


def refuse_connection(connection: S3 | None, parameter: str) -> None:
    """Raise a TaskError if there is a connection, which a file has no use for."""
    if connection is not None:
        raise TaskError(
            f"a connection is only used for URLs, but `{parameter}` is a file",
            parameter="connection",
            hint=f"omit it, or write `{parameter}` as s3://bucket/key",
        )
