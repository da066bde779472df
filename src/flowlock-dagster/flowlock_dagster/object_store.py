"""Values of steps and objects in S3, through a named connection: its settings stay in the environment."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg
from pydantic import Field

from flowlock_core.connections.s3 import S3, said_by_store
from flowlock_core.errors import TaskError
from flowlock_core.execute.pools.messages import Packed, pickled, unpacked


class ObjectStore(dg.ConfigurableResource):
    """A bucket for ops that are written by hand: objects by key, below a prefix."""

    connection: str = Field(description="The name of a connection of the kind s3.")
    prefix: str = Field(default="", description="What the keys of all objects begin with, such as `team/`.")

    def settings(self) -> S3:
        """Return the settings of the connection; a SettingsError names what is missing."""
        return S3.named(self.connection)

    def url(self, key: str) -> str:
        """Return the URL of an object, which tasks such as `load_table` take with the connection."""
        return f"s3://{self.settings().bucket}/{self.prefix}{key}"

    def put(self, key: str, data: bytes, *, replace: bool = True) -> None:
        """Write an object, wholly or not at all; without `replace` it must not exist (FileExistsError)."""
        import obstore

        with _reaching(self.url(key)):
            mode: Any = "overwrite" if replace else "create"
            store = self.settings().store()
            obstore.put(store, self.prefix + key, data, mode=mode, use_multipart=False)

    def get(self, key: str) -> bytes:
        """Read an object; FileNotFoundError if there is none."""
        import obstore

        with _reaching(self.url(key)):
            return bytes(obstore.get(self.settings().store(), self.prefix + key).bytes())


class ObjectStoreIOManager(dg.ConfigurableIOManager):
    """Keeps what steps give in a bucket, pickled, so that steps on other machines can read it.

    Only those who may run code here may write to the bucket: a pickle can run anything.
    """

    connection: str = Field(description="The name of a connection of the kind s3.")
    prefix: str = Field(default="dagster/", description="What the keys of all objects begin with.")

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Write an output; a step that runs again replaces what it has written before."""
        key = self._key(context)
        store = self._store()
        store.put(key, pickled(obj))
        context.add_output_metadata({"object": dg.MetadataValue.url(store.url(key))})

    def load_input(self, context: dg.InputContext) -> Any:
        """Read an output of an earlier step."""
        upstream = context.upstream_output
        if upstream is None:
            raise dg.DagsterInvariantViolationError("an input that no step gives cannot be loaded from S3")
        return unpacked(Packed(self._store().get(self._key(upstream)), ()))

    def _store(self) -> ObjectStore:
        return ObjectStore(connection=self.connection, prefix=self.prefix)

    def _key(self, context: dg.OutputContext) -> str:
        return "/".join(context.get_identifier())


@contextmanager
def _reaching(url: str) -> Iterator[None]:
    """Let errors of the store pass as errors of files, or as a TaskError without secrets."""
    S3.needs.require()
    from obstore.exceptions import AlreadyExistsError, BaseError

    try:
        yield
    except FileNotFoundError:
        raise FileNotFoundError(f"the object {url} does not exist") from None
    except AlreadyExistsError:
        raise FileExistsError(f"the object {url} already exists") from None
    except (BaseError, OSError) as error:
        raise TaskError(f"{url}: {said_by_store(error)}", code="FL754") from None
