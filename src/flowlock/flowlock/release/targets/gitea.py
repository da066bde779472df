"""Gitea: the conda registry of an owner, or the releases of a repository."""

import re

from flowlock.conda import archive
from flowlock.edges import address, shapes
from flowlock.edges.forge import Forge, ForgeRepository
from flowlock.edges.forge_client import ForgeObject, credential
from flowlock.edges.http import Answer
from flowlock.errors import FlowlockError
from flowlock.release.targets.artifact import FileBody, Item
from flowlock.release.targets.client import DENIED, FORBIDDEN, UNAUTHENTICATED, Client
from flowlock.release.targets.drafted import DraftedRelease
from flowlock.release.targets.gitea_release import GiteaReleaseApi
from flowlock.release.targets.hosted import HostedChannel, Landed
from flowlock.release.targets.protocol import Context, PublishTarget

_NAME = r"[\w.-]+"
_SERVER = r"(?P<server>https?://[^/?#\s]+(?:/[^/?#\s]+)*?)"
_CHANNEL = re.compile(rf"{_SERVER}/api/packages/(?P<owner>{_NAME})/conda(?P<channel>/{_NAME})?/?")
_OWNER = re.compile(rf"(?P<server>https?://[^/?#\s]+)/(?P<owner>{_NAME})/?")
# What an index of Gitea does not state, although it decides what may be installed together.
UNSTATED = ("constrains", "track_features", "features", "extra_depends", "flags")
# How Gitea says that the quota of an owner is used up, and that a file is too large.
_OWNER_QUOTAS = ("package storage quota", "package count")
_FILE_QUOTA = "package type size"


def gitea(location: str, context: Context) -> PublishTarget:
    """Return the target that a URL names.

    `https://HOST/OWNER` is the channel of an owner's packages, which conda users write as
    `https://HOST/api/packages/OWNER/conda[/CHANNEL]`; `https://HOST/OWNER/REPO` are the releases of a
    repository.
    """
    name = f"gitea:{location}"
    address.require_no_user_info(location, "gitea")
    channel = _CHANNEL.fullmatch(location)
    owner = channel or _OWNER.fullmatch(location)
    if owner:
        named_channel = (channel["channel"] or "") if channel else ""
        return HostedChannel(_GiteaChannelApi(name, owner["server"], owner["owner"], named_channel, context))
    repository = ForgeRepository.at(Forge.GITEA, location)
    if repository is None:
        raise FlowlockError(
            f"`{name}` does not name an owner or a repository",
            code="FL801",
            hint="write gitea:https://HOST/OWNER for packages, gitea:https://HOST/OWNER/REPO for releases",
        )
    return DraftedRelease(GiteaReleaseApi(name, repository, context), context)


class _Refusal(ForgeObject):
    """What Gitea says of a package that it refuses."""

    message: str = ""


class _GiteaChannelApi:
    def __init__(self, name: str, server: str, owner: str, channel: str, context: Context) -> None:
        self.name = name
        self._server, self._owner = server, owner
        self.channel_url = f"{server}/api/packages/{owner}/conda{channel}"
        self._context = context

    def connect(self) -> Client:
        token = credential(Forge.GITEA, self._server, self.name, self._context.environ)
        return Client(self._context, self.name, token)

    def check(self, client: Client) -> None:
        """List one package of the owner: whether the token may also write shows with the first file."""
        url = f"{self._server}/api/v1/packages/{self._owner}"
        client.accept(client.send("GET", url, query={"type": "conda", "limit": "1"}), "to list packages")

    def put(self, client: Client, item: Item, landed: Landed) -> Answer:
        """Send the raw bytes; Gitea takes name, version and subdir from the package."""
        _require_stated(item, self.name)
        answer = client.send(
            "PUT",
            f"{self.channel_url}/{item.file}",
            headers={"Content-Type": "application/octet-stream"},
            body=FileBody(item.path, item.size),
            landed=landed,
        )
        self._raise_refusal(client, item, answer)
        return answer

    def _raise_refusal(self, client: Client, item: Item, answer: Answer) -> None:
        """Explain what Gitea says in its own way: a token without the right, and quotas."""
        if answer.status == UNAUTHENTICATED:
            hint = f"the credential is not accepted, or does not have `write:package` for {self._owner}"
            raise client.refusal(answer, item.file, code=DENIED, hint=hint)
        refusal = shapes.parsed_or_none(_Refusal, answer.body) if answer.status == FORBIDDEN else None
        message = refusal.message if refusal else ""
        if any(quota in message for quota in _OWNER_QUOTAS):
            hint = f"delete packages of {self._owner} that are no longer needed, or have the quota raised"
            raise client.refusal(answer, item.file, code=DENIED, hint=hint)
        if _FILE_QUOTA in message:
            hint = "remove data from the package, or have LIMIT_SIZE_CONDA of the server raised"
            raise client.refusal(answer, item.file, code="FL812", hint=hint)


def _require_stated(item: Item, name: str) -> None:
    """Refuse a package that an index of Gitea would describe without a part of its requirements."""
    index = archive.read_index(item.path)
    lost = [key for key in UNSTATED if index.get(key)]
    if lost:
        raise FlowlockError(
            f"{name} would serve {item.file} without its `{'`, `'.join(lost)}`: the index of Gitea does not "
            "contain them",
            code="FL856",
            hint="remove them from the recipe (`run_constraints` gives `constrains`), or use another channel",
        )
