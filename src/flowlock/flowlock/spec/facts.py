"""What the rules need to know of the workspace, without its files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version

from packaging.utils import canonicalize_name

from flowlock.names import CORE
from flowlock.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkspaceFacts:
    """The workspace's version, the channels that a spec may name, and wheel name → conda name.

    `runtime` is the oldest run time that a compiled workflow may meet, and the oldest service if it requires
    one (`service`); `sources` are the channels that it is locked from, the release channel first; `platforms`
    those that it is locked for.
    """

    version: str
    runtime: str
    channels: frozenset[str]
    wheel_names: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[str, ...]
    platforms: tuple[str, ...]
    service: bool = True

    def knows_channel(self, name: str) -> bool:
        """Return whether flowlock.toml has the channel, or an alias for it."""
        return plain_channel(name) in self.channels

    def distribution(self, conda_name: str) -> str:
        """Return the wheel's name of a conda package."""
        names = {conda: wheel for wheel, conda in self.wheel_names.items()}
        return canonicalize_name(names.get(conda_name, conda_name))


def facts_of(workspace: Workspace) -> WorkspaceFacts:
    """Take from a workspace what the rules need."""
    own = any(package.name == CORE for package in workspace.packages)
    channels = (workspace.release_channel, *workspace.other_channels, *workspace.channel_aliases)
    return WorkspaceFacts(
        version=workspace.version,
        # Other workspaces have their own versions; what they compile is for this toolchain's run time.
        runtime=workspace.version if own else version(CORE),
        channels=frozenset(map(plain_channel, channels)),
        wheel_names=workspace.wheel_names,
        sources=(workspace.release_channel, *workspace.other_channels),
        platforms=workspace.platforms,
        service=workspace.service,
    )


def plain_channel(name: str) -> str:
    """Return a channel's name or URL without the trailing slash, which means nothing."""
    return name.strip().rstrip("/")
