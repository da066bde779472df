"""`flowlock workflows`: the workflows to test and to run, for people and for a CI's matrix."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flowlock.builder.plan.snapshot import WorkspaceSnapshot, read_snapshot
from flowlock.commands import lock
from flowlock.commands.compile import Compiled, compile_workflows, read_specs
from flowlock.commands.session import Session
from flowlock.commands.tasks import EnvironmentLookup
from flowlock.compile.code.python import one_line
from flowlock.errors import FlowlockError
from flowlock.report.text_table import text_table
from flowlock.workspace import Workflow

ABSENT, CURRENT, INVALID, STALE, UNLOCKED = "absent", "current", "invalid", "stale", "unlocked"


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkflowState:
    """A workflow, and how far its package and its committed lock are in sync with its spec.

    `package` is current, stale, absent, or invalid if the spec has problems; `lock` is current, stale,
    absent, unlocked if flowlock.toml says that it has none, or invalid.
    """

    name: str
    title: str
    version: str
    package: str
    lock: str

    def as_json(self) -> Mapping[str, str]:
        """Return the row as an object."""
        return {name: getattr(self, name) for name in ("name", "title", "version", "package", "lock")}


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkflowsResult:
    """The workflows of a workspace by name."""

    workflows: tuple[WorkflowState, ...]

    @property
    def ok(self) -> bool:
        """A list is always successful."""
        return True

    def as_json(self) -> Mapping[str, Any]:
        """Return {"names": [name], "workflows": [{name, title, version, package, lock}]}."""
        return {
            "names": [workflow.name for workflow in self.workflows],
            "workflows": [workflow.as_json() for workflow in self.workflows],
        }

    def as_text(self) -> str:
        """Return a table, a line per workflow."""
        head = ["workflow", "version", "package", "lock", "title"]
        return text_table(head, [(w.name, w.version, w.package, w.lock, w.title) for w in self.workflows])


def workflows(session: Session) -> WorkflowsResult:
    """Return the workflows that have a spec, whether it is sound or not; nothing is written or solved."""
    workspace = session.workspace
    packages = _package_states(session)
    snapshot = _snapshot(session)
    states = []
    for source in read_specs(workspace, workspace.workflow_list):
        workflow = source.workflow
        state = WorkflowState(
            name=workflow.name,
            title=one_line(source.spec.title) if source.spec else "",
            version=workspace.version,
            package=packages[workflow.name] if workflow.package.is_dir() else ABSENT,
            lock=_lock_state(session, workflow, snapshot),
        )
        states.append(state)
    return WorkflowsResult(workflows=tuple(states))


def _package_states(session: Session) -> dict[str, str]:
    """Return the state of each workflow's package; one by one if a spec has problems, which stop all."""
    names = [workflow.name for workflow in session.workspace.workflow_list]
    try:
        return {compiled.name: compiled.status for compiled in _compared(session, names)}
    except FlowlockError:
        return {name: _package_state(session, name) for name in names}


def _package_state(session: Session, name: str) -> str:
    try:
        (compared,) = _compared(session, [name])
    except FlowlockError:
        return INVALID
    return compared.status


def _compared(session: Session, names: Sequence[str]) -> Sequence[Compiled]:
    return compile_workflows(
        session.workspace,
        names,
        check=True,
        progress=session.progress,
        lookup=EnvironmentLookup(session=session),
    ).workflows


def _snapshot(session: Session) -> WorkspaceSnapshot | None:
    """Return the workspace's packages; None if a recipe or a source prevents it, as `check` tells."""
    try:
        return read_snapshot(session.workspace)
    except FlowlockError:
        return None


def _lock_state(session: Session, workflow: Workflow, snapshot: WorkspaceSnapshot | None) -> str:
    if session.workspace.unlocked_reason(workflow) is not None:
        return UNLOCKED
    if not (workflow.package / lock.LOCK).is_file():
        return ABSENT
    if snapshot is None:
        return INVALID
    try:
        return CURRENT if lock.committed_is_current(session, workflow, snapshot) else STALE
    except FlowlockError:
        return INVALID
