"""The parameters of the last release, from git: what `compile --check` compares with."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from packaging.version import Version

from flowlock.compile.compatibility import Parameters, changes
from flowlock.edges import git
from flowlock.workspace import Workflow, Workspace

_TAG = re.compile(r"v\d+\.\d+\.\d+")
SCHEMA = "params.schema.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class PreviousRelease:
    """The newest tag `vX.Y.Z` before what is checked out."""

    workspace: Workspace
    tag: str
    commit: str

    def compare(self, workflow: Workflow, rendered: Mapping[str, str]) -> Parameters | None:
        """Compare a package's parameters with the release's; None if the workflow was not in it."""
        path = next(name for name in rendered if name.endswith(f"/{SCHEMA}"))
        root = self.workspace.root
        package = workflow.package.relative_to(root).as_posix()
        if path not in git.files_at(root / package, self.commit):
            return None
        old: dict[str, Any] = json.loads(git.text_at(root, self.commit, f"{package}/{path}"))
        return Parameters(since=self.tag, changes=changes(old, json.loads(rendered[path])))


def last_release(workspace: Workspace) -> PreviousRelease | None:
    """Return the last release, None if there was none."""
    tags = [tag for tag in git.merged_tags(workspace.root, "v*") if _TAG.fullmatch(tag)]
    newest = max(tags, key=lambda tag: Version(tag[1:]), default=None)
    if newest is None:
        return None
    return PreviousRelease(workspace=workspace, tag=newest, commit=git.commit_of(workspace.root, newest))
