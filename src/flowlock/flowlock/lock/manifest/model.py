"""A resolved manifest: the channels, platforms, match specs and solve options of each environment."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import chain

from flowlock.conda import virtual
from flowlock.conda.match_spec import name_of
from flowlock.conda.virtual import TargetPlatform
from flowlock.errors import Location

ALIAS = "https://conda.anaconda.org/"
DEFAULT = "default"
# The keys of an environment's `options` in pixi.lock that come from its manifest.
OPTION_KEYS = ("strategy", "channel-priority")


class Strategy(StrEnum):
    """pixi's `solve-strategy`; the values are those of pixi.lock."""

    HIGHEST = "highest"
    LOWEST = "lowest-version"
    LOWEST_DIRECT = "lowest-version-direct"


class Priority(StrEnum):
    """pixi's `channel-priority`."""

    STRICT = "strict"
    DISABLED = "disabled"


@dataclass(frozen=True, kw_only=True, slots=True)
class ManifestRequirement:
    """A match spec that a manifest requires, the package's name, and where it is written."""

    name: str
    spec: str
    location: Location | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ExcludeNewer:
    """Excludes packages that are newer than a cutoff, in milliseconds since the epoch.

    `exempt` are match specs without any cutoff; `by_package` overrides the cutoff for single packages.
    """

    cutoff: int | None = None
    exempt: tuple[ManifestRequirement, ...] = ()
    by_package: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_plain(self) -> bool:
        """Whether there is one cutoff for all packages, which is what the engine knows."""
        return not self.exempt and not self.by_package

    def cutoff_of(self, name: str) -> int | None:
        """Return the cutoff of a package, if it has one."""
        return self.by_package.get(name, self.cutoff)

    def forbids(self, name: str, timestamp: int | None) -> bool:
        """Return whether a package is too new, exemptions aside; as for the engine, one without a time is."""
        cutoff = self.cutoff_of(name)
        if cutoff is None:
            return False
        return timestamp is None or timestamp > cutoff


@dataclass(frozen=True, kw_only=True, slots=True)
class ManifestEnvironment:
    """An environment with its features merged; requirements and constraints are by platform name."""

    name: str
    solve_group: str | None = None
    channels: tuple[str, ...]
    platforms: tuple[TargetPlatform, ...]
    requirements: Mapping[str, tuple[ManifestRequirement, ...]]
    constraints: Mapping[str, tuple[ManifestRequirement, ...]] = field(default_factory=dict)
    strategy: Strategy = Strategy.HIGHEST
    priority: Priority = Priority.STRICT
    exclude_newer: ExcludeNewer | None = None

    def options(self) -> dict[str, str]:
        """Return `options` of pixi.lock: what is not the default."""
        options = {}
        if self.strategy is not Strategy.HIGHEST:
            options["strategy"] = self.strategy.value
        if self.priority is not Priority.STRICT:
            options["channel-priority"] = self.priority.value
        return options


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """A manifest: `label` is the name of what it locks in messages, `file` its own path there.

    `unlocked` is why it has no lock, of a manifest that is declared so.
    """

    label: str
    file: str
    environments: tuple[ManifestEnvironment, ...]
    unlocked: str | None = None

    def platforms(self) -> tuple[TargetPlatform, ...]:
        """Return every platform of any environment, by name."""
        by_name = {p.name: p for environment in self.environments for p in environment.platforms}
        return tuple(by_name[name] for name in sorted(by_name))

    @property
    def environment_names(self) -> frozenset[str]:
        """The names by which `only` selects environments."""
        return frozenset(environment.name for environment in self.environments)

    @property
    def platform_names(self) -> frozenset[str]:
        """The names by which `only` selects platforms: those of the manifest, and the subdirs."""
        platforms = self.platforms()
        return frozenset(platform.name for platform in platforms).union(p.subdir for p in platforms)

    def match_specs(self) -> Iterator[ManifestRequirement]:
        """Yield the requirements and constraints of all environments and platforms."""
        for environment in self.environments:
            by_platform = (*environment.requirements.values(), *environment.constraints.values())
            yield from chain.from_iterable(by_platform)

    def only(self, environments: Iterable[str] = (), platforms: Iterable[str] = ()) -> "Manifest":
        """Return the manifest cut down to environments and platforms (names or subdirs); none means all."""
        names, platform_names = set(environments), set(platforms)
        selected = []
        for environment in self.environments:
            if names and environment.name not in names:
                continue
            kept = environment.platforms
            if platform_names:
                kept = tuple(p for p in kept if {p.name, p.subdir} & platform_names)
            selected.append(replace(environment, platforms=kept))
        return replace(self, environments=tuple(selected))


def channel_url(channel: str) -> str:
    """Return a channel's URL as pixi writes it: names through the alias, one slash at the end."""
    url = channel if "://" in channel else ALIAS + channel
    return url.rstrip("/") + "/"


def simple(
    label: str,
    *,
    channels: Sequence[str],
    platforms: Sequence[str],
    specs: Sequence[str],
    file: str = "",
) -> Manifest:
    """Return a manifest with one environment, `default`, of match specs (for the embedded profile)."""
    targets = tuple(virtual.target(subdir) for subdir in platforms)
    requirements = tuple(ManifestRequirement(name=name_of(spec), spec=spec) for spec in specs)
    environment = ManifestEnvironment(
        name=DEFAULT,
        channels=tuple(channel_url(channel) for channel in channels),
        platforms=targets,
        requirements={target.name: requirements for target in targets},
    )
    return Manifest(label=label, file=file or label, environments=(environment,))


@dataclass(frozen=True, kw_only=True, slots=True)
class GeneratedFeature:
    """What an environment of its name has beyond `default`: dependencies (name → version), and tasks."""

    name: str
    dependencies: Mapping[str, str]
    tasks: Mapping[str, str]

    def lines(self) -> Iterator[str]:
        """Yield its lines in a pixi.toml."""
        yield f"[feature.{self.name}.dependencies]"
        yield from (f"{name} = {_quoted(spec)}" for name, spec in sorted(self.dependencies.items()))
        yield ""
        yield f"[feature.{self.name}.tasks]"
        yield from (f"{name} = {_quoted(command)}" for name, command in self.tasks.items())
        yield ""


def generated(
    package: str,
    version: str,
    *,
    channels: Sequence[str],
    platforms: Sequence[str],
    tasks: Mapping[str, str],
    features: Sequence[GeneratedFeature],
) -> str:
    """Return the pixi.toml of a generated package, which depends on that package.

    `channels` are the release channel and then the others; each feature has an environment.
    """
    tables = [line for feature in features for line in feature.lines()]
    lines = [
        "# Generated by flowlock; `flowlock lock` keeps pixi.lock in sync with it.",
        "[workspace]",
        f"name = {_quoted(package)}",
        f"channels = [{', '.join(map(_quoted, channels))}]",
        f"platforms = [{', '.join(map(_quoted, platforms))}]",
        "",
        "[dependencies]",
        f"{package} = {_quoted('==' + version)}",
        "",
        "[tasks]",
        *(f"{name} = {_quoted(command)}" for name, command in tasks.items()),
        "",
        *tables,
        "[environments]",
        'default = { solve-group = "default" }',
        *(
            f'{feature.name} = {{ features = ["{feature.name}"], solve-group = "default" }}'
            for feature in features
        ),
    ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
