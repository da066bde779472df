"""Rules for the edges: what a step refers to has run before it, and every argument is given once."""

from collections.abc import Iterator

from flowlock.errors import Location, Problem, shortened
from flowlock.spec.model import (
    EnvironmentVariable,
    Iteration,
    IterationKind,
    ListOf,
    Reference,
    Spec,
    Step,
    Value,
    references,
)
from flowlock.spec.rules.hints import Hints
from flowlock.spec.types import PAIR
from flowlock_core.documents.nodes import shown

SHOWN = 8


def check_wiring(spec: Spec, hints: Hints) -> Iterator[Problem]:
    """Check references, and the arguments of map and mapvalues."""
    places: dict[str, Location] = {}
    for step in spec.steps:
        if step.id:
            places.setdefault(step.id.value, step.id.at)
    earlier: set[str] = set()
    for step in spec.steps:
        own = step.id.value if step.id else None
        for value in step.values:
            for reference in references(value):
                yield from _check_reference(reference, own, earlier, places, hints)
        yield from _check_iterations(step)
        if own is not None:
            earlier.add(own)


def _check_reference(
    reference: Reference,
    own: str | None,
    earlier: set[str],
    places: dict[str, Location],
    hints: Hints,
) -> Iterator[Problem]:
    name = reference.step
    # A step that has the id of an earlier one is reported for that, not for what it refers to.
    if name in earlier:
        return
    if name == own:
        message, code = f"the step `{shown(name)}` refers to itself", "FL122"
        hint = hints.near(name, sorted(earlier)) or "a step can only use the results of earlier steps"
    elif name in places:
        message, code = f"the step `{name}` comes later", "FL121"
        hint = f"move `{name}` (line {places[name].line}) before this step"
    else:
        message, code = f"no step has the id `{shown(name)}`", "FL120"
        hint = hints.near(name, sorted(earlier)) or _listing(sorted(earlier))
    yield Problem(code=code, message=message, location=reference.at, hint=hint)


def _check_iterations(step: Step) -> Iterator[Problem]:
    if len(step.iterations) > 1:
        message = "a step has either `map` or `mapvalues`, not both"
        yield Problem(code="FL118", message=message, location=step.iterations[1].at)
    for iteration in step.iterations:
        yield from _check_argnames(iteration)
        yield from _check_argvalues(iteration)


def _check_argnames(iteration: Iteration) -> Iterator[Problem]:
    seen: set[str] = set()
    for name in iteration.argnames:
        if name.value in seen:
            message = f"the argument `{shown(name.value)}` is given twice"
            yield Problem(code="FL143", message=message, location=name.at)
        seen.add(name.value)


def _check_argvalues(iteration: Iteration) -> Iterator[Problem]:
    """Literal values of several arguments must come in tuples of that length, those of mapvalues in pairs."""
    values, names = iteration.argvalues, iteration.argnames
    if values is None or isinstance(values, Reference | EnvironmentVariable):
        return
    if not isinstance(values, ListOf):
        message = "`argvalues` must be a reference to a step's result, or a list"
        yield Problem(code="FL119", message=message, location=values.at)
        return
    if iteration.over is IterationKind.MAPVALUES:
        length = PAIR
        message = "each value of `mapvalues` must be a pair of a key and a value"
    elif len(names) > 1:
        length = len(names)
        arguments = ", ".join(f"`{shown(name.value)}`" for name in names)
        message = f"each value of `map` has {length} parts, one for each of {arguments}"
    else:
        return
    for item in values.items:
        if not _may_have_length(item, length):
            yield Problem(code="FL119", message=message, location=item.at)


def _may_have_length(item: Value, length: int) -> bool:
    """Return whether an item has a length, as far as that is known before a run."""
    if isinstance(item, Reference | EnvironmentVariable):
        return True
    return isinstance(item, ListOf) and len(item.items) == length


def _listing(names: list[str]) -> str:
    if not names:
        return "this is the first step; no step runs before it"
    return f"the steps before this one are {shortened(names, SHOWN)}"
