"""Packages of a location that other repositories have: as declared, and the commits written down."""

import json
from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from flowlock.documents import toml
from flowlock.errors import FlowlockError

# Transports that run no command of the address, and addresses without a password.
_ADDRESS = r"^(https://[^@\s]+|file:///\S+|ssh://([^@:/\s]+@)?[^@\s]+|[A-Za-z0-9._]+@[A-Za-z0-9.-]+:[^\s:]+)$"
_REFERENCE = r"^([A-Za-z0-9_][A-Za-z0-9_./+-]*)?$"
_COMMIT = r"^([0-9a-f]{40})?$"
_HEAD = (
    "# The commits of the packages under [location.sources] in flowlock.toml. Written by\n"
    "# `flowlock location update-requirement`; commit this file.\n"
)


class GitSourceTable(BaseModel):
    """A package in a repository at a tag, a commit, or where a branch was when it was last moved."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    git: str = Field(pattern=_ADDRESS, description="The address of the repository: https, ssh or file.")
    tag: str = Field(default="", pattern=_REFERENCE, description="The tag to build.")
    branch: str = Field(default="", pattern=_REFERENCE, description="The branch to follow.")
    commit: str = Field(default="", pattern=_COMMIT, description="The commit to build, all 40 digits.")
    folder: str = Field(default=".", description="The folder of the package in the repository.")

    @field_validator("folder")
    @classmethod
    def _inside(cls, value: str) -> str:
        if value.startswith("/") or ".." in value.split("/"):
            raise ValueError("expected a folder in the repository, relative to its root")
        return value

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(map(bool, (self.tag, self.branch, self.commit))) != 1:
            raise ValueError("write one of `tag`, `commit` and `branch`")
        return self

    @property
    def reference(self) -> str:
        """What the repository calls the commit, as git writes it; empty for a commit."""
        if self.tag:
            return f"refs/tags/{self.tag}"
        return f"refs/heads/{self.branch}" if self.branch else ""

    @property
    def shown(self) -> str:
        """The tag, the branch or the commit with its kind, as messages show it."""
        kinds = {"tag": self.tag, "branch": self.branch, "commit": self.commit}
        return next(f"the {kind} {name}" for kind, name in kinds.items() if name)


class WrittenCommit(BaseModel):
    """A commit that was written down, and what it was the commit of."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    git: str
    reference: str
    commit: str = Field(pattern=r"^[0-9a-f]{40}$")

    def is_of(self, source: GitSourceTable) -> bool:
        """Return whether it was written for this repository, and this tag or branch."""
        return (self.git, self.reference) == (source.git, source.reference)


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    sources: dict[str, WrittenCommit] = {}


def written_commits(text: str, file: str) -> Mapping[str, WrittenCommit]:
    """Read the commits that were written down, by package."""
    document: Mapping[str, Any] = toml.read(text, file, code="FL649").data
    try:
        return _Document.model_validate(document).sources
    except ValidationError as error:
        raise FlowlockError(
            f"{file} is not what `flowlock location update-requirement` writes",
            code="FL649",
            hint="delete it and run `flowlock location update-requirement`",
        ) from error


def text_of(commits: Mapping[str, WrittenCommit]) -> str:
    """Return the text of the file; the same commits give the same bytes."""
    lines = [_HEAD]
    for name, written in sorted(commits.items()):
        lines.append(f"\n[sources.{json.dumps(name)}]\n")
        lines += [f"{key} = {json.dumps(value)}\n" for key, value in written.model_dump().items()]
    return "".join(lines)
