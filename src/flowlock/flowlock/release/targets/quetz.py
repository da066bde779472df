"""quetz: a conda server of one's own."""

from flowlock.edges import secret
from flowlock.edges.credentials import Header
from flowlock.edges.http import Answer
from flowlock.release.targets.artifact import FileBody, Item
from flowlock.release.targets.client import Client
from flowlock.release.targets.hosted import HostedChannel, Landed, server_and_channel
from flowlock.release.targets.protocol import Context

KEYS = ("QUETZ_API_KEY",)


def quetz(location: str, context: Context) -> HostedChannel:
    """Return `quetz:https://HOST/get/CHANNEL`, the channel's URL as conda users write it."""
    return HostedChannel(_QuetzApi(location, context))


class _QuetzApi:
    def __init__(self, location: str, context: Context) -> None:
        self.name = f"quetz:{location}"
        self._server, channel = server_and_channel("quetz", location, below="get")
        self.channel_url = f"{self._server}/get/{channel}"
        self._api = f"{self._server}/api/channels/{channel}"
        self._context = context

    def connect(self) -> Client:
        key = secret.require(KEYS, self._server, self.name, self._context.environ)
        return Client(self._context, self.name, Header(name="X-API-Key", scheme="", secret=key))

    def check(self, client: Client) -> None:
        client.accept(client.send("GET", f"{self._server}/api/api-keys"), "the API key")
        client.accept(client.send("GET", self._api), "to show the channel")

    def put(self, client: Client, item: Item, landed: Landed) -> Answer:
        """Send the raw bytes with their sha256, which the server checks."""
        return client.send(
            "POST",
            f"{self._api}/upload/{item.file}",
            query={"sha256": item.sha256, "force": "false"},
            headers={"Content-Type": "application/octet-stream"},
            body=FileBody(item.path, item.size),
            landed=landed,
        )
