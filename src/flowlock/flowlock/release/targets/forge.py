"""What the releases of GitHub and Gitea share: a client of the repository, and its rights there."""

from functools import cached_property
from typing import ClassVar

from flowlock.edges.forge import ForgeRepository
from flowlock.edges.forge_client import ForgeClient, ForgeObject, credential
from flowlock.errors import FlowlockError
from flowlock.release.targets.client import NOT_FOUND, Client
from flowlock.release.targets.drafted import ForgeAsset
from flowlock.release.targets.protocol import Context


class Repository(ForgeObject):
    """The repository itself; `permissions` are those of the token."""

    permissions: dict[str, bool] | None = None
    # Gitea can do without releases.
    has_releases: bool = True

    @property
    def may_push(self) -> bool:
        """Whether the token has write access; if the server does not report it, writing is tried."""
        return (self.permissions or {}).get("push", True)


class ForgeReleases:
    """What the releases of a repository have in common at both forges: a part of a `ReleaseApi`.

    `remedy` is what to do about a token without write access. No request is sent before the first call.
    """

    remedy: ClassVar[str]

    def __init__(self, name: str, repository: ForgeRepository, context: Context) -> None:
        self.name = name
        self._repository = repository
        self._api = repository.api(context.environ)
        self._context = context

    @cached_property
    def _forge(self) -> ForgeClient[Client]:
        forge, environ = self._repository.forge, self._context.environ
        token = credential(forge, self._repository.api_server(environ), self.name, environ)
        return ForgeClient(Client(self._context, self.name, token), self._repository, environ)

    def check(self) -> None:
        """See that the token may write to the repository, and that it has releases."""
        repository = self._forge.get(Repository, self._api, "to show the repository", "a repository")
        if not repository.may_push:
            message = f"{self.name}: the token has no write access"
            raise FlowlockError(message, code="FL812", hint=self.remedy)
        if not repository.has_releases:
            raise FlowlockError(
                f"{self.name}: the repository has no releases",
                code="FL812",
                hint="enable releases in the settings of the repository",
            )

    def delete(self, asset: ForgeAsset) -> None:
        """Delete a file of a draft."""
        answer = self._forge.client.send("DELETE", asset.api_url, headers=self._forge.headers)
        self._forge.client.accept(answer, "to delete an asset", also=[NOT_FOUND])
