"""Pull requests at GitHub and Gitea."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from pydantic import Field

from flowlock.edges.forge import Forge, ForgeRepository
from flowlock.edges.forge_client import ForgeObject, connect, kept
from flowlock.edges.http import Answer
from flowlock.edges.http_client import Refusals
from flowlock.edges.retry_policy import DEFAULT_RETRY_POLICY, RetryPolicy
from flowlock.errors import FlowlockError

_REFUSALS = Refusals(
    denied="FL948",
    rejected="FL948",
    malformed="FL948",
    hints={HTTPStatus.FORBIDDEN: "give the token the right to write pull requests"},
)
# The branch has a pull request already: what Gitea says, and GitHub, which says so of other faults, too.
_TAKEN = (HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY)


@dataclass(frozen=True, kw_only=True, slots=True)
class PullRequest:
    """A branch for review: `head`, which is merged into `base` afterwards."""

    head: str
    base: str
    title: str
    body: str


class _Branch(ForgeObject):
    ref: str


class _Opened(ForgeObject):
    """What both forges say of a pull request."""

    html_url: str = Field(pattern=r"^https?://")
    head: _Branch
    base: _Branch


def reviewing_repository(forge: str, remote_url: str) -> ForgeRepository:
    """Return the repository that `forge` names, or that of a remote; a FlowlockError if that is unknown."""
    if forge:
        repository = ForgeRepository.parse(forge)
    else:
        repository = ForgeRepository.of_remote(remote_url)
        # Another host is Gitea's only by guess, and would get a token.
        if repository is not None and repository.forge is not Forge.GITHUB:
            repository = None
    if repository is None:
        raise FlowlockError(
            "flowlock does not know where to open the pull request",
            code="FL948",
            hint="set `forge` under [deploy.NAME] in flowlock.toml to `github:OWNER/REPO` or "
            "`gitea:https://HOST/OWNER/REPO`, or commit without a review: --direct",
        )
    return repository


class PullRequests:
    """The pull requests of one repository."""

    def __init__(
        self,
        repository: ForgeRepository,
        environ: Mapping[str, str],
        *,
        retry_policy: RetryPolicy = DEFAULT_RETRY_POLICY,
    ) -> None:
        self._forge = connect(repository, environ, refusals=_REFUSALS, retry_policy=retry_policy)
        self._repository = repository
        self._url = f"{self._forge.url}/pulls"

    def check(self) -> None:
        """Refuse a repository that the token cannot read."""
        self._forge.answer(self._forge.url, "to show the repository")

    def find(self, head: str, base: str) -> str | None:
        """Return the page of the open pull request of a branch, None if there is none."""
        query = {"state": "open"}
        # Gitea can find one by its branches, too, but that may be a closed one beside an open one.
        if self._repository.forge is Forge.GITHUB:
            query |= {"head": f"{self._repository.owner}:{head}", "base": base}
        for opened in self._forge.pages(list[_Opened], self._url, "to list pull requests", query):
            if (opened.head.ref, opened.base.ref) == (head, base):
                return opened.html_url
        return None

    def open(self, request: PullRequest) -> str:
        """Open a pull request, and return its page.

        One that a failed try or another client has opened is found instead.
        """
        earlier: list[str] = []

        def landed() -> Answer | None:
            return kept(self.find(request.head, request.base), earlier)

        document = {"title": request.title, "body": request.body, "head": request.head, "base": request.base}
        answer = self._forge.write("POST", self._url, document, landed=landed)
        if answer.status in _TAKEN:
            landed()
        if earlier:
            return earlier[0]
        accepted = self._forge.client.accept(answer, "to open a pull request")
        return self._forge.client.read(_Opened, accepted, "a pull request").html_url
