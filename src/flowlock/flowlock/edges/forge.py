"""Repositories at forges, GitHub and Gitea: what names them, and where the API has them. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from flowlock.edges import address

GITHUB = "https://github.com"
_PART = r"[\w.-]+"
# `re`, pydantic and JSON Schema must read these two alike: neither look-around nor names of groups.
_PAGE = rf"https?://[^/?#\s@]+(?:/[^/?#\s@]+)*/{_PART}/{_PART}/?"
REPOSITORY_NAME = rf"github:{_PART}/{_PART}|gitea:{_PAGE}"
# The channel of an owner's packages at Gitea has the form of a repository's page.
_PACKAGES = "/api/packages/"
# GitHub takes SSH on port 443 at a second host.
_GITHUB_SERVER = re.compile(r"https?://(?:ssh\.)?github\.com(?::\d+)?")
# The port of an SSH server is not that of the web server.
_SSH_REMOTES = (
    re.compile(rf"ssh://(?:[^@/]+@)?(?P<host>[\w.-]+)(?::\d+)?/(?P<path>{_PART}/{_PART}/?)"),
    re.compile(rf"[\w.-]+@(?P<host>[\w.-]+):/?(?P<path>{_PART}/{_PART}/?)"),
)


class Forge(StrEnum):
    """A forge: a server with repositories, releases, pull requests and Actions."""

    GITHUB = "github"
    GITEA = "gitea"


@dataclass(frozen=True, kw_only=True, slots=True)
class ForgeRepository:
    """A repository: its forge, the URL of the server, its owner, and its name."""

    forge: Forge
    server: str
    owner: str
    name: str

    @classmethod
    def parse(cls, text: str) -> "ForgeRepository | None":
        """Return what `github:OWNER/REPO` or `gitea:https://HOST/OWNER/REPO` names, None for other texts."""
        if not re.fullmatch(REPOSITORY_NAME, text):
            return None
        kind, _, place = text.partition(":")
        forge = Forge(kind)
        return cls.at(forge, f"{GITHUB}/{place}" if forge is Forge.GITHUB else place)

    @classmethod
    def at(cls, forge: Forge, page: str) -> "ForgeRepository | None":
        """Return the repository of a page or clone URL; None for one with a user name, or any other text."""
        if not re.fullmatch(_PAGE, page) or _PACKAGES in page:
            return None
        server, owner, name = page.rstrip("/").removesuffix(".git").rsplit("/", 2)
        return cls(forge=forge, server=server, owner=owner, name=name) if name else None

    @classmethod
    def of_remote(cls, url: str) -> "ForgeRepository | None":
        """Return the repository of a git remote, None for a local one; all but github.com is Gitea's."""
        matches = filter(None, (remote.fullmatch(url) for remote in _SSH_REMOTES))
        ssh = next(matches, None)
        page = f"https://{ssh['host']}/{ssh['path']}" if ssh else address.without_user_info(url)
        repository = cls.at(Forge.GITEA, page)
        if repository is None or not _GITHUB_SERVER.fullmatch(repository.server):
            return repository
        return cls(forge=Forge.GITHUB, server=GITHUB, owner=repository.owner, name=repository.name)

    def api_server(self, environ: Mapping[str, str]) -> str:
        """Return the URL of the server that answers, which may be named by GITHUB_API_URL."""
        if self.forge is Forge.GITEA:
            return self.server
        server = environ.get("GITHUB_API_URL") or "https://api.github.com"
        return address.require_no_user_info(server, str(self)).rstrip("/")

    def api(self, environ: Mapping[str, str]) -> str:
        """Return the URL of the repository in the forge's API."""
        version = "" if self.forge is Forge.GITHUB else "/api/v1"
        return f"{self.api_server(environ)}{version}/repos/{self.owner}/{self.name}"

    def __str__(self) -> str:
        """Return the text that `parse` takes."""
        repository = f"{self.owner}/{self.name}"
        return f"github:{repository}" if self.forge is Forge.GITHUB else f"gitea:{self.server}/{repository}"
