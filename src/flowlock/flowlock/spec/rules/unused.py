"""Warnings: steps whose results are not used, parameters that change nothing, steps that can never run.

A step counts if the workflow's result depends on it, or if it writes something (its task is tagged `output`,
or `io` and fed by another step, or returns nothing), or if an environment variable sets its output.
"""

from collections.abc import Iterator, Mapping
from enum import Enum

from flowlock.errors import Location, Problem, Severity
from flowlock.spec.catalog import Scope, filled
from flowlock.spec.model import ListOf, Reference, SkipIf, Spec, Step, Value, environment, references
from flowlock_core.documents.nodes import shown

# Tags of tasks: what writes, what reads or writes, a skip condition that always holds.
OUTPUT, INPUT_OUTPUT, ALWAYS = "output", "io", "always"
ANY_SKIPPED = "any_dependency_skipped"


def check_unused(spec: Spec, scope: Scope) -> Iterator[Problem]:
    """Yield warnings; a spec in which a task is unknown is not judged."""
    if not all(step.id and scope.task(step.task) for step in spec.steps):
        return
    dead = _dead(spec, scope)
    idle = _never_run(spec, scope)
    for step in spec.steps:
        assert step.id is not None  # noqa: S101 - checked above
        name = step.id.value
        if name in idle:
            yield _warning("FL172", idle[name], step.id.at, "remove the step, or the condition that skips it")
        elif name in dead:
            yield _warning("FL170", dead[name], step.id.at, "use it in a later step, or remove it")
        else:
            continue
        yield from _unused_parameters(step, scope)
    yield from _unused_defaults(spec)


def _unused_defaults(spec: Spec) -> Iterator[Problem]:
    if spec.skipif and spec.steps and all(step.skipif for step in spec.steps):
        message = "these defaults have no effect: each step has its own `skipif`"
        yield _warning("FL173", message, spec.skipif.at, "remove them")


def _dead(spec: Spec, scope: Scope) -> dict[str, str]:
    """Return why a step is dead, by id: from the last step backwards, since users come later."""
    users: dict[str, set[str]] = {}
    dead: dict[str, str] = {}
    for number, step in enumerate(reversed(spec.steps)):
        name = step.id.value if step.id else ""
        if number and not _writes(step, scope) and users.get(name, set()) <= dead.keys():
            dead[name] = (
                f"`{shown(name)}` is used only by steps whose results are not used"
                if users.get(name)
                else f"the result of the step `{shown(name)}` is not used by any later step"
            )
        for value in step.values:
            for reference in references(value):
                users.setdefault(reference.step, set()).add(name)
    return dead


def _writes(step: Step, scope: Scope) -> bool:
    task = scope.task(step.task)
    if task is None or OUTPUT in task.tags or task.returns == "None":
        return True
    fed = any(True for value in step.values for _ in references(value))
    placed = any(True for value in step.values for _ in environment(value))
    return fed and (INPUT_OUTPUT in task.tags or placed)


class _MissingResult(Enum):
    """What a step that never runs gives."""

    EMPTY = "an empty list"
    SKIPPED = "a skip marker"


def _never_run(spec: Spec, scope: Scope) -> dict[str, str]:
    """Return why a step never runs, by id: it iterates over an empty list, or is always skipped."""
    gives: dict[str, _MissingResult] = {}
    reasons: dict[str, str] = {}
    for step in spec.steps:
        idle = _empty(step, gives) or _skipped(step, step.skipif or spec.skipif, gives, scope)
        if idle and step.id:
            name = step.id.value
            gives[name], reason = idle
            reasons[name] = f"the step `{shown(name)}` never runs: {reason}"
    return reasons


def _empty(step: Step, gives: Mapping[str, _MissingResult]) -> tuple[_MissingResult, str] | None:
    """Return why a step is mapped over nothing."""
    if step.iteration is None:
        return None
    values = step.iteration.argvalues
    if isinstance(values, ListOf) and not values.items:
        return _MissingResult.EMPTY, f"`{step.iteration.over.value}` iterates over an empty list"
    if isinstance(values, Reference) and gives.get(values.step) is _MissingResult.EMPTY:
        return _MissingResult.EMPTY, f"`{values.step}` returns an empty list"
    return None


def _skipped(
    step: Step, skipif: SkipIf | None, gives: Mapping[str, _MissingResult], scope: Scope
) -> tuple[_MissingResult, str] | None:
    """Return the condition that skips a step in every run."""
    if skipif is None:
        return None
    for condition in skipif.conditions:
        task = scope.task(condition)
        if task is None:
            continue
        if ALWAYS in task.tags:
            return _MissingResult.SKIPPED, f"its condition `{task.name}` is always true"
        if task.name == ANY_SKIPPED:
            for value in step.values:
                for dependency in _unpacked(value, skipif.unpack_depth):
                    if gives.get(dependency) is _MissingResult.SKIPPED:
                        return _MissingResult.SKIPPED, f"`{dependency}` is always skipped"
    return None


def _unpacked(value: Value, depth: int) -> Iterator[str]:
    """Yield the steps whose results conditions see: bare references, and with more depth those in lists."""
    if isinstance(value, Reference):
        yield value.step
    elif isinstance(value, ListOf) and depth > 1:
        for item in value.items:
            yield from _unpacked(item, depth - 1)


def _unused_parameters(step: Step, scope: Scope) -> Iterator[Problem]:
    task, bound = scope.task(step.task), filled(step)
    if task is None or step.id is None:
        return
    fields = [field.name for field in task.parameters if not field.wired and field.name not in bound]
    if fields:
        names = ", ".join(f"`{name}`" for name in fields)
        what = f"the parameters {names}" if len(fields) > 1 else f"the parameter {names}"
        effect = "they have no effect" if len(fields) > 1 else "it has no effect"
        message = f"the form asks for {what} of `{shown(step.id.value)}`, but {effect}"
        yield _warning("FL171", message, step.id.at, None)


def _warning(code: str, message: str, at: Location, hint: str | None) -> Problem:
    return Problem(code=code, message=message, location=at, hint=hint, severity=Severity.WARNING)
