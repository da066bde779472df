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
    from flowlock.workspace import GeneratedPackage, Workspace


# The embedded base channel's URL in locks: a name that no machine has (RFC 2606), since locks name no path.
BASE_URL = "https://flowlock.invalid/base"


class Profile(StrEnum):
    """Where build and run environments come from; checks always concern the committed locks."""

    CONDA_FORGE = "conda-forge"
    EMBEDDED = "embedded"


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """One command's view of a workspace; `names` are what it is about, everything if it names nothing."""

    workspace: "Workspace"
    profile: Profile
    offline: bool
    progress: Progress
    names: tuple[str, ...] = ()

    def about(self, names: Iterable[str]) -> "Session":
        """Return the view of a command that names workflows or the location; an unknown one is an error."""
        return replace(self, names=tuple(self.workspace.generated_named(name).name for name in names))

    @property
    def generated(self) -> "list[GeneratedPackage]":
        """The workflows, and the location, that the command is about."""
        every = self.workspace.generated
        return [one for one in every if not self.names or one.name in self.names]

    @property
    def installable(self) -> "list[GeneratedPackage]":
        """Those of them that get an environment of the embedded profile.

        A location that is declared without a lock has to be named: Dagster is large.
        """
        location, workspace = self.workspace.location, self.workspace
        unnamed = location is not None and not self.names and workspace.unlocked_reason(location) is not None
        return [one for one in self.generated if not (unnamed and one is location)]

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

    def lock_file(self, generated: "GeneratedPackage") -> Path:
        """Return where a package's lock is: beside the package, or in the state for the embedded profile."""
        if self.profile is Profile.EMBEDDED:
            return self.workspace.state.workflow_lock(generated.name)
        return generated.package / "pixi.lock"

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
            digests=state.installed_digests,
            safe_archives=state.safe_archives,
            archives=state.archives,
            mirrors=self.mirrors(),
            unserved=unserved,
            offline=self.offline,
        )
