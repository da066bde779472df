"""A channel in a bucket of S3, or of any store that speaks its API."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import quote

from flowlock.edges import address, secret
from flowlock.edges.http import Answer
from flowlock.edges.retry_policy import PassingError, persist
from flowlock.edges.secret import Secret
from flowlock.edges.state_folder import StateFolder
from flowlock.errors import FlowlockError
from flowlock.names import Sha256
from flowlock.release.targets.artifact import FileBody, Item
from flowlock.release.targets.bucket import Bucket
from flowlock.release.targets.client import CONFLICT, NOT_FOUND, PRECONDITION, Client
from flowlock.release.targets.protocol import Context, Delivery, DeliveryStatus, Served, TargetKind
from flowlock.release.targets.sigv4 import DIGEST_HEADER, Signer

if TYPE_CHECKING:
    from pathlib import Path

KEY, SECRET, TOKEN = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"
REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")


class S3:
    """`s3://BUCKET/PREFIX`; credentials, region and endpoint come from AWS's variables."""

    kind = TargetKind.CHANNEL

    def __init__(self, location: str, context: Context) -> None:
        bucket, _, prefix = location.removeprefix("//").strip("/").partition("/")
        if not location.startswith("//") or not bucket or not prefix:
            raise FlowlockError(
                f"`s3:{location}` does not name a channel", code="FL801", hint="write s3://BUCKET/CHANNEL"
            )
        self.name = f"s3:{location}"
        self._prefix = prefix
        self._sent: dict[str, Path] = {}
        environ = context.environ
        self._region = _first(environ, REGIONS) or "us-east-1"
        endpoint = _first(environ, ENDPOINTS)
        address.require_no_user_info(endpoint, self.name)
        self._endpoint = (endpoint or f"https://s3.{self._region}.amazonaws.com").rstrip("/")
        host = (
            f"{self._endpoint}/{bucket}" if endpoint else f"https://{bucket}.s3.{self._region}.amazonaws.com"
        )
        self._bucket_url, self._channel_url = host, f"{host}/{quote(prefix)}"
        self._context = context

    @cached_property
    def _signer(self) -> Signer:
        environ = self._context.environ
        key = secret.require((KEY,), f"{self._endpoint} key", self.name, environ)
        return Signer(
            key=key.reveal(),
            secret=secret.require((SECRET,), f"{self._endpoint} secret", self.name, environ),
            token=Secret.or_none(environ.get(TOKEN), name=TOKEN),
            region=self._region,
        )

    @cached_property
    def _client(self) -> Client:
        return Client(self._context, self.name, self._signer)

    def check(self) -> None:
        """See that the keys are accepted and the bucket is there."""
        answer = self._client.send("GET", self._bucket_url, query={"list-type": "2", "max-keys": "1"})
        self._client.accept(answer, "to list the bucket")

    def served(self, items: Sequence[Item]) -> Mapping[str, Served]:
        """Return what the channel's index has of these packages."""
        return self._client.repodata(self._channel_url, items)

    def upload(self, item: Item) -> Delivery:
        """Put the object unless its name is taken, with the digest that the store checks.

        Stores that do not know `If-None-Match` would replace an object, so its absence is seen first.
        """
        url = self._place(item)
        there = self._client.send("HEAD", url)
        if self._client.accept(there, f"to show {item.file}", also=[NOT_FOUND]).ok:
            return self._client.compare(item, url)

        def put() -> Answer:
            answer = self._client.send(
                "PUT",
                url,
                headers={
                    DIGEST_HEADER: item.sha256,
                    "If-None-Match": "*",
                    "Content-Type": "application/octet-stream",
                },
                body=FileBody(item.path, item.size),
            )
            if answer.status == CONFLICT:
                raise PassingError("another upload of the same object is in progress")
            return answer

        answer = persist(put, f"{self.name}: {item.file}", retry_policy=self._context.retry_policy)
        if self._client.accept(answer, item.file, also=[PRECONDITION]).ok:
            self._sent[item.place] = item.path
            return Delivery(status=DeliveryStatus.UPLOADED, url=url)
        return self._client.compare(item, url)

    def digest(self, item: Item) -> Sha256 | None:
        """Return the sha256 of the bytes that are served."""
        return self._client.digest(self._place(item), item)

    def complete(self) -> None:
        """Write the channel's index from the objects that are there."""
        bucket = Bucket(
            name=self.name,
            url=self._bucket_url,
            prefix=self._prefix,
            client=self._client,
            scratch=StateFolder.of(self._context.root).published(self._context.tag),
            retry_policy=self._context.retry_policy,
            local=dict(self._sent),
        )
        bucket.index()

    def _place(self, item: Item) -> str:
        return f"{self._channel_url}/{quote(item.place)}"


def _first(environ: Mapping[str, str], names: Sequence[str]) -> str:
    """Return the first of these variables that says something, an empty text if none does."""
    for name in names:
        if environ.get(name):
            return environ[name]
    return ""
