"""Channels of servers that take one file at a time and index by themselves: prefix.dev, quetz."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol
from urllib.parse import urlsplit

from flowlock.edges import address
from flowlock.edges.http import Answer
from flowlock.errors import FlowlockError
from flowlock.names import Sha256
from flowlock.release.targets.artifact import Item
from flowlock.release.targets.client import CONFLICT, Client
from flowlock.release.targets.protocol import Delivery, Served, TargetKind

Landed = Callable[[], Answer | None]


class Api(Protocol):
    """What differs from server to server."""

    @property
    def name(self) -> str:
        """How the target was named."""

    @property
    def channel_url(self) -> str:
        """Where conda clients read the channel."""

    def connect(self) -> Client:
        """Find the credential; return the session that uses it."""

    def check(self, client: Client) -> None:
        """See that the credential is known and the channel there, as far as the server tells."""

    def put(self, client: Client, item: Item, landed: Landed) -> Answer:
        """Send a file, which never replaces one; 409 says that its name is used. `landed` is for retries."""


class HostedChannel:
    """A channel of a server with this API; no request is sent before the first call."""

    kind = TargetKind.CHANNEL

    def __init__(self, api: Api) -> None:
        self.name = api.name
        self._api = api
        self._opened: Client | None = None

    @property
    def _client(self) -> Client:
        if self._opened is None:
            self._opened = self._api.connect()
        return self._opened

    def check(self) -> None:
        """Find the credential, and request the server's description of the channel."""
        self._api.check(self._client)

    def served(self, items: Sequence[Item]) -> Mapping[str, Served]:
        """Return what the channel's index has of these packages."""
        return self._client.repodata(self._api.channel_url, items)

    def upload(self, item: Item) -> Delivery:
        """Send the file; a name that is used is success only if the bytes are the same."""

        def put(landed: Landed) -> Answer:
            return self._api.put(self._client, item, landed)

        return self._client.deliver(item, self._url(item), put, taken=CONFLICT)

    def digest(self, item: Item) -> Sha256 | None:
        """Return the sha256 of the bytes that are served."""
        return self._client.digest(self._url(item), item)

    def complete(self) -> None:
        """Do nothing: the server indexes by itself, at once or a little later."""

    def _url(self, item: Item) -> str:
        return f"{self._api.channel_url}/{item.place}"


def server_and_channel(kind: str, location: str, *, below: str = "") -> tuple[str, str]:
    """Return the server's URL and the channel's name; the channel is the last part of the URL, after `below`.

    Without `below` the server has no separate path.
    """
    address.require_no_user_info(location, kind)
    try:
        parts = urlsplit(location)
    except ValueError:
        parts = urlsplit("")
    path = parts.path.strip("/")
    folder, _, channel = path.rpartition(f"{below}/") if below else ("", "", path)
    if parts.scheme not in {"http", "https"} or not channel or "/" in channel:
        form = "/".join(filter(None, ["https://HOST", below, "CHANNEL"]))
        raise FlowlockError(
            f"`{kind}:{location}` does not name a channel", code="FL801", hint=f"write {kind}:{form}"
        )
    return f"{parts.scheme}://{parts.netloc}/{folder}".rstrip("/"), channel
