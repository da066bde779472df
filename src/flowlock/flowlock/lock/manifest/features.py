"""Features of a pixi manifest and how they merge into an environment."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from flowlock.conda import virtual
from flowlock.conda.virtual import TargetPlatform
from flowlock.lock.manifest.model import (
    ExcludeNewer,
    ManifestEnvironment,
    ManifestRequirement,
    Priority,
    Strategy,
)

Table = Mapping[str, Any]
Specs = Mapping[str | None, Mapping[str, ManifestRequirement]]
_FAMILIES = {"linux": ("unix", "linux"), "osx": ("unix", "osx"), "win": ("win",)}
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Feature:
    """A feature as written; specs are by target selector, None for all platforms.

    What is None is not in the feature: the workspace's value counts, or all platforms.
    """

    requirements: Specs
    constraints: Specs
    channels: Sequence[tuple[str, int]] | None
    platforms: frozenset[str] | None
    system: Table
    strategy: Strategy | None
    priority: Priority | None

    def is_for(self, platform: TargetPlatform) -> bool:
        """Return whether the feature can be used on a platform, which it names itself or by its subdir."""
        return self.platforms is None or bool({platform.name, platform.subdir} & self.platforms)


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkspaceDefaults:
    """The platforms of a workspace, and its settings for all features without their own."""

    channels: Sequence[tuple[str, int]]
    platforms: Mapping[str, TargetPlatform]
    strategy: Strategy
    priority: Priority
    exclude_newer: ExcludeNewer | None


def merged(
    name: str, group: str | None, features: Sequence[Feature], defaults: WorkspaceDefaults
) -> ManifestEnvironment:
    """Merge features as pixi does: specs add up, channels go by priority, platforms are the common ones."""
    platforms = _common_platforms(features, defaults)
    requirements = [feature.requirements for feature in features]
    constraints = [feature.constraints for feature in features]
    return ManifestEnvironment(
        name=name,
        solve_group=group,
        channels=_by_priority(features, defaults),
        platforms=tuple(target for _, target in platforms),
        requirements={target.name: _specs_on(platform, requirements) for platform, target in platforms},
        constraints={target.name: _specs_on(platform, constraints) for platform, target in platforms},
        strategy=_first([feature.strategy for feature in features], defaults.strategy),
        priority=_first([feature.priority for feature in features], defaults.priority),
        exclude_newer=defaults.exclude_newer,
    )


def _by_priority(features: Sequence[Feature], defaults: WorkspaceDefaults) -> tuple[str, ...]:
    """Return the channels of all features, each once; those of one priority keep their order."""
    channels: list[tuple[str, int]] = []
    for feature in features:
        channels += defaults.channels if feature.channels is None else feature.channels
    channels.sort(key=lambda channel: -channel[1])
    return tuple(dict.fromkeys(url for url, _ in channels))


def _common_platforms(
    features: Sequence[Feature], defaults: WorkspaceDefaults
) -> list[tuple[TargetPlatform, TargetPlatform]]:
    """Return the workspace's platforms that all features have, without and with the system requirements."""
    requirements = [feature.system for feature in features]
    common = list(defaults.platforms.values())
    for feature in features:
        common = [platform for platform in common if feature.is_for(platform)]
    return [(platform, virtual.with_system_requirements(platform, requirements)) for platform in common]


def _first(choices: Iterable[T | None], default: T) -> T:
    """Return the first choice that a feature makes, as pixi does."""
    for choice in choices:
        if choice is not None:
            return choice
    return default


def _specs_on(platform: TargetPlatform, by_feature: Iterable[Specs]) -> tuple[ManifestRequirement, ...]:
    """Return the features' specs on a platform; within a feature a more precise target overrides others."""
    requirements: list[ManifestRequirement] = []
    for by_selector in by_feature:
        merged: dict[str, ManifestRequirement] = {}
        for selector in (None, *_FAMILIES[platform.subdir.partition("-")[0]], platform.subdir, platform.name):
            merged.update(by_selector.get(selector, {}))
        requirements += merged.values()
    return tuple(requirements)
