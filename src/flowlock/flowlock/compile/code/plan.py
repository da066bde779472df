"""A checked spec with its tasks looked up and its names chosen: what every generated file is made from."""

import builtins
import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from flowlock.names import import_name
from flowlock.spec.catalog import Scope, filled
from flowlock.spec.model import SkipIf, Spec, Step, Text, environment, references
from flowlock_core.schema import Parameter, TaskSignature

# Names that workflow.py has of its own.
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
        """What the parameters file gives: neither bound by the spec, nor wired, nor hidden."""
        given = filled(self.step)
        shown = [one for one in self.task.parameters if not one.wired and not one.hidden]
        return tuple(one for one in shown if one.name not in given)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A workflow about to be written."""

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
        return f"flowlock-{canonicalize_name(self.id)}-workflow"

    @property
    def package(self) -> str:
        """The generated package's import name."""
        return import_name(self.distribution)

    @property
    def uses_environment(self) -> bool:
        """Whether a value comes from an environment variable."""
        return any(True for one in self.steps for value in one.step.values for _ in environment(value))

    def called(self, task: TaskSignature) -> str:
        """Return the name that a task is imported under."""
        return self.imports[task.module, task.function]


def plan(spec: Spec, scope: Scope) -> Plan:
    """Look up tasks and choose names for a spec that has no problems."""
    assert spec.id is not None  # noqa: S101 - the rules have seen to it
    conditions = _conditions(spec, scope)
    tasks = [_task(scope, step.task) for step in spec.steps]
    used = {(one.module, one.function) for one in (*tasks, *conditions.values())}
    names = Identifiers(OWN_NAMES)
    imports = {key: names.exact(key[1]) for key in sorted(used)}
    function = names.local(spec.id.value)
    wanted = {found.step for step in spec.steps for value in step.values for found in references(value)}
    steps, variables = [], {}
    for step, task in zip(spec.steps, tasks, strict=True):
        assert step.id is not None  # noqa: S101 - the rules have seen to it
        name = step.id.value
        if name in wanted:
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


def _conditions(spec: Spec, scope: Scope) -> dict[str, TaskSignature]:
    own = [step.skipif for step in spec.steps if step.skipif]
    default = [spec.skipif] if spec.skipif and any(not step.skipif for step in spec.steps) else []
    return {text.value: _task(scope, text) for skipif in (*default, *own) for text in skipif.conditions}


def _task(scope: Scope, text: Text | None) -> TaskSignature:
    found = scope.task(text)
    if found is None:
        raise ValueError(f"the spec was not checked: {text} is no task")
    return found


class Identifiers:
    """Names in generated code: each is free when it is given, and none shadows an import or a builtin."""

    def __init__(self, taken: set[str]) -> None:
        self._taken = set(taken)

    def local(self, wish: str) -> str:
        """Return a lower case name that looks like the wish; `_`, `_2` and so on make it free."""
        base = re.sub(r"\W", "_", wish, flags=re.ASCII).lower().strip("_") or "value"
        base = f"value_{base}" if base[0].isdigit() else base
        return self.exact(f"{base}_" if _reserved(base) else base)

    def exact(self, wish: str) -> str:
        """Return the wish, or the wish with a number if it is taken."""
        name, number = wish, 1
        while name in self._taken:
            number += 1
            name = f"{wish}_{number}"
        self._taken.add(name)
        return name


def _reserved(name: str) -> bool:
    return keyword.iskeyword(name) or keyword.issoftkeyword(name) or hasattr(builtins, name)
