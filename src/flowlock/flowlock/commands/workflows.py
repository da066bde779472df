"""`flowlock workflows`: what there is to test and to run, for people and for a CI's matrix."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowlock.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkflowsResult:
    """The names of a workspace's workflows, in order."""

    names: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """A list only tells, so it is always true."""
        return True

    def as_json(self) -> Mapping[str, Any]:
        """Return {"workflows": [name]}."""
        return {"workflows": list(self.names)}

    def as_text(self) -> str:
        """Return a name a line."""
        return "\n".join(self.names)


def workflows(workspace: Workspace) -> WorkflowsResult:
    """Return the workflows that have a spec, whether it is sound or not."""
    return WorkflowsResult(names=tuple(workflow.name for workflow in workspace.workflow_list))
