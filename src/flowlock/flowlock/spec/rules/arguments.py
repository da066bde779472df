"""Rules for tasks and their arguments, compared with signatures."""

from collections.abc import Iterator

from flowlock.errors import Problem
from flowlock.spec.catalog import Scope, filled, is_condition
from flowlock.spec.literals import iterated, literal_check, problem_of
from flowlock.spec.model import ListOf, Literal, LocatedText, MappingOf, Spec, Step, Value
from flowlock.spec.rules.hints import Hints
from flowlock.spec.types import read, takes_nothing
from flowlock_core.documents.nodes import shown
from flowlock_core.schema import Parameter, TaskSignature


def check_tasks(spec: Spec, scope: Scope, hints: Hints) -> Iterator[Problem]:
    """Check that tasks and conditions are known, and that the arguments fit them."""
    for step in spec.steps:
        if step.task:
            yield from _check_known(step.task, scope, hints, conditions=False)
        task = scope.task(step.task)
        if task:
            yield from _check_arguments(step, task, scope, hints)
        if step.skipif:
            yield from _check_conditions(step.skipif.conditions, scope, hints)
    if spec.skipif:
        yield from _check_conditions(spec.skipif.conditions, scope, hints)


def _check_conditions(conditions: tuple[LocatedText, ...], scope: Scope, hints: Hints) -> Iterator[Problem]:
    for condition in conditions:
        yield from _check_known(condition, scope, hints, conditions=True)
        task = scope.task(condition)
        if task and not is_condition(task):
            hint = f"the conditions are {', '.join(scope.names(conditions=True))}"
            message = f"the task `{task.name}` is not a skip condition"
            yield Problem(code="FL146", message=message, location=condition.at, hint=hint)


def _check_known(text: LocatedText, scope: Scope, hints: Hints, *, conditions: bool) -> Iterator[Problem]:
    """Check that a name means exactly one task of a required package."""
    name = text.value
    tasks = scope.tasks(name)
    if len(tasks) == 1:
        return
    elsewhere = scope.catalog.named(name)
    broken = scope.broken(name)
    if tasks:
        yield _ambiguous(text, tasks)
    elif broken:
        for task in broken:
            message = f"the task `{task.name}` of {task.distribution} cannot be imported: {task.message}"
            hint = f"correct the package {task.distribution}, or install its requirements"
            yield Problem(code="FL201", message=message, location=text.at, hint=hint)
    elif elsewhere:
        owner = elsewhere[0].distribution
        message = f"the task `{shown(name)}` is in the package {owner}, which the spec does not require"
        hint = f"add `- name: {owner}` to `requirements`"
        yield Problem(code="FL131", message=message, location=text.at, hint=hint)
    else:
        what = "skip condition" if conditions else "task"
        names = scope.names(conditions=conditions)
        hint = hints.of_task(name, names, scope.catalog.registration)
        yield Problem(code="FL130", message=f"unknown {what} `{shown(name)}`", location=text.at, hint=hint)


def _ambiguous(text: LocatedText, tasks: tuple[TaskSignature, ...]) -> Problem:
    distributions = " and by ".join(task.distribution for task in tasks)
    qualified = " or ".join(f"`{task.module}.{task.name}`" for task in tasks)
    message = f"the task `{text.value}` is registered by {distributions}"
    hint = f"specify which one: {qualified}"
    return Problem(code="FL133", message=message, location=text.at, hint=hint)


def _check_arguments(step: Step, task: TaskSignature, scope: Scope, hints: Hints) -> Iterator[Problem]:
    parameters = {parameter.name: parameter for parameter in task.parameters}
    for argument in step.partial:
        parameter = parameters.get(argument.name.value)
        if parameter is None:
            yield _unknown(argument.name, task, hints)
        else:
            yield from _check_value(argument.value, parameter, task, scope)
    for iteration in step.iterations:
        for name in iteration.argnames:
            if name.value not in parameters:
                yield _unknown(name, task, hints)
        for argname, part in iterated(iteration):
            if argname in parameters:
                yield from _check_value(part, parameters[argname], task, scope)
    yield from _check_missing(step, task)


def _check_missing(step: Step, task: TaskSignature) -> Iterator[Problem]:
    """Check that the spec gives what no form asks for."""
    bound = filled(step)
    for parameter in task.parameters:
        only_here = parameter.wired or parameter.hidden
        if parameter.required and only_here and parameter.name not in bound:
            what = f"the argument `{parameter.name}` of `{task.name}` (a {parameter.annotation})"
            message = (
                f"{what} is not set by any step"
                if parameter.wired
                else f"{what} is missing, and the form cannot ask for it"
            )
            value = "${{ workflow.<id>.return }}" if parameter.wired else "…"
            hint = f"add `{parameter.name}: {value}` to `partial`"
            at = step.task.at if step.task else step.at
            yield Problem(code="FL141", message=message, location=at, hint=hint)


def _unknown(name: LocatedText, task: TaskSignature, hints: Hints) -> Problem:
    names = [parameter.name for parameter in task.parameters]
    listing = f"it takes {', '.join(names)}" if names else "it takes none"
    hint = hints.near(name.value, names) or listing
    message = f"the task `{task.name}` has no argument `{shown(name.value)}`"
    return Problem(code="FL140", message=message, location=name.at, hint=hint)


def _check_value(value: Value, parameter: Parameter, task: TaskSignature, scope: Scope) -> Iterator[Problem]:
    if parameter.wired:
        yield from _check_wired(value, parameter)
        return
    for refusal in scope.catalog.refusals(task, literal_check(task.name, parameter.name, value)):
        yield problem_of(refusal, value, parameter)


def _check_wired(value: Value, parameter: Parameter) -> Iterator[Problem]:
    """Check that a value without a JSON form is a reference, or a collection of them."""
    match value:
        case Literal():
            if value.value is None and (not parameter.required or takes_nothing(read(parameter.annotation))):
                return
            message = f"`{parameter.name}` takes a {parameter.annotation}, which only a step can give"
            hint = "use `${{ workflow.<id>.return }}`"
            yield Problem(code="FL145", message=message, location=value.at, hint=hint)
        case ListOf():
            for item in value.items:
                yield from _check_wired(item, parameter)
        case MappingOf():
            for _, item in value.entries:
                yield from _check_wired(item, parameter)
        case _:
            return
