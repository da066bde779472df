"""The outcome of a sync that had nothing to do, believed while nothing that a sync looks at has changed.

That is: the files that git lists, flowlock's state, its own code, what is installed beside it, the
interpreter that the embedded base packages, the environment variables, and the options.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import flowlock
import flowlock_core
from flowlock.commands.session import Profile, Session
from flowlock.edges import git, memo
from flowlock.edges.file_states import FileStates
from flowlock.edges.stat_cache import SETTLED_NS
from flowlock.errors import FlowlockError
from flowlock.names import Sha256

# Raised when a document of an earlier flowlock means something else.
SCHEMA = 1
# What a shell or a terminal sets, and no sync reads.
_VOLATILE = frozenset({"_", "COLUMNS", "LINES", "OLDPWD", "PWD", "SHLVL", "TERM"})
# Where no sources of a distribution are.
_NO_SOURCES = frozenset({"__pycache__", "node_modules"})


@dataclass(frozen=True, kw_only=True, slots=True)
class LastSync:
    """Where the outcome is kept for one session and its options, whose digest is `request`."""

    session: Session
    request: Sha256

    @classmethod
    def of(cls, session: Session, *, check: bool) -> Self:
        """Return it for a session; another one for the same workspace takes its place."""
        variables = {name: value for name, value in os.environ.items() if name not in _VOLATILE}
        python = [sys.version, sys.executable, sys.path]
        options = [session.profile, session.offline, session.names, check]
        return cls(session=session, request=memo.digest_of([SCHEMA, python, variables, options]))

    @property
    def _path(self) -> Path:
        return self.session.workspace.state.last_sync

    def read(self) -> Mapping[str, str] | None:
        """Return the detail of each stage, in order; None if there may be something to do."""
        document = memo.read(self._path, dict[str, str | list[str] | dict[str, str]])
        if document is None or document.get("request") != self.request:
            return None
        folders, stages = document.get("folders"), document.get("stages")
        if not isinstance(folders, list) or not isinstance(stages, dict):
            return None
        now = _states(self.session, folders)
        return stages if now is not None and now.digest == document.get("state") else None

    def write(self, stages: Mapping[str, str], *, started_ns: int) -> None:
        """Keep the outcome of a sync that began at that time (ns since the epoch).

        It is not kept if anything changed since, or so shortly before that a change may not show in its time.
        """
        folders = sorted(_folders(self.session))
        states = _states(self.session, folders)
        if states is None or states.changed_ns > started_ns - SETTLED_NS:
            return
        document = {"request": self.request, "state": states.digest, "folders": folders, "stages": stages}
        memo.write(self._path, document)


def _states(session: Session, folders: Iterable[str]) -> FileStates | None:
    """Return the state of all that a sync looks at; None if git cannot list the sources now."""
    workspace = session.workspace
    states = FileStates()
    try:
        listed = git.listed(workspace.root)
    except FlowlockError:
        # The stages meet the same, and say it.
        return None
    for name in (*listed.files, *listed.repositories):
        states.add(f"{workspace.root}{os.sep}{name}")
    # A file that was deleted while the stages ran shows in its folder only.
    states.count_changes({f"{workspace.root}{os.sep}{name.rpartition('/')[0]}" for name in listed.files})
    for folder in folders:
        states.add_folder(folder)
    state = workspace.state
    without = {str(path) for path in (*state.not_of_a_sync, state.command_lock, state.last_sync)}
    states.add_tree(str(state.path), without=without)
    return states


def _folders(session: Session) -> set[str]:
    """Return the folders outside of the workspace whose files a sync depends on, each without those below."""
    from flowlock.base import interpreter, relocate
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
        python = interpreter.find(kept=session.workspace.state.interpreter)
        folders.update(str(file.parent) for file in relocate.sources(python).values())
    return folders


def _below(roots: Sequence[str]) -> Iterator[str]:
    """Yield folders and all below them that may hold sources."""
    for root in roots:
        for folder, inner, _ in os.walk(root):
            inner[:] = [name for name in inner if name not in _NO_SOURCES and not name.startswith(".")]
            yield folder
