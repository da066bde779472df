"""The plan of a generated package: a checked spec with its tasks resolved and its names chosen."""

import builtins
import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass

from flowlock.names import import_name, workflow_distribution
from flowlock.spec.catalog import Scope, filled
from flowlock.spec.model import LocatedText, SkipIf, Spec, Step, environment, references
from flowlock_core.schema import Parameter, TaskSignature

# Names that workflow.py defines or imports itself.
OWN_NAMES = {"Any", "Steps", "step", "env", "run_alone", "SKIP_CONDITIONS"}


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedStep:
    """A step, its id, its task, and the variable that holds its result if another step uses it."""

    step: Step
    id: str
    task: TaskSignature
    variable: str | None
    skipif: SkipIf | None

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters that the parameters file sets: neither bound by the spec, nor wired, nor hidden."""
        bound = filled(self.step)
        shown = [parameter for parameter in self.task.parameters if not (parameter.wired or parameter.hidden)]
        return tuple(parameter for parameter in shown if parameter.name not in bound)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A workflow that is ready to be written as a package."""

    spec: Spec
    id: str
    function: str
    steps: tuple[PlannedStep, ...]
    variables: Mapping[str, str]
    imports: Mapping[tuple[str, str], str]
    conditions: Mapping[str, TaskSignature]

    @property
    def distribution(self) -> str:
        """The generated package's name."""
        return workflow_distribution(self.id)

    @property
    def package(self) -> str:
        """The generated package's import name."""
        return import_name(self.distribution)

    @property
    def uses_environment(self) -> bool:
        """Whether a value comes from an environment variable."""
        values = [value for planned in self.steps for value in planned.step.values]
        return any(list(environment(value)) for value in values)

    def called(self, task: TaskSignature) -> str:
        """Return the name that a task is imported under."""
        return self.imports[task.module, task.function]


def plan(spec: Spec, scope: Scope) -> Plan:
    """Resolve the tasks and choose the names of a spec that has no problems."""
    assert spec.id is not None  # noqa: S101 - the rules have checked it
    conditions = _conditions(spec, scope)
    tasks = [_task(scope, step.task) for step in spec.steps]
    used = {(task.module, task.function) for task in (*tasks, *conditions.values())}
    names = Identifiers(OWN_NAMES)
    imports = {key: names.exact(key[1]) for key in sorted(used)}
    function = names.local(spec.id.value)
    referenced = _referenced_steps(spec)
    steps, variables = [], {}
    for step, task in zip(spec.steps, tasks, strict=True):
        assert step.id is not None  # noqa: S101 - the rules have checked it
        name = step.id.value
        if name in referenced:
            variables[name] = names.local(name)
        variable, skipif = variables.get(name), step.skipif or spec.skipif
        steps.append(PlannedStep(step=step, id=name, task=task, variable=variable, skipif=skipif))
    return Plan(
        spec=spec,
        id=spec.id.value,
        function=function,
        steps=tuple(steps),
        variables=variables,
        imports=imports,
        conditions=conditions,
    )


def _referenced_steps(spec: Spec) -> set[str]:
    """Return the ids of the steps whose results other steps use."""
    values = (value for step in spec.steps for value in step.values)
    return {reference.step for value in values for reference in references(value)}


def _conditions(spec: Spec, scope: Scope) -> dict[str, TaskSignature]:
    """Return the skip conditions that apply to any step; the spec's own apply to steps without any."""
    applied = [step.skipif for step in spec.steps if step.skipif]
    if spec.skipif and len(applied) < len(spec.steps):
        applied.insert(0, spec.skipif)
    return {text.value: _task(scope, text) for skipif in applied for text in skipif.conditions}


def _task(scope: Scope, text: LocatedText | None) -> TaskSignature:
    task = scope.task(text)
    if task is None:
        raise ValueError(f"the spec was not checked: {text} is not a task")
    return task


class Identifiers:
    """Names in generated code: each is free when it is given, and none shadows an import or a builtin."""

    def __init__(self, taken: set[str]) -> None:
        self._taken = set(taken)

    def local(self, wish: str) -> str:
        """Return a lower case name that looks like the wish; `_`, `_2` and so on make it free."""
        base = re.sub(r"\W", "_", wish, flags=re.ASCII).lower().strip("_") or "value"
        base = f"value_{base}" if base[0].isdigit() else base
        is_reserved = keyword.iskeyword(base) or keyword.issoftkeyword(base) or hasattr(builtins, base)
        return self.exact(f"{base}_" if is_reserved else base)

    def exact(self, wish: str) -> str:
        """Return the wish, or the wish with a number if it is taken."""
        name, number = wish, 1
        while name in self._taken:
            number += 1
            name = f"{wish}_{number}"
        self._taken.add(name)
        return name
