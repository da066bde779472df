"""S3 and what speaks its protocol as a connection, through obstore: one bucket and a key to it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from flowlock_core.connections import ConnectionSettings
from flowlock_core.connections.requirement import EngineRequirement
from flowlock_core.errors import TaskError
from flowlock_core.masking import masked
from flowlock_core.types import ObjectUrl

_ENDPOINT = re.compile(r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?/?")
_LAST_PORT = 65535
# An error of S3 in XML; other parts of it have the signature, and what was signed.
_SAID = re.compile(r"<Code>(.*?)</Code>.*?<Message>(.*?)</Message>")
# What is retried, and for how long; a large object may take its time.
_RETRIES, _PATIENCE = 3, timedelta(seconds=60)
_CLIENT = {"connect_timeout": "10s", "timeout": "3600s"}


class S3(ConnectionSettings):
    """A bucket, and a key to it; without one, `anonymous` indicates that the bucket is public.

    Nothing is taken from variables and files of other tools, such as AWS_ACCESS_KEY_ID.
    """

    kind: ClassVar[str] = "s3"
    needs: ClassVar[EngineRequirement] = EngineRequirement(
        package="obstore", version=">=0.6", module="obstore"
    )

    bucket: str = Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._-]{1,254}$")
    region: str = Field("us-east-1", pattern=r"^[a-z0-9-]+$")
    endpoint: str | None = Field(None, description="The URL of a server other than Amazon's.")
    access_key_id: str | None = None
    secret_access_key: SecretStr | None = None
    session_token: SecretStr | None = None
    anonymous: bool = False

    @field_validator("endpoint")
    @classmethod
    def _require_endpoint(cls, endpoint: str | None) -> str | None:
        # A password in a URL would not be treated as one, and obstore panics over an invalid port.
        if endpoint is not None:
            match = _ENDPOINT.fullmatch(endpoint)
            if match is None or int(match[1] or 0) > _LAST_PORT:
                raise ValueError("expected a URL such as https://objects.example.org, without a user name")
        return endpoint

    @model_validator(mode="after")
    def _require_a_whole_key(self) -> Self:
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ValueError("`access_key_id` and `secret_access_key` must be set together")
        if self.anonymous == (self.access_key_id is not None):
            raise ValueError("either a key or `anonymous: true` is required")
        return self

    def check(self) -> str:
        """List the beginning of the bucket."""
        with self._reaching(f"s3://{self.bucket}") as store:
            import obstore

            first = next(iter(obstore.list(store, chunk_size=1)), None)
        return f"bucket {self.bucket}, {'not empty' if first else 'empty'}"

    def download(self, url: ObjectUrl, target: Path) -> None:
        """Write an object into a file."""
        self._require_bucket(url, "path")
        with self._reaching(url, parameter="path") as store, target.open("wb") as stream:
            import obstore

            for chunk in obstore.get(store, url.key).stream():
                stream.write(chunk)

    def upload(self, source: Path, url: ObjectUrl, *, mode: Literal["create", "replace"]) -> None:
        """Write a file as an object, wholly or not at all; `create` refuses an object that is there."""
        self._require_bucket(url, "filename")
        with self._reaching(url, parameter="filename") as store:
            import obstore
            from obstore.exceptions import AlreadyExistsError

            try:
                if mode == "create":
                    # Only a request of one part can be made to fail where an object is.
                    obstore.put(store, url.key, source, mode="create", use_multipart=False)
                else:
                    obstore.put(store, url.key, source, mode="overwrite")
            except AlreadyExistsError:
                raise TaskError(
                    f"the object {url} already exists",
                    code="FL755",
                    parameter="filename",
                    hint="set `mode: replace`, or choose another name",
                ) from None

    def _require_bucket(self, url: ObjectUrl, parameter: str) -> None:
        if (url.scheme, url.bucket) != ("s3", self.bucket):
            raise TaskError(
                f"the connection `{self.name}` is for s3://{self.bucket}, not for {url}",
                parameter=parameter,
                hint="name another connection, or another bucket",
            )

    @contextmanager
    def _reaching(self, what: object, parameter: str = "connection") -> Iterator[Any]:
        """Yield the store; what goes wrong in the block becomes a TaskError without secrets."""
        self.needs.require()
        from obstore.exceptions import BaseError

        try:
            yield self.store()
        except FileNotFoundError:
            raise TaskError(f"the object {what} does not exist", code="FL730", parameter=parameter) from None
        except (BaseError, OSError, ValueError) as error:
            raise TaskError(f"{what}: {said_by_store(error)}", code="FL754", parameter="connection") from None

    def store(self) -> Any:
        """Return the bucket as an object of obstore, which must be installed."""
        from obstore.store import S3Store

        key: dict[str, Any] = {"skip_signature": True}
        if self.access_key_id is not None and self.secret_access_key is not None:
            key = {
                "access_key_id": self.access_key_id,
                "secret_access_key": self.secret_access_key.get_secret_value(),
            }
        if self.session_token is not None:
            key["session_token"] = self.session_token.get_secret_value()
        if self.endpoint is not None:
            key["endpoint"] = self.endpoint
        allow_http = self.endpoint is not None and self.endpoint.startswith("http://")
        return S3Store(
            self.bucket,
            region=self.region,
            client_options={**_CLIENT, "allow_http": allow_http},
            retry_config={"max_retries": _RETRIES, "retry_timeout": _PATIENCE},
            **key,
        )


def said_by_store(error: Exception) -> str:
    """Return what a store says, on one line, without what it repeats of the request, and without secrets."""
    text = " ".join(str(error).partition("\n\nDebug source:")[0].split())
    match = _SAID.search(text)
    words = f"{match[2]} ({match[1]})" if match else text.partition("<?xml")[0]
    return masked(words)
