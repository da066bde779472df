"""In which order packages are built. Pure."""

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from flowlock.errors import FlowlockError
from flowlock.recipe import Recipe

SECTIONS = ("build", "host", "run")


def needs(recipe: Recipe, known: Iterable[str]) -> frozenset[str]:
    """Return which of the known packages a recipe needs, for building or for running."""
    names = {spec.split()[0].split("::")[-1] for section in SECTIONS for spec in recipe.requirements(section)}
    bare = {name.split("=")[0].split(">")[0].split("<")[0].split("[")[0] for name in names}
    return frozenset((bare & set(known)) - {recipe.name})


def order(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the packages, each after what it needs; a cycle is an error that shows its path."""
    sorter = TopologicalSorter({name: sorted(graph[name]) for name in sorted(graph)})
    try:
        return list(sorter.static_order())
    except CycleError as error:
        path = " → ".join(reversed(error.args[1]))
        raise FlowlockError(
            f"these packages need each other: {path}",
            code="FL520",
            hint="remove one of these requirements, or move what both need into a third package",
        ) from error


def closure(names: Iterable[str], graph: Mapping[str, Iterable[str]]) -> set[str]:
    """Return the packages and everything that they need, directly or not."""
    found: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending.extend(graph[name])
    return found
