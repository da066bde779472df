"""A bucket of moto's S3, with the connection to it."""

import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from servers.postgres import PARTS, use_connection_parts
from servers.real import moto

SECRET = "Zq9/x+K7planted=="
BUCKET = "rivers"


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectStore:
    """A server of S3 that answers, with a bucket."""

    url: str

    def variables(self, name: str = "lake") -> dict[str, str]:
        """Return the environment variables of a connection to the bucket."""
        settings = {
            "ENDPOINT": self.url,
            "BUCKET": BUCKET,
            "ACCESS_KEY_ID": "AKIA-ADA",
            "SECRET_ACCESS_KEY": SECRET,
        }
        prefix = f"FLOWLOCK_CONNECTIONS__S3__{name.upper()}__"
        return {f"{prefix}{setting}": value for setting, value in settings.items()}

    def get(self, key: str) -> bytes:
        """Read an object, not through our own code."""
        import obstore

        return bytes(obstore.get(self._bucket(), key).bytes())

    def put(self, key: str, data: bytes) -> None:
        """Write an object, not through our own code."""
        import obstore

        obstore.put(self._bucket(), key, data)

    def delete(self, key: str) -> None:
        """Remove an object, not through our own code."""
        import obstore

        obstore.delete(self._bucket(), key)

    def listed(self) -> list[str]:
        """Return the keys of all objects, not through our own code."""
        import obstore

        return [entry["path"] for page in obstore.list(self._bucket()) for entry in page]

    def make_bucket(self) -> None:
        """Make the bucket."""
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/{BUCKET}", method="PUT")).close()

    def _bucket(self) -> Any:
        from obstore.store import S3Store

        return S3Store(
            BUCKET,
            endpoint=self.url,
            region="us-east-1",
            access_key_id="owner",
            secret_access_key=SECRET,
            client_options={"allow_http": True},
        )


@pytest.fixture(scope="session")
def running_object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    use_connection_parts()
    with moto(PARTS / "bin/python", tmp_path_factory.mktemp("moto")) as running:
        store = ObjectStore(url=running.url)
        store.make_bucket()
        yield store


@pytest.fixture(scope="module")
def object_store(running_object_store: ObjectStore) -> ObjectStore:
    """The server of the session, with its client for the tests of a module."""
    use_connection_parts()
    return running_object_store
