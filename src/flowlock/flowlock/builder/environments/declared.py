"""Which environments packages are built in: their names and specs, from the recipes alone. Pure."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from flowlock.builder.plan.order import graph_of, names_of
from flowlock.conda import virtual
from flowlock.conda.closure import closure
from flowlock.conda.match_spec import name_of
from flowlock.lock.manifest.model import (
    DEFAULT,
    Manifest,
    ManifestEnvironment,
    ManifestRequirement,
    channel_url,
)
from flowlock.names import Platform
from flowlock.recipe.document import Recipe

# What a native package asks for: match specs by section, by platform; one that its recipe skips has none.
Needs = Mapping[Platform, Mapping[str, tuple[str, ...]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildRequirements:
    """The build environments of a workspace: `of` names each package's, `specs` what each asks for.

    Portable packages have one, which is the same on every platform. Of a native package each variant has up
    to two, `build` and `host`, on the platforms that its recipe does not skip.
    """

    of: Mapping[str, tuple[str, ...]]
    specs: Mapping[str, Mapping[Platform, tuple[str, ...]]]

    def manifest(self, *, file: str, channels: Iterable[str]) -> Manifest:
        """Return the environments as what a lock is solved from and compared with."""
        urls = tuple(channel_url(channel) for channel in channels)
        environments = []
        for name, specs in self.specs.items():
            targets = {platform: virtual.target(platform) for platform in specs}
            requirements = {
                target.name: manifest_requirements(specs[platform]) for platform, target in targets.items()
            }
            environments.append(
                ManifestEnvironment(
                    name=name, channels=urls, platforms=tuple(targets.values()), requirements=requirements
                )
            )
        return Manifest(label="build", file=file, environments=tuple(environments))


def manifest_requirements(specs: Iterable[str]) -> tuple[ManifestRequirement, ...]:
    """Return match specs as requirements of a manifest."""
    return tuple(ManifestRequirement(name=name_of(spec), spec=spec) for spec in specs)


def wanted(
    recipes: Mapping[str, Recipe],
    pins: Iterable[str],
    *,
    platforms: Iterable[Platform],
    native: Mapping[str, Needs],
) -> BuildRequirements:
    """Return the environments that these packages are built in.

    Packages that need no more than Python and the build tools of flowlock.toml (`pins`) share `default`.
    Workspace packages are in none: they come from their own builds, but what those need to run is. `native`
    is what native packages ask for, as the engine evaluates their recipes.
    """
    usual, everywhere = names_of(["python", *pins]), tuple(platforms)
    ours = _WorkspacePackages(recipes)
    of: dict[str, tuple[str, ...]] = {}
    needed: dict[str, dict[Platform, set[str]]] = {}

    def add(name: str, environment: str, platform: Platform, specs: AbstractSet[str]) -> None:
        if specs:
            of[name] = tuple(dict.fromkeys((*of.get(name, ()), environment)))
            needed.setdefault(environment, {}).setdefault(platform, set()).update(specs)

    for name, recipe in recipes.items():
        if recipe.noarch is None:
            for platform, sections in native.get(name, {}).items():
                for section, listed in sections.items():
                    add(name, f"{name}/{section}", platform, ours.resolved(listed))
            continue
        specs = ours.resolved((*recipe.requirements("build"), *recipe.requirements("host")))
        for platform in everywhere:
            add(name, DEFAULT if names_of(specs) <= usual else name, platform, specs)
    ordered = {}
    for environment, by_platform in sorted(needed.items()):
        ordered[environment] = {platform: tuple(sorted(specs)) for platform, specs in by_platform.items()}
    return BuildRequirements(of=of, specs=ordered)


class _WorkspacePackages:
    """The workspace's packages, which are in no environment; what they need to run is."""

    def __init__(self, recipes: Mapping[str, Recipe]) -> None:
        self._recipes, self._graph = recipes, graph_of(recipes)

    def resolved(self, specs: Iterable[str]) -> set[str]:
        direct = set(specs)
        ours = closure(names_of(direct) & self._recipes.keys(), self._graph.__getitem__)
        indirect = {_unpinned(spec) for name in ours for spec in self._recipes[name].requirements("run")}
        return {spec for spec in direct | indirect if not names_of([spec]) & self._recipes.keys()}


def _unpinned(spec: str) -> str:
    """Return a spec that only the engine can evaluate as the name that it is about."""
    return next(iter(names_of([spec])), spec) if "${{" in spec else spec
