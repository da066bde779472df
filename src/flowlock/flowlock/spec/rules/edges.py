"""Rules for what flows along an edge: the result of a step can be what the next one's argument takes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from flowlock.errors import Location, Problem
from flowlock.spec.catalog import Scope
from flowlock.spec.model import Iteration, IterationKind, ListOf, Reference, Spec, Step, Value
from flowlock.spec.types import PAIR, UNKNOWN, Type, ValueKind, fits, read
from flowlock_core.schema import TaskSignature

# What is certainly not a pair of a key and a value.
_NO_PAIR = (ValueKind.TABLE, ValueKind.TEXT, ValueKind.NUMBER, ValueKind.MAPPING)


@dataclass(frozen=True, slots=True)
class _Result:
    """What a step gives, and where it stands."""

    type: Type
    at: Location


def check_edges(spec: Spec, scope: Scope) -> Iterator[Problem]:
    """Check every reference whose two ends are annotated."""
    results: dict[str, _Result] = {}
    for step in spec.steps:
        task = scope.task(step.task)
        if task is None:
            continue
        expected = {parameter.name: read(parameter.annotation) for parameter in task.parameters}
        for argument in step.partial:
            name = argument.name.value
            if name in expected:
                yield from _check_value(argument.value, name, expected[name], results)
        if step.iteration:
            yield from _check_iteration(step.iteration, expected, results)
        if step.id:
            results.setdefault(step.id.value, _Result(_result(step, task), step.id.at))


def _result(step: Step, task: TaskSignature) -> Type:
    returned = read(task.returns)
    if step.iteration is None:
        return returned
    # A mapped step gives a list; `mapvalues` keeps the key of each group beside its result.
    item = returned
    if step.iteration.over is IterationKind.MAPVALUES:
        item = Type(ValueKind.LIST, f"tuple[Any, {returned.text}]", (UNKNOWN, returned))
    return Type(ValueKind.LIST, f"list[{item.text}]", (item,))


def _check_value(
    value: Value, name: str, expected: Type, results: Mapping[str, _Result]
) -> Iterator[Problem]:
    match value:
        case Reference():
            result = results.get(value.step)
            if result and not fits(result.type, expected):
                yield _misfit(value, name, expected, result)
        case ListOf() if expected.element:
            for item in value.items:
                yield from _check_value(item, name, expected.element, results)
        case _:
            return


def _misfit(value: Reference, name: str, expected: Type, result: _Result) -> Problem:
    message = (
        f"`{name}` takes {expected.text}, but the step `{value.step}` (line {result.at.line}) returns "
        f"{result.type.text}"
    )
    element = result.type.element
    hint = None
    if element and len(element.parts) == PAIR and fits(element.parts[1], expected):
        hint = f"`{value.step}` returns groups: use `mapvalues` to call the task once for each of them"
    elif element and fits(element, expected):
        hint = f"`{value.step}` returns a list: use `map` to call the task once for each of its items"
    return Problem(code="FL144", message=message, location=value.at, hint=hint)


def _check_iteration(
    iteration: Iteration, expected: Mapping[str, Type], results: Mapping[str, _Result]
) -> Iterator[Problem]:
    """Check what a referenced list has in it; each item of a literal list is a value like others."""
    values = iteration.argvalues
    if not isinstance(values, Reference) or values.step not in results:
        return
    result = results[values.step]
    if result.type.kind not in (ValueKind.LIST, ValueKind.UNKNOWN, ValueKind.UNION):
        what = "a list" if iteration.over is IterationKind.MAP else "groups: a list of pairs of key and value"
        message = (
            f"`{iteration.over.value}` needs {what}, but the step `{values.step}` (line {result.at.line}) "
            f"returns {result.type.text}"
        )
        yield Problem(code="FL144", message=message, location=values.at)
        return
    element = result.type.element
    if element is not None:
        yield from _check_elements(iteration, values, element, expected, result)


def _check_elements(
    iteration: Iteration,
    values: Reference,
    element: Type,
    expected: Mapping[str, Type],
    result: _Result,
) -> Iterator[Problem]:
    """Check what a list has in it against the arguments that get it."""
    what = f"the step `{values.step}` (line {result.at.line}) returns"
    if iteration.over is IterationKind.MAPVALUES and element.kind in _NO_PAIR:
        message = f"`mapvalues` needs groups, but {what} a list of {element.text}"
        hint = "write `map` instead, to call the task once for each item"
        yield Problem(code="FL144", message=message, location=values.at, hint=hint)
        return
    for argname, part in zip(iteration.argnames, _parts(iteration, element), strict=False):
        wanted = expected.get(argname.value)
        # A class does not take a pair, whatever is unknown about it.
        is_pair = len(part.parts) == PAIR
        if wanted is None or (fits(part, wanted) and not (is_pair and wanted.is_class)):
            continue
        message = f"`{argname.value}` takes {wanted.text}, but {what} a list of {part.text}"
        way_out: str | None = None
        if is_pair and fits(part.parts[1], wanted):
            message = f"`{argname.value}` takes {wanted.text}, but {what} groups: pairs of a key and a value"
            way_out = "write `mapvalues` instead of `map`, to call the task with each value and keep the keys"
        yield Problem(code="FL144", message=message, location=values.at, hint=way_out)


def _parts(iteration: Iteration, element: Type) -> tuple[Type, ...]:
    """Return what one element gives to each argument; nothing where that cannot be said."""
    if iteration.over is IterationKind.MAPVALUES:
        if len(element.parts) != PAIR:
            return ()
        element = element.parts[1]
    return (element,) if len(iteration.argnames) == 1 else element.parts
