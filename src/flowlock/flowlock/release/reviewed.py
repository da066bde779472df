"""The locks that a commit has, and the workflows that are declared to have none."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from flowlock.edges import git
from flowlock.errors import Problem
from flowlock.workspace import GeneratedPackage, Workflow, Workspace

LOCK = "pixi.lock"


@dataclass(frozen=True, kw_only=True, slots=True)
class UnlockedWorkflow:
    """A workflow that no release publishes, since `flowlock.toml` declares that it has no lock, and why.

    `sources` are packages of other repositories that only it requires.
    """

    workflow: str
    package: str
    reason: str
    sources: tuple[str, ...] = ()

    @property
    def packages(self) -> tuple[str, ...]:
        """What is not published with it."""
        return (self.package, *self.sources)

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
    """Read the locks of workflows and location from a commit, whatever working tree and profile have."""
    committed = set(git.files_at(workspace.root, commit))
    texts, problems = {}, []
    for generated in workspace.generated:
        if workspace.unlocked_reason(generated) is not None:
            continue
        path = workspace.relative(generated.package / LOCK)
        if path in committed:
            texts[path] = git.text_at(workspace.root, commit, path)
        else:
            problems.append(_missing(generated, path))
    return ReviewedLocks(texts=texts, left_out=left_out(workspace), problems=tuple(problems))


def left_out(workspace: Workspace) -> tuple[UnlockedWorkflow, ...]:
    """Return the workflows, and the location, that are declared to have no lock."""
    return tuple(_left_out(workspace))


def _left_out(workspace: Workspace) -> Iterator[UnlockedWorkflow]:
    for generated in workspace.generated:
        reason = workspace.unlocked_reason(generated)
        if reason is not None:
            package = str(generated.distribution)
            sources = () if isinstance(generated, Workflow) else tuple(generated.table.sources)
            yield UnlockedWorkflow(workflow=generated.name, package=package, reason=reason, sources=sources)


def lines(workflows: Sequence[UnlockedWorkflow]) -> list[str]:
    """Return one line per workflow that is left out."""
    return [workflow.as_text() for workflow in workflows]


def _missing(generated: GeneratedPackage, path: str) -> Problem:
    name = generated.name
    table = f"workflows.{name}" if isinstance(generated, Workflow) else "location"
    return Problem(
        code="FL829",
        message=f"the commit has no {path}, so {name} was not reviewed",
        hint=f"run `flowlock lock {name}` with the profile conda-forge and commit the lock, "
        f"or declare `locked = false` with a reason under [{table}] in flowlock.toml",
    )
