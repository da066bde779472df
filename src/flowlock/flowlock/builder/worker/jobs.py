"""The jobs of workers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from flowlock.builder.environments.locked import ChannelSet
from flowlock.builder.plan.identity import Identity
from flowlock.edges.sources import Sources
from flowlock.recipe.document import Recipe


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildJob:
    """One package to build; of a vendored one, `download` is the file that it is built from.

    `patches` are those that are beside the recipe of a workspace package.
    """

    recipe: Recipe
    identity: Identity
    sources: Sources
    patches: Sources | None
    epoch: datetime
    channel_set: ChannelSet
    variant: Mapping[str, str] = field(default_factory=dict)
    download: Path | None = None

    def request(self) -> dict[str, Any]:
        """Return what its worker reads, in the form of JSON."""
        return {
            "document": self.recipe.document,
            "recipe_text": self.recipe.canonical_text,
            "build_string": self.identity.artifact.build,
            "epoch": self.epoch.isoformat(),
            "name": self.recipe.name,
            "noarch": self.recipe.noarch,
            "channels": self.channel_set.channels,
            "variant": dict(self.variant),
            "fetched": self.download is not None,
            "archive": self.download.name if self.download and self.recipe.sources else None,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class TestJob:
    """An artifact whose tests to run, with packages from these channels."""

    identity: Identity
    artifact: Path
    channel_set: ChannelSet

    def request(self) -> dict[str, Any]:
        """Return what its worker reads, in the form of JSON."""
        return {"test": self.artifact.name, "channels": self.channel_set.channels}
