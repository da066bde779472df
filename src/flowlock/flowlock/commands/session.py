"""What every command works with: the workspace, the profile, and where it reports progress."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from flowlock.edges import file_locks as locks
from flowlock.report.reporter import Progress

if TYPE_CHECKING:
    from flowlock.running.environment import EnvironmentFolders
    from flowlock.workspace import Workflow, Workspace


# The embedded base channel's URL in locks: a name that no machine has (RFC 2606), since locks name no path.
BASE_URL = "https://flowlock.invalid/base"


class Profile(StrEnum):
    """Where build and run environments come from; checks always concern the committed locks."""

    CONDA_FORGE = "conda-forge"
    EMBEDDED = "embedded"


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """One command's view of a workspace; `names` are the workflows that it is about, all if it names none."""

    workspace: "Workspace"
    profile: Profile
    offline: bool
    progress: Progress
    names: tuple[str, ...] = ()

    def about(self, names: Iterable[str]) -> "Session":
        """Return the view of a command that names workflows; one that is unknown is an error."""
        return replace(self, names=tuple(self.workspace.workflow(name).name for name in names))

    @property
    def workflows(self) -> "list[Workflow]":
        """The workflows that the command is about."""
        workflows = self.workspace.workflow_list
        return [workflow for workflow in workflows if not self.names or workflow.name in self.names]

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the workspace's state for the block: a second flowlock waits until this one has ended.

        A block inside another holds what is held already.
        """
        note = "another flowlock process is using this workspace; waiting for it"
        lock = self.workspace.state.command_lock
        with locks.alone(lock, waiting=lambda: self.progress.note(note)), self.temporaries():
            yield

    def temporaries(self) -> AbstractContextManager[None]:
        """Keep the temporary files of the block below the state folder; `exclusive` does so too."""
        from flowlock.edges.temporary import temporaries_below

        return temporaries_below(self.workspace.state.temporary)

    def lock_file(self, workflow: "Workflow") -> Path:
        """Return where a workflow's lock is: beside its package, or in the state for the embedded profile."""
        if self.profile is Profile.EMBEDDED:
            return self.workspace.state.workflow_lock(workflow.name)
        return workflow.package / "pixi.lock"

    @property
    def channel(self) -> Path:
        """The local channel, which replaces the release channel until the tag is published."""
        return self.workspace.state.channel

    def mirrors(self) -> dict[str, Path]:
        """Return which folders replace which channels' URLs when packages are installed."""
        mirrors = {self.workspace.release_channel: self.channel}
        if self.profile is Profile.EMBEDDED:
            mirrors[BASE_URL] = self.workspace.state.running_base
        return mirrors

    def environments(self, *home: str) -> "EnvironmentFolders":
        """Return where the environments of one use are (below `home`), and what they are made from."""
        from flowlock.running.environment import EnvironmentFolders

        state = self.workspace.state
        unserved = (self.workspace.release_channel, BASE_URL) if self.offline else (BASE_URL,)
        return EnvironmentFolders(
            home=state.environments(*home),
            cache=state.unpacked_packages,
            bytecode=state.bytecode,
            artifacts=state.artifacts,
            archives=state.archives,
            mirrors=self.mirrors(),
            unserved=unserved,
            offline=self.offline,
        )
