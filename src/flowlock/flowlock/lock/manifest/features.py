"""Features of a pixi manifest and how they merge into an environment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flowlock.conda import virtual
from flowlock.conda.virtual import TargetPlatform
from flowlock.lock.manifest.model import Environment, ExcludeNewer, Priority, Requirement, Strategy

Table = Mapping[str, Any]
Specs = Mapping[str | None, Mapping[str, Requirement]]
_FAMILIES = {"linux-": ("unix", "linux"), "osx-": ("unix", "osx"), "win-": ("win",)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Feature:
    """A feature as written; specs are by target selector, None for all platforms."""

    requirements: Specs
    constraints: Specs
    channels: Sequence[tuple[str, int]] | None
    platforms: frozenset[str] | None
    system: Table
    strategy: Strategy | None
    priority: Priority | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Shared:
    """What the workspace says for all environments."""

    channels: Sequence[tuple[str, int]]
    platforms: Mapping[str, TargetPlatform]
    strategy: Strategy
    priority: Priority
    exclude_newer: ExcludeNewer | None


def merged(name: str, group: str | None, features: Sequence[Feature], shared: Shared) -> Environment:
    """Merge features as pixi does: specs add up, channels go by priority, platforms are the common ones."""
    channels = [c for f in features for c in (shared.channels if f.channels is None else f.channels)]
    ordered = dict.fromkeys(url for url, _ in sorted(channels, key=lambda item: -item[1]))
    platforms = [
        (platform, virtual.with_system_requirements(platform, [f.system for f in features]))
        for platform in shared.platforms.values()
        if all(f.platforms is None or {platform.name, platform.subdir} & f.platforms for f in features)
    ]
    return Environment(
        name=name,
        solve_group=group,
        channels=tuple(ordered),
        platforms=tuple(target for _, target in platforms),
        requirements={
            t.name: tuple(r for f in features for r in _on(f.requirements, p)) for p, t in platforms
        },
        constraints={t.name: tuple(r for f in features for r in _on(f.constraints, p)) for p, t in platforms},
        strategy=next((f.strategy for f in features if f.strategy), shared.strategy),
        priority=next((f.priority for f in features if f.priority), shared.priority),
        exclude_newer=shared.exclude_newer,
    )


def _on(found: Specs, platform: TargetPlatform) -> list[Requirement]:
    """Return a feature's specs on a platform: the more precise target overrides the more general."""
    families = next(names for prefix, names in _FAMILIES.items() if platform.subdir.startswith(prefix))
    merged: dict[str, Requirement] = {}
    for selector in (None, *families, platform.subdir, platform.name):
        merged.update(found.get(selector, {}))
    return list(merged.values())
