"""A workflow as data: the same function that runs is called once to record its steps."""

import inspect
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from flowlock_core.errors import WorkflowError
from flowlock_core.execute.policy import DEFAULT_POLICY, Policy
from flowlock_core.execute.protocol import Workflow
from flowlock_core.task import Task, argument_names


@dataclass(frozen=True, slots=True)
class Ref:
    """Stands for the result of a step."""

    step: str


@dataclass(frozen=True, slots=True)
class EnvRef:
    """Stands for an environment variable."""

    name: str


class Method(Enum):
    """How often a step runs its task."""

    CALL = "call"
    MAP = "map"
    MAPVALUES = "mapvalues"


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedStep:
    """One step: what the spec says about it, with `Ref` where it says `${{ workflow.<id>.return }}`."""

    id: str
    task: Task[..., Any]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    method: Method = Method.CALL
    argnames: tuple[str, ...] = ()
    argvalues: Any = None
    conditions: tuple[Task[..., Any], ...] = ()
    unpack_depth: int = 1
    policy: Policy = DEFAULT_POLICY

    def dependencies(self) -> dict[str, bool]:
        """Return the ids of the steps that this one needs; True for those that it maps over."""
        needed = dict.fromkeys(refs_in(self.arguments), False)
        return needed if self.argvalues is None else needed | dict.fromkeys(refs_in(self.argvalues), True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A workflow's steps in their order, and its description."""

    title: str
    steps: tuple[PlannedStep, ...]
    result: Any

    def step(self, step_id: str) -> PlannedStep:
        """Return a step by its id; KeyError if there is none."""
        return next(step for step in self.steps if step.id == step_id)


# What is neither a reference nor holds one: most values, and so looked at first.
PLAIN = frozenset((type(None), bool, int, float, str))
# A dict is one of the abstract class too, but asking for that costs many times as much.
_MAPPINGS = (dict, Mapping)


def refs_in(value: Any) -> Iterator[str]:
    """Yield the step ids that a value refers to, at any depth, in their order."""
    if isinstance(value, Ref):
        yield value.step
        return
    items: Iterable[Any] = ()
    if isinstance(value, _MAPPINGS):
        items = value.values()
    elif isinstance(value, list | tuple):
        items = value
    for item in items:
        if type(item) not in PLAIN:
            yield from refs_in(item)


def resolved(value: Any, results: Mapping[str, Any]) -> Any:
    """Return a value of the plan with results where it refers to them."""
    if type(value) in PLAIN:
        return value
    if isinstance(value, Ref):
        return results[value.step]
    if isinstance(value, EnvRef):
        return env(value.name)
    if isinstance(value, _MAPPINGS):
        return {key: item if type(item) in PLAIN else resolved(item, results) for key, item in value.items()}
    if isinstance(value, list | tuple):
        items = [resolved(item, results) for item in value]
        return items if isinstance(value, list) else tuple(items)
    return value


def env_refs_in(value: Any) -> Iterator[str]:
    """Yield the environment variables that a value refers to, at any depth."""
    if isinstance(value, EnvRef):
        yield value.name
    elif isinstance(value, _MAPPINGS):
        for item in value.values():
            yield from env_refs_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from env_refs_in(item)


_tracing: ContextVar[bool] = ContextVar("flowlock_tracing", default=False)


def env(name: str) -> Any:
    """Return an environment variable; a WorkflowError if it is not set."""
    if _tracing.get():
        return EnvRef(name)
    value = os.environ.get(name)
    if value is None:
        raise WorkflowError(
            f"the environment variable {name} is not set",
            code="FL729",
            hint=f"set it, for example: export {name}=…",
        )
    return value


def trace(main: Workflow) -> Plan:
    """Record the steps of a workflow without running a task.

    A debugger does not see this: breakpoints are meant for the run, where variables hold results.
    """
    tracer = _Tracer()
    token = _tracing.set(True)
    debugger = sys.gettrace()
    sys.settrace(None)
    try:
        result = main(tracer)
    finally:
        sys.settrace(debugger)
        _tracing.reset(token)
    title = inspect.cleandoc(main.__doc__ or "").partition("\n")[0]
    return Plan(title=title, steps=tuple(tracer.steps), result=result)


class _Tracer:
    def __init__(self) -> None:
        self.steps: list[PlannedStep] = []

    def __call__(self, task: Task[..., Any], step_id: str, /) -> "_TracedStep":
        return _TracedStep(self, PlannedStep(id=step_id, task=task, arguments=dict(task.arguments)))


@dataclass(frozen=True, slots=True)
class _TracedStep:
    tracer: _Tracer
    planned: PlannedStep

    def partial(self, **arguments: Any) -> "_TracedStep":
        planned = replace(self.planned, arguments={**self.planned.arguments, **arguments})
        return replace(self, planned=planned)

    def skipif(self, conditions: Sequence[Task[..., Any]], *, unpack_depth: int = 1) -> "_TracedStep":
        planned = replace(self.planned, conditions=tuple(conditions), unpack_depth=unpack_depth)
        return replace(self, planned=planned)

    def policy(self, **settings: Any) -> "_TracedStep":
        return replace(self, planned=replace(self.planned, policy=Policy(**settings)))

    def call(self) -> Ref:
        return self._record(self.planned)

    def map(self, argnames: str | Sequence[str], argvalues: Any) -> Ref:
        return self._record_map(Method.MAP, argnames, argvalues)

    def mapvalues(self, argnames: str | Sequence[str], argvalues: Any) -> Ref:
        return self._record_map(Method.MAPVALUES, argnames, argvalues)

    def _record_map(self, method: Method, argnames: str | Sequence[str], argvalues: Any) -> Ref:
        names = argument_names(argnames)
        return self._record(replace(self.planned, method=method, argnames=names, argvalues=argvalues))

    def _record(self, planned: PlannedStep) -> Ref:
        self.tracer.steps.append(planned)
        return Ref(planned.id)
