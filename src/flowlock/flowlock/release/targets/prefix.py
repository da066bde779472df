"""prefix.dev, or a server of one's own that speaks its API."""

import json

from pydantic import BaseModel

from flowlock.edges import secret, shapes
from flowlock.edges.credentials import Header
from flowlock.edges.http import Answer, AnswerKind
from flowlock.edges.secret import Secret
from flowlock.release.targets.artifact import Item
from flowlock.release.targets.attestation import checked as checked_attestation
from flowlock.release.targets.client import NOT_FOUND, Client
from flowlock.release.targets.hosted import HostedChannel, Landed, server_and_channel
from flowlock.release.targets.multipart import FileForm
from flowlock.release.targets.protocol import Context

AUDIENCE = "prefix.dev"
KEYS = ("PREFIX_API_KEY",)
REQUEST_TOKEN = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"  # noqa: S105 - the name of a variable


def prefix(location: str, context: Context) -> HostedChannel:
    """Return `prefix:https://prefix.dev/CHANNEL`: by API key, or by trusted publishing in GitHub Actions."""
    return HostedChannel(_PrefixApi(location, context))


class _PrefixApi:
    def __init__(self, location: str, context: Context) -> None:
        self.name = f"prefix:{location}"
        self._server, channel = server_and_channel("prefix", location)
        self.channel_url = f"{self._server}/{channel}"
        self._upload_url = f"{self._server}/api/v1/upload/{channel}"
        self._context = context

    def connect(self) -> Client:
        return Client(self._context, self.name, Header(secret=self._token()))

    def check(self, client: Client) -> None:
        """Ask for the index of noarch.

        A channel without packages has none, like one that does not exist: which it is, and whether it may be
        written, shows with the first file.
        """
        answer = client.send("GET", f"{self.channel_url}/noarch/repodata.json", kind=AnswerKind.INDEX)
        client.accept(answer, "to serve the channel", also=[NOT_FOUND])

    def put(self, client: Client, item: Item, landed: Landed) -> Answer:
        """Send the file as the stock client does."""
        # The signed attestation, if there is one next to the file.
        path = item.path.with_name(item.file + ".sigstore.json")
        bundle = checked_attestation(path.read_bytes(), item, self.channel_url) if path.is_file() else None
        part_headers = {
            "Content-Length": str(item.size),
            "X-File-Name": item.file,
            "X-File-SHA256": str(item.sha256),
        }
        texts = {}
        if bundle:
            texts["attestation"] = bundle
        form = FileForm(item, field="file", headers=part_headers, texts=texts)
        headers = {"Content-Type": form.media_type}
        return client.send("POST", self._upload_url, headers=headers, body=form, landed=landed)

    def _token(self) -> Secret:
        environ = self._context.environ
        credential = secret.find(KEYS, self._server, environ)
        if credential is not None:
            return credential
        request_url = environ.get("ACTIONS_ID_TOKEN_REQUEST_URL")
        request_token = Secret.or_none(environ.get(REQUEST_TOKEN), name=REQUEST_TOKEN)
        if request_url and request_token:
            return self._mint(request_url, request_token)
        return secret.require(KEYS, self._server, self.name, environ)

    def _mint(self, request_url: str, request_token: Secret) -> Secret:
        """Exchange the job's identity for a token of the channel (trusted publishing)."""
        actions = Client(self._context, "GitHub Actions", Header(secret=request_token))
        answer = actions.send("GET", request_url, query={"audience": AUDIENCE}, kind=AnswerKind.TOKEN)
        body = actions.accept(answer, "an identity token").body
        what = "the answer of GitHub Actions"
        token = shapes.parsed(_IdentityToken, body, what=what, code="FL813")
        identity = Secret(token.value, name="the identity token of GitHub Actions")
        minting = Client(self._context, self.name, _BodyCredential(identity))
        answer = minting.send(
            "POST",
            f"{self._server}/api/oidc/mint_token",
            headers={"Content-Type": "application/json"},
            body=json.dumps({"token": identity.reveal()}).encode(),
            kind=AnswerKind.TOKEN,
        )
        minting.accept(answer, "trusted publishing (is this repository and workflow a trusted publisher?)")
        minted = answer.body.decode("utf-8", "replace").strip()
        return Secret(minted, name=f"the token from {self.name}")


class _IdentityToken(BaseModel):
    """GitHub Actions' answer to a job that asks who it is."""

    value: str


class _BodyCredential:
    """A credential that travels in the body: it signs nothing, but must not be quoted."""

    def __init__(self, hidden: Secret) -> None:
        self._hidden = hidden

    def sign(self, request: object) -> None:
        """Leave the request unchanged."""

    def hide_in(self, text: str) -> str:
        """Return the text without the secret."""
        return self._hidden.hide_in(text)
