"""The channels of test environments: the workspace's own builds, and those that builds use."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flowlock.builder.environments.locked import RecordFiles, folder_of
from flowlock.channel import store
from flowlock.edges.state_folder import StateFolder
from flowlock.lock.solver.sources import ChannelFolder
from flowlock.report.reporter import Progress


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageTestChannels:
    """The channels of test environments: own builds under the release channel's URL, then the others."""

    own: str
    artifacts: Sequence[store.ChannelArtifact]
    channels: Sequence[str]
    offline: bool
    work: Path
    state: StateFolder

    @property
    def folder(self) -> Path:
        """The channel of the workspace's own builds, once `write_own` was called."""
        return self.work / "channel"

    @property
    def folders(self) -> list[ChannelFolder]:
        """The channels that are folders of this machine."""
        others = {url: path for url in self.channels if (path := folder_of(url)) is not None}
        return [ChannelFolder(url=url, path=path) for url, path in {self.own: self.folder, **others}.items()]

    def write_own(self) -> None:
        """Make the channel of the workspace's own builds."""
        if not self.folder.exists():
            store.put(self.folder, self.artifacts, subdirs=(), cache=self.work / "cache")

    def record_files(self, progress: Progress) -> RecordFiles:
        """Return where the files of test environments come from."""
        return RecordFiles(
            mirrors={self.own: self.folder}, state=self.state, offline=self.offline, progress=progress
        )

    @property
    def remote(self) -> list[str]:
        """The channels that are not on this machine."""
        return [url for url in self.channels if folder_of(url) is None]
