"""What a manifest asks for, resolved: per environment its channels, platforms, specs and solve options."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from flowlock.conda import virtual
from flowlock.conda.match_spec import name_of
from flowlock.conda.virtual import TargetPlatform
from flowlock.errors import Location

ALIAS = "https://conda.anaconda.org/"
DEFAULT = "default"


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
class Requirement:
    """A match spec that a manifest asks for by name, and where it does."""

    name: str
    spec: str
    location: Location | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ExcludeNewer:
    """Packages newer than a cutoff are not there, in milliseconds since the epoch.

    `exempt` are match specs without any cutoff; `own` are cutoffs of single packages, before the general one.
    """

    cutoff: int | None = None
    exempt: tuple[Requirement, ...] = ()
    own: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_plain(self) -> bool:
        """Whether there is one cutoff for all packages, which is what the engine knows."""
        return not self.exempt and not self.own

    def cutoff_of(self, name: str) -> int | None:
        """Return the cutoff of a package, if it has one."""
        return self.own.get(name, self.cutoff)


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """An environment with its features merged; requirements and constraints are by platform name."""

    name: str
    solve_group: str | None = None
    channels: tuple[str, ...]
    platforms: tuple[TargetPlatform, ...]
    requirements: Mapping[str, tuple[Requirement, ...]]
    constraints: Mapping[str, tuple[Requirement, ...]] = field(default_factory=dict)
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
    """A manifest: `label` is how messages call what it locks, `file` its path in messages."""

    label: str
    file: str
    environments: tuple[Environment, ...]

    def platforms(self) -> tuple[TargetPlatform, ...]:
        """Return every platform of any environment, by name."""
        known = {p.name: p for environment in self.environments for p in environment.platforms}
        return tuple(known[name] for name in sorted(known))

    def only(self, environments: Iterable[str] = (), platforms: Iterable[str] = ()) -> "Manifest":
        """Return the manifest cut down to environments and platforms (names or subdirs); none means all."""
        names, places = set(environments), set(platforms)
        kept = []
        for environment in self.environments:
            if names and environment.name not in names:
                continue
            chosen = tuple(p for p in environment.platforms if not places or {p.name, p.subdir} & places)
            kept.append(_with_platforms(environment, chosen))
        return Manifest(label=self.label, file=self.file, environments=tuple(kept))


def _with_platforms(environment: Environment, platforms: tuple[TargetPlatform, ...]) -> Environment:
    from dataclasses import replace

    return replace(environment, platforms=platforms)


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
    """Return a manifest with one environment, `default`, of given match specs (the embedded profile's)."""
    targets = tuple(virtual.target(subdir) for subdir in platforms)
    wanted = tuple(Requirement(name=name_of(spec), spec=spec) for spec in specs)
    environment = Environment(
        name=DEFAULT,
        channels=tuple(channel_url(channel) for channel in channels),
        platforms=targets,
        requirements={target.name: wanted for target in targets},
    )
    return Manifest(label=label, file=file or label, environments=(environment,))


def for_workflow(
    package: str, version: str, *, channels: Sequence[str], platforms: Sequence[str], test: Mapping[str, str]
) -> str:
    """Return the pixi.toml of a workflow: it depends on the workflow's own package, the lock pins it.

    `channels` are the release channel and then the others; `test` are the dependencies of the environment
    `test` (name → version).
    """
    lines = [
        "# Generated by flowlock; `flowlock lock` keeps pixi.lock in step with it.",
        "[workspace]",
        f"name = {_quoted(package)}",
        f"channels = [{', '.join(map(_quoted, channels))}]",
        f"platforms = [{', '.join(map(_quoted, platforms))}]",
        "",
        "[dependencies]",
        f"{package} = {_quoted('==' + version)}",
        "",
        "[tasks]",
        f"run = {_quoted(package + ' run')}",
        "",
        "[feature.test.dependencies]",
        *(f"{name} = {_quoted(spec)}" for name, spec in sorted(test.items())),
        "",
        "[feature.test.tasks]",
        'test = "pytest tests"',
        "",
        "[environments]",
        'default = { solve-group = "default" }',
        'test = { features = ["test"], solve-group = "default" }',
    ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False)
