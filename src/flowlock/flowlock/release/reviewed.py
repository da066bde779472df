"""The locks that a commit has, and the workflows that are declared to have none."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from flowlock.edges import git
from flowlock.errors import Problem
from flowlock.workspace import Workflow, Workspace

LOCK = "pixi.lock"


@dataclass(frozen=True, kw_only=True, slots=True)
class UnlockedWorkflow:
    """A workflow that no release publishes, since `flowlock.toml` declares that it has no lock, and why."""

    workflow: str
    package: str
    reason: str

    def as_json(self) -> Mapping[str, str]:
        """Return {workflow, package, reason}."""
        return {"workflow": self.workflow, "package": self.package, "reason": self.reason}

    def as_text(self) -> str:
        """Return one line that names the workflow and the reason."""
        return f"{self.workflow} is skipped because it is declared `locked = false`: {self.reason}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewedLocks:
    """The text of each lock in a commit by its path, what is left out, and which locks are missing."""

    texts: Mapping[str, str]
    left_out: tuple[UnlockedWorkflow, ...]
    problems: tuple[Problem, ...]


def reviewed_locks(workspace: Workspace, commit: str) -> ReviewedLocks:
    """Read the lock of every workflow from a commit, whatever the working tree and the profile have."""
    committed = set(git.files_at(workspace.root, commit))
    texts, problems = {}, []
    for workflow in workspace.workflow_list:
        if workspace.unlocked_reason(workflow) is not None:
            continue
        path = workspace.relative(workflow.package / LOCK)
        if path in committed:
            texts[path] = git.text_at(workspace.root, commit, path)
        else:
            problems.append(_missing(workflow, path))
    return ReviewedLocks(texts=texts, left_out=left_out(workspace), problems=tuple(problems))


def left_out(workspace: Workspace) -> tuple[UnlockedWorkflow, ...]:
    """Return the workflows that are declared to have no lock."""
    return tuple(_left_out(workspace))


def _left_out(workspace: Workspace) -> Iterator[UnlockedWorkflow]:
    for workflow in workspace.workflow_list:
        reason = workspace.unlocked_reason(workflow)
        if reason is not None:
            yield UnlockedWorkflow(workflow=workflow.name, package=str(workflow.distribution), reason=reason)


def lines(workflows: Sequence[UnlockedWorkflow]) -> list[str]:
    """Return one line per workflow that is left out."""
    return [workflow.as_text() for workflow in workflows]


def _missing(workflow: Workflow, path: str) -> Problem:
    return Problem(
        code="FL829",
        message=f"the commit has no {path}, so {workflow.name} was not reviewed",
        hint=f"run `flowlock lock {workflow.name}` with the profile conda-forge and commit the lock, "
        f"or declare `locked = false` with a reason under [workflows.{workflow.name}] in flowlock.toml",
    )
