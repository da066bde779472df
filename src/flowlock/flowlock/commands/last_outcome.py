"""The outcome of a command that had nothing to do, believed while nothing that it looks at has changed.

That is: the files that git lists, flowlock's state, its own code, what is installed beside it, the
interpreter that the embedded base packages, the environment variables, and the options.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import flowlock
import flowlock_core
from flowlock.commands.session import Profile, Session
from flowlock.edges import git, memo
from flowlock.edges.file_states import FileStates
from flowlock.edges.stat_cache import SETTLED_NS
from flowlock.errors import FlowlockError
from flowlock.names import Sha256

# Raised when a document of an earlier flowlock means something else.
SCHEMA = 2
# What a shell or a terminal sets, and no command reads.
_VOLATILE = frozenset({"_", "COLUMNS", "LINES", "OLDPWD", "PWD", "SHLVL", "TERM"})
# Where no sources of a distribution are.
_NO_SOURCES = frozenset({"__pycache__", "node_modules"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a command reported: the detail of each stage, in order, and its result in both forms."""

    stages: Mapping[str, str]
    document: Mapping[str, Any]
    text: str

    @property
    def ok(self) -> bool:
        """Whether the command succeeded: no other outcome is kept."""
        return True

    def as_json(self) -> Mapping[str, Any]:
        """Return the document that the command printed."""
        return self.document

    def as_text(self) -> str:
        """Return the text that the command printed."""
        return self.text


@dataclass(frozen=True, kw_only=True, slots=True)
class _KeptOutcome:
    """An outcome, the digests of what was requested and of all that was looked at, and where that was."""

    request: str
    state: str
    folders: Sequence[str]
    outcome: Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class LastOutcome:
    """Where a command keeps its outcome, for one session and its options, whose digest is `request`."""

    session: Session
    command: str
    request: Sha256

    @classmethod
    def of(cls, session: Session, command: str, options: Sequence[object]) -> Self:
        """Return it for a session; the outcome for other options of the command is replaced."""
        variables = {name: value for name, value in os.environ.items() if name not in _VOLATILE}
        python = [sys.version, sys.executable, sys.path]
        selected = [session.profile, session.offline, session.names, *options]
        request = memo.digest_of([SCHEMA, python, variables, selected])
        return cls(session=session, command=command, request=request)

    @property
    def _path(self) -> Path:
        return self.session.workspace.state.last_outcomes / f"{self.command}.json"

    def read(self) -> Outcome | None:
        """Return the last outcome; None if there may be something to do."""
        kept = memo.read(self._path, _KeptOutcome)
        if kept is None or kept.request != self.request:
            return None
        now = _states(self.session, kept.folders)
        return kept.outcome if now is not None and now.digest == kept.state else None

    def write(self, outcome: Outcome, *, started_ns: int) -> None:
        """Keep the outcome of a command that began at that time (ns since the epoch).

        It is not kept if anything changed since, or so shortly before that a change may not show in its time.
        """
        folders = sorted(_folders(self.session))
        states = _states(self.session, folders)
        if states is None or states.changed_ns > started_ns - SETTLED_NS:
            return
        kept = _KeptOutcome(request=self.request, state=states.digest, folders=folders, outcome=outcome)
        memo.write(self._path, asdict(kept))


def _states(session: Session, folders: Iterable[str]) -> FileStates | None:
    """Return the state of all that a command looks at; None if git cannot list the sources now."""
    workspace = session.workspace
    state = workspace.state
    states = FileStates()
    try:
        listed = git.listed(workspace.root)
    except FlowlockError:
        # The stages meet the same, and say it.
        return None
    # Where git does not ignore the state folder, it lists that too.
    outside = [name for name in listed.files if not name.startswith(f"{state.path.name}/")]
    for name in (*outside, *listed.repositories):
        states.add(f"{workspace.root}{os.sep}{name}")
    # A file that was deleted while the stages ran shows in its folder only.
    states.count_changes({f"{workspace.root}{os.sep}{name.rpartition('/')[0]}" for name in outside})
    for folder in folders:
        states.add_folder(folder, installed=True)
    states.add_tree(str(state.path), without={str(path) for path in state.not_an_input})
    return states


def _folders(session: Session) -> set[str]:
    """Return the folders outside of the workspace that a command depends on, each without those below."""
    from flowlock.edges.distributions import installed, metadata_folders
    from flowlock.tasks.discover import editable_folder

    folders = {str(folder) for folder in metadata_folders().values()}
    folders.update(entry for entry in sys.path if Path(entry).is_dir())
    for module in (flowlock, flowlock_core):
        folders.update(_below(module.__path__))
    for distribution in installed().values():
        sources = editable_folder(distribution)
        if sources is not None and not sources.is_relative_to(session.workspace.root):
            folders.update(_below([str(sources)]))
    if session.profile is Profile.EMBEDDED:
        from flowlock.base import interpreter, relocate

        python = interpreter.find(kept=session.workspace.state.interpreter)
        folders.update(str(file.parent) for file in relocate.sources(python).values())
    return folders


def _below(roots: Sequence[str]) -> Iterator[str]:
    """Yield folders and all below them that may hold sources."""
    for root in roots:
        for folder, inner, _ in os.walk(root):
            inner[:] = [name for name in inner if name not in _NO_SOURCES and not name.startswith(".")]
            yield folder
