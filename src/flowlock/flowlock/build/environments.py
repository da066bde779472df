"""Which environments packages are built in: their names and specs, from the recipes alone. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flowlock.build.plan import closure, graph_of, names_of
from flowlock.lock import virtual
from flowlock.lock.manifest import DEFAULT, Environment, Manifest, Requirement, channel_url, name_of
from flowlock.names import Platform
from flowlock.recipe import Recipe


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """The build environments of a workspace: `of` names each package's, `specs` what one asks for.

    A native package has none: its variants ask for versions that the engine chooses among.
    """

    of: Mapping[str, str]
    specs: Mapping[str, tuple[str, ...]]

    def manifest(self, *, file: str, channels: Iterable[str], platforms: Iterable[Platform]) -> Manifest:
        """Return the environments as what a lock is solved from and held against."""
        targets = tuple(virtual.target(platform) for platform in platforms)
        urls = tuple(channel_url(channel) for channel in channels)
        return Manifest(
            label="build",
            file=file,
            environments=tuple(
                Environment(
                    name=name,
                    channels=urls,
                    platforms=targets,
                    requirements={
                        target.name: tuple(Requirement(name=name_of(spec), spec=spec) for spec in specs)
                        for target in targets
                    },
                )
                for name, specs in self.specs.items()
            ),
        )


def wanted(recipes: Mapping[str, Recipe], pins: Iterable[str]) -> Wanted:
    """Return the environments that these packages are built in.

    Packages that need no more than Python and the build tools of flowlock.toml (`pins`) share `default`.
    Workspace packages are in none: they come from their own builds, but what those need to run is.
    """
    graph = graph_of(recipes)
    usual = names_of(["python", *pins])
    of: dict[str, str] = {}
    specs: dict[str, set[str]] = {}
    for name, recipe in recipes.items():
        asked = _asked(recipe, recipes, graph)
        if recipe.noarch is None or not asked:
            continue
        environment = DEFAULT if names_of(asked) <= usual else name
        of[name] = environment
        specs.setdefault(environment, set()).update(asked)
    return Wanted(of=of, specs={name: tuple(sorted(specs[name])) for name in sorted(specs)})


def _asked(recipe: Recipe, recipes: Mapping[str, Recipe], graph: Mapping[str, Iterable[str]]) -> set[str]:
    direct = {*recipe.requirements("build"), *recipe.requirements("host")}
    ours = closure(names_of(direct) & recipes.keys(), graph)
    indirect = {spec for name in ours for spec in recipes[name].requirements("run")}
    return {spec for spec in direct | indirect if not names_of([spec]) & recipes.keys()}
