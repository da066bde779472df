"""`flowlock channel ls`: what the local channel lists."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowlock.channel.store import ChannelEntry, entries


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelListing:
    """The packages of a channel."""

    entries: tuple[ChannelEntry, ...]

    @property
    def ok(self) -> bool:
        """Whether the channel could be listed; what prevents that is raised."""
        return True

    def as_json(self) -> Mapping[str, Any]:
        """Return every record's name, place and digest."""
        return {"packages": [entry.as_json() for entry in self.entries]}

    def as_text(self) -> str:
        """Return a line per package."""
        width = max((len(entry.artifact.file) for entry in self.entries), default=0)
        lines = []
        for entry in self.entries:
            artifact = entry.artifact
            digest = artifact.known_sha256[:12]
            lines.append(f"{artifact.subdir:<13} {artifact.file:<{width}}  {entry.size:>9}  {digest}")
        return "\n".join(lines)


def ls(channel: Path) -> ChannelListing:
    """Return what the channel's index lists."""
    return ChannelListing(entries=tuple(entries(channel)))
