"""Pull requests: one port, and an adapter for each of GitHub and Gitea."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol

from pydantic import BaseModel, Field

from flowlock.edges import address, http, secret, shapes
from flowlock.edges.credentials import Header
from flowlock.edges.http import Answer, HttpRequest
from flowlock.edges.retry_policy import DEFAULT_RETRY_POLICY, RetryPolicy
from flowlock.errors import FlowlockError

_PAGE, _MOST_PAGES = 50, 100
GITHUB_TOKENS, GITEA_TOKENS = ("GITHUB_TOKEN", "GH_TOKEN"), ("GITEA_TOKEN",)
_GITHUB_REMOTE = re.compile(
    r"(?:https://(?:[^@/]+@)?|ssh://git@|git@)github\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?"
)
_HINTS = {
    HTTPStatus.UNAUTHORIZED: "the token is not accepted: create a new one and set it",
    HTTPStatus.FORBIDDEN: "give the token the right to write pull requests",
    HTTPStatus.NOT_FOUND: "check the name of the repository, and whether the token has access to it",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class PullRequest:
    """A branch for review: `head`, which is merged into `base` afterwards."""

    head: str
    base: str
    title: str
    body: str


class PullRequests(Protocol):
    """The pull requests of one repository."""

    name: str

    def check(self) -> None:
        """Refuse a repository that the token cannot read."""

    def find(self, head: str, base: str) -> str | None:
        """Return the page of the open pull request of a branch, None if there is none."""

    def open(self, request: PullRequest) -> str:
        """Open a pull request, or find the one that is open, and return its page."""


class _Opened(BaseModel):
    """What both forges say of a pull request."""

    html_url: str = Field(pattern=r"^https?://")


class _Branch(BaseModel):
    ref: str


class _Branched(_Opened):
    """A pull request with its branches."""

    head: _Branch
    base: _Branch


def forge_of(forge: str, remote_url: str) -> str:
    """Return the forge that is named, or that of a remote's URL; a FlowlockError if that is unknown."""
    if forge:
        return forge
    of_remote = _GITHUB_REMOTE.fullmatch(remote_url)
    if of_remote:
        return f"github:{of_remote[1]}"
    raise FlowlockError(
        "flowlock does not know where to open the pull request",
        code="FL948",
        hint="set `forge` under [deploy.NAME] in flowlock.toml to `github:OWNER/REPO` or "
        "`gitea:https://HOST/OWNER/REPO`, or commit without a review: --direct",
    )


def pull_requests(
    forge: str, environ: Mapping[str, str], *, retry_policy: RetryPolicy = DEFAULT_RETRY_POLICY
) -> PullRequests:
    """Return the pull requests of `github:OWNER/REPO` or `gitea:https://HOST/OWNER/REPO`."""
    kind, _, place = forge.partition(":")
    if kind == "github":
        api = environ.get("GITHUB_API_URL") or "https://api.github.com"
        url = f"{address.require_no_user_info(api, forge).rstrip('/')}/repos/{place}"
        token = secret.require(GITHUB_TOKENS, api, forge, environ)
        return GitHubPullRequests(_Forge(forge, url, Header(secret=token), retry_policy))
    server, owner, repository = place.rsplit("/", 2)
    url = f"{address.require_no_user_info(server, forge)}/api/v1/repos/{owner}/{repository}"
    token = secret.require(GITEA_TOKENS, server, forge, environ)
    return GiteaPullRequests(_Forge(forge, url, Header(scheme="token ", secret=token), retry_policy))


class _Forge:
    """Requests to the API of one repository."""

    def __init__(self, name: str, url: str, credential: Header, retry_policy: RetryPolicy) -> None:
        self.name = name
        self.url = url
        self._credential = credential
        self._session = http.session(connections=1)
        self._retry_policy = retry_policy

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        landed: Callable[[], Answer | None] | None = None,
    ) -> Answer:
        """Send a request until it has a final answer, which may be a refusal."""
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        request = HttpRequest(
            method=method,
            url=f"{self.url}{path}",
            query=query or {},
            headers=headers,
            body=json.dumps(body).encode() if body is not None else b"",
            credential=self._credential,
        )
        return http.call(self._session, request, retry_policy=self._retry_policy, landed=landed)

    def accept(self, answer: Answer, doing: str) -> Answer:
        """Return a success; a FlowlockError says what was refused, and why."""
        if answer.ok:
            return answer
        request = HttpRequest(method="", url="", credential=self._credential)
        raise FlowlockError(
            f"{self.name} refused {doing}: {answer.status}{http.reason(request, answer)}",
            code="FL948",
            hint=_HINTS.get(HTTPStatus(answer.status), "see the message from the server above"),
        )

    def page(self, answer: Answer) -> str:
        """Return the page of the pull request that an answer is."""
        return shapes.parsed(_Opened, answer.body, what=f"{self.name}: a pull request", code="FL948").html_url


class GitHubPullRequests:
    """The pull requests of a repository at GitHub, by its REST API."""

    def __init__(self, forge: _Forge) -> None:
        self.name = forge.name
        self._forge = forge
        self._owner = forge.name.removeprefix("github:").partition("/")[0]

    def check(self) -> None:
        """Refuse a repository that the token cannot read."""
        self._forge.accept(self._forge.send("GET", ""), "to show the repository")

    def find(self, head: str, base: str) -> str | None:
        """Return the page of the open pull request of a branch, None if there is none."""
        query = {"head": f"{self._owner}:{head}", "base": base, "state": "open"}
        answer = self._forge.accept(self._forge.send("GET", "/pulls", query=query), "to list pull requests")
        what = f"{self.name}: the list of pull requests"
        listed = shapes.parsed(list[_Opened], answer.body, what=what, code="FL948")
        return listed[0].html_url if listed else None

    def open(self, request: PullRequest) -> str:
        """Open a pull request, or find the one that is open (422), and return its page."""
        return _open(self._forge, self.find, request, HTTPStatus.UNPROCESSABLE_ENTITY)


class GiteaPullRequests:
    """The pull requests of a repository at Gitea, by its API of version 1."""

    def __init__(self, forge: _Forge) -> None:
        self.name = forge.name
        self._forge = forge

    def check(self) -> None:
        """Refuse a repository that the token cannot read."""
        self._forge.accept(self._forge.send("GET", ""), "to show the repository")

    def find(self, head: str, base: str) -> str | None:
        """Return the page of the open pull request of a branch, None if there is none."""
        # Gitea can find one by its branches, too, but that may be a closed one beside an open one.
        for page in range(1, _MOST_PAGES + 1):
            query = {"state": "open", "limit": str(_PAGE), "page": str(page)}
            answer = self._forge.accept(
                self._forge.send("GET", "/pulls", query=query), "to list pull requests"
            )
            what = f"{self.name}: the list of pull requests"
            listed = shapes.parsed(list[_Branched], answer.body, what=what, code="FL948")
            for opened in listed:
                if (opened.head.ref, opened.base.ref) == (head, base):
                    return opened.html_url
            # A server may have shorter pages than it is asked for.
            if not listed:
                break
        return None

    def open(self, request: PullRequest) -> str:
        """Open a pull request, or find the one that is open (409), and return its page."""
        return _open(self._forge, self.find, request, HTTPStatus.CONFLICT)


def _open(
    forge: _Forge, find: Callable[[str, str], str | None], request: PullRequest, taken: HTTPStatus
) -> str:
    """Open a pull request; one that a failed try or another client has opened is found instead."""

    def landed() -> Answer | None:
        page = find(request.head, request.base)
        return Answer(status=201, headers={}, body=json.dumps({"html_url": page}).encode()) if page else None

    body = {"title": request.title, "body": request.body, "head": request.head, "base": request.base}
    answer = forge.send("POST", "/pulls", body=body, landed=landed)
    existing = landed() if answer.status == taken else None
    return forge.page(existing or forge.accept(answer, "to open a pull request"))
