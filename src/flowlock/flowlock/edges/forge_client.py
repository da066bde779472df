"""The APIs of GitHub and Gitea: their credentials, and requests for JSON of a known shape, also in pages."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from flowlock.edges import secret
from flowlock.edges.credentials import Header
from flowlock.edges.forge import Forge, ForgeRepository
from flowlock.edges.http import MOST_DIGITS, Answer
from flowlock.edges.http_client import HttpClient, Refusals
from flowlock.edges.retry_policy import DEFAULT_RETRY_POLICY, RetryPolicy
from flowlock.errors import FlowlockError

T = TypeVar("T")
C = TypeVar("C", bound=HttpClient)
MOST_PAGES = 100


class ForgeObject(BaseModel):
    """An object of an API, of which only what is needed is read."""

    model_config = ConfigDict(extra="ignore", frozen=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class _ForgeApi:
    """How an API takes its token, from these environment variables, and how it calls the rows of a page.

    `fills_pages`: a page that is not the last one has as many rows as requested.
    """

    tokens: tuple[str, ...]
    scheme: str
    headers: Mapping[str, str]
    size: str
    rows: int
    fills_pages: bool


_APIS = {
    Forge.GITHUB: _ForgeApi(
        tokens=("GITHUB_TOKEN", "GH_TOKEN"),
        scheme="Bearer ",
        headers={"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"},
        size="per_page",
        rows=100,
        fills_pages=True,
    ),
    # 50 rows are what a server sends at once, unless its administrator allows more, or fewer.
    Forge.GITEA: _ForgeApi(
        tokens=("GITEA_TOKEN",),
        scheme="token ",
        headers={"Accept": "application/json"},
        size="limit",
        rows=50,
        fills_pages=False,
    ),
}


def credential(forge: Forge, server: str, name: str, environ: Mapping[str, str]) -> Header:
    """Return the token for a server, from the environment or the keyring; `name` is for errors."""
    api = _APIS[forge]
    return Header(scheme=api.scheme, secret=secret.require(api.tokens, server, name, environ))


class ForgeClient(Generic[C]):
    """A client for the API of one repository, whose URL there is `url`."""

    def __init__(self, client: C, repository: ForgeRepository, environ: Mapping[str, str]) -> None:
        self.client = client
        self.url = repository.api(environ)
        self._api = _APIS[repository.forge]
        self.headers = self._api.headers

    def answer(self, url: str, doing: str, *, also: Iterable[int] = ()) -> Answer:
        """Return the answer at a URL: a success, or one of the statuses that the caller understands."""
        return self.client.accept(self.client.send("GET", url, headers=self.headers), doing, also=also)

    def get(self, kind: type[T], url: str, doing: str, what: str) -> T:
        """Return what is at a URL."""
        return self.client.read(kind, self.answer(url, doing), what)

    def write(self, method: str, url: str, document: Mapping[str, Any], **options: Any) -> Answer:
        """Send a JSON document, and return the answer, a refusal too."""
        headers = {**self.headers, "Content-Type": "application/json"}
        body = json.dumps(document).encode()
        return self.client.send(method, url, headers=headers, body=body, **options)

    def pages(
        self, kind: type[list[T]], url: str, doing: str, query: Mapping[str, str] | None = None
    ) -> Iterator[T]:
        """Yield the rows of a list that the server sends in pages."""
        seen = 0
        for page in range(1, MOST_PAGES + 1):
            paged = {**(query or {}), self._api.size: str(self._api.rows), "page": str(page)}
            answer = self.client.send("GET", url, headers=self.headers, query=paged)
            rows = self.client.read(kind, self.client.accept(answer, doing), "a list")
            yield from rows
            seen += len(rows)
            if not rows or self._is_last(answer, len(rows), seen):
                return
        raise FlowlockError(
            f"{self.client.name} sent more than {MOST_PAGES} pages when asked {doing}",
            code=self.client.refusals.malformed,
            hint="delete or close what is no longer needed there",
        )

    def _is_last(self, answer: Answer, rows: int, seen: int) -> bool:
        """Return whether no page follows: by the number of all rows, where the server states it."""
        total = answer.headers.get("x-total-count", "")
        if total.isascii() and total.isdecimal() and len(total) < MOST_DIGITS:
            return seen >= int(total)
        return self._api.fills_pages and rows < self._api.rows


def connect(
    repository: ForgeRepository,
    environ: Mapping[str, str],
    *,
    refusals: Refusals,
    retry_policy: RetryPolicy = DEFAULT_RETRY_POLICY,
) -> ForgeClient[HttpClient]:
    """Return a client for the API of a repository, with the token for it; errors name it."""
    name = str(repository)
    token = credential(repository.forge, repository.api_server(environ), name, environ)
    client = HttpClient(name, token, refusals=refusals, retry_policy=retry_policy)
    return ForgeClient(client, repository, environ)


def kept(made: T | None, earlier: list[T]) -> Answer | None:
    """Return the answer that stands for what an earlier attempt made after all, which is put into a list."""
    if made is None:
        return None
    earlier.append(made)
    return Answer(status=HTTPStatus.CREATED, headers={})
