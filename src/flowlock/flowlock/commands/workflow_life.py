"""`flowlock workflow`: the next version of a workflow, another name for it, and its end.

All is checked before anything is written, and what is written is all written, or nothing.
"""

import difflib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flowlock.commands import hand_edits
from flowlock.commands.workflow_references import WorkflowScope, require_unreferenced
from flowlock.edges import files, git
from flowlock.errors import FlowlockError, shortened
from flowlock.lifecycle import settings
from flowlock.lifecycle.names import job_name, next_version, same_name
from flowlock.report.reporter import Progress
from flowlock.scaffold.names import require_workflow
from flowlock.tasks.discover import signatures
from flowlock.workspace import FILE, Workflow, Workspace

SHOWN = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class LifeResult:
    """What was done with a workflow, or in a dry run would be: edits as diffs, files made and deleted."""

    done: str
    edits: tuple[str, ...]
    made: tuple[str, ...]
    deleted: tuple[str, ...]
    following: tuple[str, ...]
    dry_run: bool

    @property
    def ok(self) -> bool:
        """What cannot be done is an error, so this is always true."""
        return True

    def as_json(self) -> Mapping[str, Any]:
        """Return {"done", "edits", "made", "deleted", "next", "dry_run"}."""
        document = {name: list(getattr(self, name)) for name in ("edits", "made", "deleted")}
        return {"done": self.done, **document, "next": list(self.following), "dry_run": self.dry_run}

    def as_text(self) -> str:
        """Return what was done, each edit and file, and the next commands."""
        lines = [f"would have {self.done}" if self.dry_run else self.done, *self.edits]
        lines += [f"  new      {path}" for path in self.made]
        lines += [f"  deleted  {path}" for path in self.deleted]
        lines += ["next:", *(f"  {command}" for command in self.following)]
        return "\n".join(lines)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Changes:
    """Edits of flowlock.toml, a folder to make, and one to delete."""

    settings: str
    made: Path | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    deleted: Path | None = None


def new_version(
    workspace: Workspace, name: str, *, replacing: bool, url: str | None, dry_run: bool, progress: Progress
) -> LifeResult:
    """Copy a workflow as its next version, which becomes a job beside the old one.

    With `replacing` the location runs it in place of the old one, and its schedules do; the old one stays
    in the workspace.
    """
    workflow = workspace.workflow(name)
    version = _unfinished_version(workspace, workflow) or next_version(workflow.name, _names(workspace))
    content = _renamed_files(workspace, workflow, version, progress)
    if replacing:
        _require_in_location(workspace, workflow)
        require_unreferenced(workspace, workflow, WorkflowScope.REPLACED, url=url)
    edit = settings.added(workflow.name, version, schedules=replacing)
    changes = _Changes(settings=_edited(workspace, edit), made=workspace.workflows / version, files=content)
    done = f"made {version}, the next version of {workflow.name}"
    return _apply(workspace, changes, done, (f"flowlock sync {version}",), dry_run=dry_run)


def rename(
    workspace: Workspace, old: str, new: str, *, url: str | None, dry_run: bool, progress: Progress
) -> LifeResult:
    """Give a workflow another name: folder, id, and what flowlock.toml says about it.

    Its generated package is deleted with its lock; `sync` makes those of the new name.
    """
    workflow = workspace.workflow(old)
    content = _renamed_files(workspace, workflow, new, progress)
    hand_edits.refuse(workspace, [workflow])
    _require_nothing_lost(workspace, workflow, committed=False)
    require_unreferenced(workspace, workflow, WorkflowScope.RENAMED, url=url)
    changes = _Changes(
        settings=_edited(workspace, settings.renamed(workflow.name, new)),
        made=workspace.workflows / new,
        files=content,
        deleted=workflow.folder,
    )
    done = f"renamed {workflow.name} to {new}"
    return _apply(workspace, changes, done, (f"flowlock sync {new}",), dry_run=dry_run)


def remove(
    workspace: Workspace, name: str, *, for_good: bool, with_schedules: bool, url: str | None, dry_run: bool
) -> LifeResult:
    """Take a workflow out of the location, or with `for_good` out of the workspace.

    Runs that have ended and their logs stay in Dagster.
    """
    workflow = workspace.workflow(name)
    if not for_good:
        _require_in_location(workspace, workflow)
    else:
        hand_edits.refuse(workspace, [workflow])
        _require_nothing_lost(workspace, workflow, committed=True)
    scope = WorkflowScope.GONE if for_good else WorkflowScope.REMOVED
    require_unreferenced(workspace, workflow, scope, url=url, with_schedules=with_schedules)
    edit = settings.removed(workflow.name, schedules=with_schedules, declaration=for_good)
    changes = _Changes(settings=_edited(workspace, edit), deleted=workflow.folder if for_good else None)
    where = "the workspace" if for_good or workspace.location is None else workspace.location.name
    done = f"removed {workflow.name} from {where}"
    compiled = workspace.location is not None and not for_good
    following = f"flowlock compile {where}" if compiled else "flowlock sync"
    return _apply(workspace, changes, done, (following,), dry_run=dry_run)


def _require_in_location(workspace: Workspace, workflow: Workflow) -> None:
    location = workspace.location
    if location is None or workflow.name not in location.table.workflows:
        raise FlowlockError(
            f"{workflow.name} is not in a location",
            code="FL966",
            hint="`--for-good` removes it from the workspace, `version` without `--replace` copies it",
        )


def _require_nothing_lost(workspace: Workspace, workflow: Workflow, *, committed: bool) -> None:
    """Refuse to delete what git ignores and, with `committed`, what it could not give back either."""
    folder = workspace.relative(workflow.folder)
    lost = []
    if committed:
        lost += [path for path in git.dirty(workspace.root) if path.startswith(f"{folder}/")]
    known = set(git.source_files(workflow.folder))
    for path in sorted(set(files.paths_below(workflow.folder)) - known):
        made = path.startswith(f"{workflow.distribution}/") or "__pycache__" in path.split("/")
        if not made:
            lost.append(f"{folder}/{path}")
    if lost:
        raise FlowlockError(
            f"{workflow.name} has files that would be lost: {shortened(lost, SHOWN)}",
            code="FL967",
            hint="move or delete what git ignores; commit the others, which can be brought back then",
        )


def _names(workspace: Workspace) -> list[str]:
    return [workflow.name for workflow in workspace.workflow_list]


def _unfinished_version(workspace: Workspace, workflow: Workflow) -> str | None:
    """Return the version whose files an earlier command wrote before it was killed."""
    location = workspace.location
    for other in workspace.workflow_list:
        names = [each for each in _names(workspace) if each != other.name]
        if other.package.is_dir() or next_version(workflow.name, names) != other.name:
            continue
        known = location is not None and other.name in location.table.workflows
        if not known and _present(other.folder) == _copy(workspace, workflow, job_name(other.name)):
            return other.name
    return None


def _renamed_files(
    workspace: Workspace, workflow: Workflow, name: str, progress: Progress
) -> dict[str, bytes]:
    """Return the files that a workflow has under another name, which is free."""
    id_ = require_workflow(name, signatures(workspace, progress=progress).tasks)
    content = _copy(workspace, workflow, id_)
    folder = workspace.workflows / name
    others = [each.folder for each in workspace.workflow_list if same_name(each.name, name)]
    if not others and not folder.exists():
        return content
    # What this command wrote before it was killed is not in its way.
    if folder == workflow.folder or _present(folder) != content:
        shown = workspace.relative((others or [folder])[0])
        raise FlowlockError(
            f"the workflow {name} exists already: {shown}", code="FL349", hint="choose another name"
        )
    return content


def _copy(workspace: Workspace, workflow: Workflow, id_: str) -> dict[str, bytes]:
    """Return the files of a workflow with another id, without those that are generated."""
    shown = workspace.relative(workflow.spec)
    spec = settings.with_id(files.read_text(workflow.spec, shown), shown, id_)
    content = {
        path: files.read_bytes(workflow.folder / path)
        for path in git.source_files(workflow.folder)
        if not path.startswith(f"{workflow.distribution}/")
    }
    return {**content, workflow.spec.name: spec.encode()}


def _present(folder: Path) -> dict[str, bytes]:
    return {path: (folder / path).read_bytes() for path in files.paths_below(folder)}


def _edited(workspace: Workspace, edit: settings.Edit) -> str:
    return settings.edited(files.read_text(workspace.root / FILE, FILE), FILE, edit)


def _apply(
    workspace: Workspace, changes: _Changes, done: str, following: tuple[str, ...], *, dry_run: bool
) -> LifeResult:
    """Make the changes, in an order in which a command that was killed can be given again."""
    path = workspace.root / FILE
    before = files.read_text(path, FILE)
    deleted = []
    if changes.deleted is not None:
        shown = workspace.relative(changes.deleted)
        deleted = [f"{shown}/{name}" for name in sorted(git.source_files(changes.deleted))]
    made = []
    if changes.made is not None:
        shown = workspace.relative(changes.made)
        made = [f"{shown}/{name}" for name in sorted(changes.files)]
    if not dry_run:
        with _made_or_not(changes):
            if changes.settings != before:
                files.write_text(path, changes.settings)
        if changes.deleted is not None:
            files.remove(changes.deleted)
    return LifeResult(
        done=done,
        edits=tuple(_diff(before, changes.settings)),
        made=tuple(made),
        deleted=tuple(deleted),
        following=following,
        dry_run=dry_run,
    )


@contextmanager
def _made_or_not(changes: _Changes) -> Iterator[None]:
    """Make the new folder, and delete it again if the block fails."""
    if changes.made is None:
        yield
        return
    with files.staged_folder(changes.made) as staging:
        files.sync_folder(staging, changes.files)
    try:
        yield
    except BaseException:
        files.remove(changes.made)
        raise


def _diff(before: str, after: str) -> Iterator[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), FILE, FILE, lineterm="", n=1)
    yield from (f"  {line}" for line in lines)
