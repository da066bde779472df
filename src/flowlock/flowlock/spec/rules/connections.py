"""Rules for connections: a step names one by a literal, and the spec requires what it needs."""

from collections.abc import Iterator

from flowlock.errors import Location, Problem, Severity
from flowlock.spec.catalog import Scope, filled
from flowlock.spec.literals import iterated
from flowlock.spec.model import Iteration, ListOf, Spec, Step, Value, environment, references
from flowlock_core.schema import Parameter


def check_connections(spec: Spec, scope: Scope) -> Iterator[Problem]:
    """Check that connections are named by literals: their names are known before anything runs.

    What form a name has is said by the type of the parameter, as of every other literal.
    """
    for step in spec.steps:
        parameters = _connections(step, scope)
        for argument in step.partial:
            if argument.name.value in parameters:
                yield from _check_literal(argument.name.value, argument.value)
        for iteration in step.iterations:
            yield from _check_iteration(iteration, parameters)


def _connections(step: Step, scope: Scope) -> dict[str, Parameter]:
    """Return the parameters of a step's task that are names of connections."""
    task = scope.task(step.task)
    if task is None:
        return {}
    return {parameter.name: parameter for parameter in task.parameters if parameter.connection}


def _check_literal(name: str, value: Value) -> Iterator[Problem]:
    known_only_in_a_run = [*references(value), *environment(value)]
    if known_only_in_a_run:
        yield _not_literal(name, value.at)


def _check_iteration(iteration: Iteration, parameters: dict[str, Parameter]) -> Iterator[Problem]:
    for name in iteration.argnames:
        if name.value in parameters and not isinstance(iteration.argvalues, ListOf):
            yield _not_literal(name.value, iteration.argvalues.at if iteration.argvalues else name.at)
    for argname, part in iterated(iteration):
        if argname in parameters:
            yield from _check_literal(argname, part)


def _not_literal(name: str, at: Location) -> Problem:
    return Problem(
        code="FL147",
        message=f"`{name}` is not the literal name of a connection",
        location=at,
        hint="write a name such as `main_db`, or leave it to the parameters",
    )


def check_engines(spec: Spec, scope: Scope) -> Iterator[Problem]:
    """Warn of connections that need a package which the spec does not require."""
    required = {requirement.name.value for requirement in spec.requirements if requirement.name}
    for step in spec.steps:
        filled_names = filled(step)
        for parameter in _connections(step, scope).values():
            used = parameter.required or parameter.name in filled_names
            needed = parameter.connection or {}
            if used and needed.get("package", "") not in {"", *required}:
                yield _missing_engine(step, parameter.name, needed["package"], needed["version"])


def _missing_engine(step: Step, name: str, package: str, version: str) -> Problem:
    return Problem(
        code="FL176",
        message=f"`{name}` needs the package {package}, which the spec does not require",
        location=step.task.at if step.task else step.at,
        hint=f'add `- {{name: {package}, version: "{version}"}}` to `requirements`',
        severity=Severity.WARNING,
    )
