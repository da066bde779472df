"""What the APIs of GitHub and Gitea share: JSON of a known shape, pages, rights on a repository."""

import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

from flowlock.edges import shapes
from flowlock.edges.http import Answer
from flowlock.errors import FlowlockError
from flowlock.release.targets.client import Client

T = TypeVar("T")
MOST_PAGES = 100


class ForgeObject(BaseModel):
    """An object of an API, of which only what is needed is read."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Repository(ForgeObject):
    """The repository itself; `permissions` are those of the token."""

    permissions: dict[str, bool] | None = None
    # Gitea can do without releases.
    has_releases: bool = True

    @property
    def may_push(self) -> bool:
        """Whether the token has write access; if the server does not report it, writing is tried."""
        return (self.permissions or {}).get("push", True)


class ForgeClient:
    """A client of a forge's API, whose answers are JSON; `size` is how it calls the rows of a page."""

    def __init__(
        self, client: Client, name: str, headers: Mapping[str, str], *, size: str, rows: int
    ) -> None:
        self.client = client
        self.headers = headers
        self._name = name
        self._size, self._rows = size, rows

    def read(self, kind: type[T], answer: Answer, what: str) -> T:
        """Return an answer's body as what it should be; another shape is an error that names the server."""
        return shapes.parsed(
            kind,
            answer.body,
            what=f"{self._name} sent {what} that",
            code="FL813",
            hint="check the address of the API, then run the same command again",
        )

    def get(self, kind: type[T], url: str, doing: str, what: str) -> T:
        """Return what is at a URL."""
        answer = self.client.send("GET", url, headers=self.headers)
        return self.read(kind, self.client.accept(answer, doing), what)

    def write(self, method: str, url: str, document: Mapping[str, Any], **options: Any) -> Answer:
        """Send a JSON document, and return the answer, a refusal too."""
        headers = {**self.headers, "Content-Type": "application/json"}
        body = json.dumps(document).encode()
        return self.client.send(method, url, headers=headers, body=body, **options)

    def pages(self, kind: type[list[T]], url: str, doing: str) -> Iterator[T]:
        """Yield the rows of a list that the server sends in pages."""
        seen = 0
        for page in range(1, MOST_PAGES + 1):
            query = {self._size: str(self._rows), "page": str(page)}
            answer = self.client.send("GET", url, headers=self.headers, query=query)
            rows = self.read(kind, self.client.accept(answer, doing), "a list")
            yield from rows
            seen += len(rows)
            # A page may be shorter than requested; where the server states the number of rows, that counts.
            total = answer.headers.get("x-total-count", "")
            is_last = seen >= int(total) if total.isdecimal() else len(rows) < self._rows
            if is_last or not rows:
                return
        raise FlowlockError(
            f"{self._name} sent more than {MOST_PAGES} pages when asked {doing}",
            code="FL813",
            hint="delete releases that are no longer needed",
        )

    def require_push(self, url: str, remedy: str) -> None:
        """See that the token may write to the repository whose API is at a URL."""
        repository = self.get(Repository, url, "to show the repository", "a repository")
        if not repository.may_push:
            raise FlowlockError(f"{self._name}: the token has no write access", code="FL812", hint=remedy)
        if not repository.has_releases:
            raise FlowlockError(
                f"{self._name}: the repository has no releases",
                code="FL812",
                hint="enable releases in the settings of the repository",
            )


def kept(made: T | None, earlier: list[T]) -> Answer | None:
    """Return the answer that stands for what an earlier attempt made after all, which is put into a list."""
    if made is None:
        return None
    earlier.append(made)
    return Answer(status=HTTPStatus.CREATED, headers={})
