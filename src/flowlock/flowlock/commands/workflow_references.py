"""What refers to a workflow before it is renamed or removed: files, and a running Dagster."""

from collections.abc import Iterator
from enum import Enum, auto

from flowlock.commands.hand_written import hand_written
from flowlock.documents import toml
from flowlock.edges import files, git
from flowlock.errors import FlowlockError, Problem, UsageError
from flowlock.lifecycle import references
from flowlock.lifecycle.dagster_jobs import in_dagster
from flowlock.lifecycle.names import job_name
from flowlock.lifecycle.references import WorkflowNames
from flowlock.workspace import FILE, Workflow, Workspace

# History: what is said there was true then.
_HISTORY = ("CHANGELOG.md", "changes.d/")
_LARGEST_TEXT = 2_000_000


class WorkflowScope(Enum):
    """What a workflow is to lose, and with it what refers to that."""

    # Its job, whose place the next version takes, also in schedules.
    REPLACED = auto()
    # Its job only: the package stays.
    REMOVED = auto()
    # Its job, package and folder, which get other names; schedules are moved.
    RENAMED = auto()
    # All of them.
    GONE = auto()


def require_unreferenced(
    workspace: Workspace,
    workflow: Workflow,
    scope: WorkflowScope,
    *,
    url: str | None,
    with_schedules: bool = False,
) -> None:
    """Refuse with every reference; Dagster is asked last, and only if `url` names it."""
    names = WorkflowNames(
        name=workflow.name,
        distribution=str(workflow.distribution),
        folder=workspace.relative(workflow.folder),
    )
    problems = list(_in_jobs(workspace, names))
    if scope in {WorkflowScope.REMOVED, WorkflowScope.GONE} and not with_schedules:
        settings = toml.read(files.read_text(workspace.root / FILE, FILE), FILE, code="FL302")
        problems += references.in_settings(settings, names)
    if scope in {WorkflowScope.RENAMED, WorkflowScope.GONE}:
        problems += references.in_texts(_texts(workspace, workflow), names)
    if url is not None:
        problems += _in_dagster(workspace, workflow, url)
    if problems:
        raise FlowlockError(
            f"{workflow.name} is still referred to", problems=problems, kept="all files, unchanged"
        )


def _in_dagster(workspace: Workspace, workflow: Workflow, url: str) -> list[Problem]:
    location = workspace.location
    if location is None:
        raise UsageError("--url needs a location", code="FL002", hint="leave --url out")
    return in_dagster(url, location.name, job_name(workflow.name))


def _in_jobs(workspace: Workspace, names: WorkflowNames) -> Iterator[Problem]:
    """Yield where the hand-written packages of the location name the job."""
    location = workspace.location
    if location is None:
        return
    sources = {}
    for package in hand_written(workspace, location):
        for path in git.source_files(package.folder):
            shown = workspace.relative(package.folder / path)
            if path.endswith(".py"):
                sources[shown] = files.read_text(package.folder / path, shown)
    yield from references.in_jobs(sources, names)


def _texts(workspace: Workspace, workflow: Workflow) -> dict[str, str]:
    """Return the texts of the workspace but those of the workflow itself, what is generated, and history."""
    generated = [other.package for other in workspace.workflow_list]
    if workspace.location is not None:
        generated.append(workspace.location.package)
    own = [f"{workspace.relative(folder)}/" for folder in (workflow.folder, *generated)]
    left_out = (FILE, *_HISTORY, *own)
    texts = {}
    for name in git.source_files(workspace.root):
        path = workspace.root / name
        if name.startswith(left_out) or path.stat().st_size > _LARGEST_TEXT:
            continue
        try:
            texts[name] = path.read_bytes().decode()
        except UnicodeDecodeError:
            continue
    return texts
