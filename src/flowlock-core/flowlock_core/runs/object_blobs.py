"""Objects of a bucket through obstore, which is only imported for a URL that names one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flowlock_core.connections.problems import SettingsError
from flowlock_core.connections.s3 import S3, said_by_store
from flowlock_core.errors import TaskError, WorkflowError
from flowlock_core.masking import remember
from flowlock_core.runs.blobs import already_exists, not_accessible
from flowlock_core.runs.results_url import ResultsUrl

# What obstore reads from the environment, and nobody may see.
_SECRETS = (
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_TOKEN",
    "AZURE_CLIENT_SECRET",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_ACCESS_KEY",
    "AZURE_STORAGE_SAS_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_TOKEN",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
)


class ObjectBlobs:
    """The objects below a URL; the credentials are those of a connection, or of the environment."""

    def __init__(self, url: ResultsUrl, connection: S3 | None) -> None:
        self.url = url
        _require_obstore()
        self._store = self._opened(connection)

    def create(self, key: str, data: bytes) -> None:
        """Write an object that does not exist yet."""
        import obstore

        with self._accessing(key):
            # Only a request of one part can be made to fail if the object exists.
            obstore.put(self._store, self._key(key), data, mode="create", use_multipart=False)

    def put(self, key: str, source: Path) -> None:
        """Write or replace an object."""
        import obstore

        with self._accessing(key):
            obstore.put(self._store, self._key(key), source)

    def get(self, key: str) -> bytes | None:
        """Return the contents of an object."""
        import obstore

        with self._accessing(key):
            try:
                return bytes(obstore.get(self._store, self._key(key)).bytes())
            except FileNotFoundError:
                return None

    def part(self, key: str, start: int, end: int) -> Iterator[bytes] | None:
        """Return the bytes of an object from `start` up to `end` in pieces, None if it does not exist.

        The request is sent before this returns; pieces that do not arrive are a WorkflowError.
        """
        import obstore

        with self._accessing(key):
            try:
                answer = obstore.get(self._store, self._key(key), options={"range": (start, end)})
            except FileNotFoundError:
                return None
        return self._pieces(key, answer)

    def _pieces(self, key: str, answer: Any) -> Iterator[bytes]:
        with self._accessing(key):
            for piece in answer.stream():
                yield bytes(piece)

    def keys(self, prefix: str) -> list[str]:
        """Return the keys of the objects in a folder."""
        import obstore

        start = len(self._key(""))
        with self._accessing(prefix):
            pages = obstore.list(self._store, prefix=self._key(prefix))
            return sorted(entry["path"][start:] for page in pages for entry in page)

    def delete(self, keys: list[str]) -> None:
        """Remove objects."""
        import obstore

        for key in keys:
            with self._accessing(key):
                obstore.delete(self._store, self._key(key))

    def _key(self, key: str) -> str:
        return f"{self.url.prefix}/{key}" if self.url.prefix else key

    def _opened(self, connection: S3 | None) -> Any:
        if connection is not None:
            return connection.store()
        from obstore.store import from_url

        for variable in _SECRETS:
            remember(os.environ.get(variable, ""))
        with self._accessing(""):
            return from_url(f"{self.url.scheme}://{self.url.bucket}")

    @contextmanager
    def _accessing(self, key: str) -> Iterator[None]:
        from obstore.exceptions import AlreadyExistsError, BaseError

        try:
            yield
        except AlreadyExistsError as error:
            raise already_exists(self.url.of(key)) from error
        except (BaseError, OSError, ValueError) as error:
            # The cause would repeat what the store says, which may have a signature.
            raise not_accessible(self.url.of(key), said_by_store(error)) from None


def connection_named(name: str, url: ResultsUrl) -> S3:
    """Return the settings of a connection; a WorkflowError has every problem of them."""
    try:
        connection = S3.named(name)
    except SettingsError as error:
        raise WorkflowError(str(error), problems=error.problems) from None
    if connection.bucket != url.bucket:
        raise WorkflowError(
            f"the connection `{name}` is for s3://{connection.bucket}, not for {url}",
            code="FL749",
            hint="name another connection, or another bucket",
        )
    return connection


def _require_obstore() -> None:
    try:
        S3.needs.require()
    except TaskError as error:
        raise WorkflowError(error.message, code=error.code, hint=error.hint) from error
