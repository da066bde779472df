"""quetz: a conda server of one's own."""

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

from flowlock import secret
from flowlock.errors import FlowlockError
from flowlock.http import Answer, Header
from flowlock.names import Sha256
from flowlock.release.artifact import FileBody, Item
from flowlock.release.targets.client import CONFLICT, Client
from flowlock.release.targets.protocol import Context, Delivery, Kind, Served

KEYS = ("QUETZ_API_KEY",)


class Quetz:
    """`quetz:https://HOST/get/CHANNEL`, the channel's URL as conda users write it."""

    kind = Kind.CHANNEL

    def __init__(self, location: str, context: Context) -> None:
        parts = urlsplit(location)
        server, _, channel = parts.path.strip("/").rpartition("get/")
        if parts.scheme not in {"http", "https"} or not channel or "/" in channel:
            raise FlowlockError(
                f"`quetz:{location}` names no channel",
                code="FL801",
                hint="write quetz:https://HOST/get/CHANNEL",
            )
        self.name = f"quetz:{location}"
        base = f"{parts.scheme}://{parts.netloc}/{server}".rstrip("/")
        self._server = base
        self._channel_url = f"{base}/get/{channel}"
        self._api = f"{base}/api/channels/{channel}"
        self._context = context
        self._opened: Client | None = None

    @property
    def _client(self) -> Client:
        if self._opened is None:
            key = secret.require(KEYS, self._server, self.name, self._context.environ)
            credential = Header(name="X-API-Key", scheme="", secret=key)
            self._opened = Client(self._context, self.name, credential)
        return self._opened

    def check(self) -> None:
        """See that the key is known and the channel is there."""
        self._client.accept(self._client.send("GET", f"{self._server}/api/api-keys"), "the API key")
        self._client.accept(self._client.send("GET", self._api), "to show the channel")

    def served(self, items: Sequence[Item]) -> Mapping[str, Served]:
        """Return what the channel's index has of these packages."""
        return self._client.repodata(self._channel_url, items)

    def upload(self, item: Item) -> Delivery:
        """Send the raw bytes with their sha256, which the server checks; it never replaces a file."""

        def put(landed: Callable[[], Answer | None]) -> Answer:
            return self._client.send(
                "POST",
                f"{self._api}/upload/{item.file}",
                query={"sha256": item.sha256, "force": "false"},
                headers={"Content-Type": "application/octet-stream"},
                body=FileBody(item.path, item.size),
                landed=landed,
            )

        return self._client.deliver(item, self._url(item), put, taken=CONFLICT)

    def digest(self, item: Item) -> Sha256 | None:
        """Return the sha256 of the bytes that are served."""
        return self._client.digest(self._url(item))

    def complete(self) -> None:
        """Do nothing: the server indexes by itself, a little later."""

    def _url(self, item: Item) -> str:
        return f"{self._channel_url}/{item.place}"
