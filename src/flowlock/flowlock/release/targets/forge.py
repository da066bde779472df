"""What the releases of GitHub and Gitea share: a client of the repository, and its rights there."""

from flowlock.edges.forge import ForgeRepository
from flowlock.edges.forge_client import ForgeClient, ForgeObject, credential
from flowlock.errors import FlowlockError
from flowlock.release.targets.client import Client
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


def connect(repository: ForgeRepository, name: str, context: Context) -> ForgeClient[Client]:
    """Return the client of a repository, with the token for it; `name` is how the target was named."""
    environ = context.environ
    token = credential(repository.forge, repository.api_server(environ), name, environ)
    return ForgeClient(Client(context, name, token), repository, environ)


def require_push(forge: ForgeClient[Client], remedy: str) -> None:
    """See that the token may write to the repository, and that it has releases."""
    repository = forge.get(Repository, forge.url, "to show the repository", "a repository")
    name = forge.client.name
    if not repository.may_push:
        raise FlowlockError(f"{name}: the token has no write access", code="FL812", hint=remedy)
    if not repository.has_releases:
        raise FlowlockError(
            f"{name}: the repository has no releases",
            code="FL812",
            hint="enable releases in the settings of the repository",
        )
