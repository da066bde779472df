"""In which order packages are built. Pure."""

import re
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import chain

from flowlock.conda.closure import closure
from flowlock.errors import FlowlockError
from flowlock.recipe.document import Recipe

SECTIONS = ("build", "host", "run")
_NAME = re.compile(
    r"\s*(?:\$\{\{[\s(]*pin_\w+\([\s(]*[\"'](?P<pinned>[^\"']+)|(?:[^\s=]+::)?(?P<name>[A-Za-z0-9_][\w.-]*))"
)


def needs(recipe: Recipe, packages: Iterable[str]) -> frozenset[str]:
    """Return which of these packages a recipe needs, for building or for running."""
    specs = [spec for section in SECTIONS for spec in recipe.requirements(section)]
    return frozenset((names_of(specs) & set(packages)) - {recipe.name})


def graph_of(recipes: Mapping[str, Recipe]) -> dict[str, frozenset[str]]:
    """Return which packages each one needs, by key: who needs a package with variants needs all of them."""
    keys: dict[str, set[str]] = {}
    for key, recipe in recipes.items():
        keys.setdefault(recipe.name, set()).add(key)
    graph = {}
    for key, recipe in recipes.items():
        graph[key] = frozenset(chain.from_iterable(keys[name] for name in needs(recipe, keys)))
    return graph


def names_of(specs: Iterable[str]) -> set[str]:
    """Return the package names of match specs, whatever follows them; a pin on a package is one too."""
    return {match["pinned"] or match["name"] for spec in specs if (match := _NAME.match(spec))}


def built_with(recipe: Recipe, graph: Mapping[str, frozenset[str]], names: Mapping[str, str]) -> set[str]:
    """Return the packages of the workspace, by key, that are in the environments a recipe is built in.

    `graph` has what each key needs, `names` the package of each key.
    """
    direct = names_of((*recipe.requirements("host"), *recipe.requirements("build"))) - {recipe.name}
    return set(closure((key for key in graph if names[key] in direct), graph.__getitem__))


def order(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the packages, each after what it needs; a cycle is an error that shows its path."""
    sorter = TopologicalSorter({name: sorted(graph[name]) for name in sorted(graph)})
    try:
        return list(sorter.static_order())
    except CycleError as error:
        path = " → ".join(reversed(error.args[1]))
        raise FlowlockError(
            f"these packages depend on each other: {path}",
            code="FL520",
            hint="remove one of these requirements, or move the shared code into a third package",
        ) from error


def most_awaited_first(needs: Mapping[str, Iterable[str]], work: Mapping[str, float]) -> list[str]:
    """Return the packages by the work that hangs on each: its own, and the longest chain that waits for it.

    So the largest build is not begun last, when nothing is left to do beside it.
    """
    chain = {name: work[name] for name in needs}
    for name in reversed(order(needs)):
        for need in needs[name]:
            chain[need] = max(chain[need], work[need] + chain[name])
    return sorted(needs, key=lambda name: (-chain[name], name))
