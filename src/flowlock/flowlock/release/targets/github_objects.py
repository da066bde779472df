"""What GitHub's API answers, checked for its shape: releases and assets. Pure."""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from flowlock.edges import shapes
from flowlock.edges.http import Answer

T = TypeVar("T")


class _Object(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Asset(_Object):
    """A file of a release; `digest` is absent for one that was uploaded before GitHub stated digests."""

    id: int
    name: str
    state: str
    browser_download_url: str
    digest: str | None = None


class GitHubRelease(_Object):
    """A release of the repository, draft or public."""

    id: int
    tag_name: str
    draft: bool
    html_url: str
    upload_url: str
    body: str | None = None
    immutable: bool = False


class Repository(_Object):
    """The repository itself; `permissions` are those of the token."""

    permissions: dict[str, bool] | None = None

    @property
    def may_push(self) -> bool:
        """Whether the token has write access; if the server does not report it, writing is tried."""
        return (self.permissions or {}).get("push", True)


def read(kind: type[T], answer: Answer, server: str, what: str) -> T:
    """Return an answer's body as what it should be; another shape is an error that names the server."""
    return shapes.parsed(
        kind,
        answer.body,
        what=f"{server} sent {what} that",
        code="FL813",
        hint="check the address of the API, then run the same command again",
    )
