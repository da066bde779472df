"""prefix.dev, or a server of one's own that speaks its API."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from secrets import token_hex
from urllib.parse import urlsplit

from flowlock import secret
from flowlock.errors import FlowlockError
from flowlock.http import Answer, Header
from flowlock.names import Sha256
from flowlock.release import attestation
from flowlock.release.artifact import FileBody, Item
from flowlock.release.targets.client import CONFLICT, Client
from flowlock.release.targets.protocol import Context, Delivery, Kind, Served
from flowlock.secret import Secret

AUDIENCE = "prefix.dev"
KEYS = ("PREFIX_API_KEY",)


class Prefix:
    """`prefix:https://prefix.dev/CHANNEL`: an API key, or OIDC trusted publishing in GitHub Actions."""

    kind = Kind.CHANNEL

    def __init__(self, location: str, context: Context) -> None:
        parts = urlsplit(location)
        channel = parts.path.strip("/")
        if parts.scheme not in {"http", "https"} or not channel or "/" in channel:
            raise FlowlockError(
                f"`prefix:{location}` names no channel",
                code="FL801",
                hint="write prefix:https://HOST/CHANNEL",
            )
        self.name = f"prefix:{location}"
        self._server = f"{parts.scheme}://{parts.netloc}"
        self._channel_url = f"{self._server}/{channel}"
        self._upload_url = f"{self._server}/api/v1/upload/{channel}"
        self._context = context
        self._opened: Client | None = None

    @property
    def _client(self) -> Client:
        if self._opened is None:
            credential = Header(secret=self._token())
            self._opened = Client(self._context, self.name, credential)
        return self._opened

    def check(self) -> None:
        """Find the credential and read the index of noarch; the right to write shows with the first file."""
        answer = self._client.send("GET", f"{self._channel_url}/noarch/repodata.json")
        self._client.accept(answer, "to serve the channel")

    def served(self, items: Sequence[Item]) -> Mapping[str, Served]:
        """Return what the channel's index has of these packages."""
        return self._client.repodata(self._channel_url, items)

    def upload(self, item: Item) -> Delivery:
        """Send the file as the stock client does; 409 is success only if the bytes are the same."""
        form = Form(item, _bundle(item, self._channel_url))

        def put(landed: Callable[[], Answer | None]) -> Answer:
            headers = {"Content-Type": f"multipart/form-data; boundary={form.boundary}"}
            return self._client.send("POST", self._upload_url, headers=headers, body=form, landed=landed)

        return self._client.deliver(item, self._url(item), put, taken=CONFLICT)

    def digest(self, item: Item) -> Sha256 | None:
        """Return the sha256 of the bytes that are served."""
        return self._client.digest(self._url(item))

    def complete(self) -> None:
        """Do nothing: the server indexes by itself."""

    def _url(self, item: Item) -> str:
        return f"{self._channel_url}/{item.place}"

    def _token(self) -> Secret:
        environ = self._context.environ
        found = secret.find(KEYS, self._server, environ)
        if found is not None:
            return found
        request_url = environ.get("ACTIONS_ID_TOKEN_REQUEST_URL")
        request_token = Secret.or_none(environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN"))
        if request_url and request_token:
            return self._mint(request_url, request_token)
        return secret.require(KEYS, self._server, self.name, environ)

    def _mint(self, request_url: str, request_token: Secret) -> Secret:
        """Exchange the job's identity for a token of the channel (trusted publishing)."""
        actions = Client(self._context, "GitHub Actions", Header(secret=request_token))
        answer = actions.send("GET", request_url, query={"audience": AUDIENCE})
        identity = Secret(str(json.loads(actions.accept(answer, "an identity token").body)["value"]))
        minting = Client(self._context, self.name, _Hidden(identity))
        answer = minting.send(
            "POST",
            f"{self._server}/api/oidc/mint_token",
            headers={"Content-Type": "application/json"},
            body=json.dumps({"token": identity.reveal()}).encode(),
        )
        minting.accept(answer, "trusted publishing (is this repository and workflow a trusted publisher?)")
        return Secret(answer.body.decode().strip())


class _Hidden:
    """A credential that travels in the body: it signs nothing, but must not be quoted."""

    def __init__(self, hidden: Secret) -> None:
        self._hidden = hidden

    def sign(self, request: object) -> None:
        """Leave the request as it is."""

    def hide_in(self, text: str) -> str:
        """Return the text without the secret."""
        return self._hidden.hide_in(text)


def _bundle(item: Item, channel: str) -> bytes | None:
    """Return the signed attestation that lies beside the file as `FILE.sigstore.json`, if there is one."""
    path = item.path.with_name(item.file + ".sigstore.json")
    return attestation.checked(path.read_bytes(), item, channel) if path.is_file() else None


class Form:
    """The multipart body of an upload, streamed: the part `file` with its headers, and the attestation."""

    def __init__(self, item: Item, bundle: bytes | None) -> None:
        self._file = FileBody(item.path, item.size)
        self.boundary = token_hex(24)
        self._head = (
            f"--{self.boundary}\r\n"
            f'Content-Disposition: form-data; name="file"; filename="{item.file}"\r\n'
            "Content-Type: application/octet-stream\r\n"
            f"Content-Length: {item.size}\r\n"
            f"X-File-Name: {item.file}\r\n"
            f"X-File-SHA256: {item.sha256}\r\n\r\n"
        ).encode()
        text = (
            f'\r\n--{self.boundary}\r\nContent-Disposition: form-data; name="attestation"\r\n\r\n'.encode()
            + bundle
            if bundle
            else b""
        )
        self._tail = text + f"\r\n--{self.boundary}--\r\n".encode()

    def __len__(self) -> int:
        return len(self._head) + len(self._file) + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        yield from self._file
        yield self._tail
