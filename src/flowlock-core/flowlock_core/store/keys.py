"""The key of a call: everything that its result depends on, by digest; nothing is loaded to know it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, get_args, runtime_checkable

from flowlock_core.arguments import ArgumentError, arguments_of
from flowlock_core.execute.options import Options
from flowlock_core.execute.plan import EnvRef, PlannedStep, Ref, env, env_refs_in, refs_in, resolved
from flowlock_core.execute.record import RunLog
from flowlock_core.store.code import code_identity
from flowlock_core.store.digest import digest, digest_of_parts
from flowlock_core.store.errors import NotCachedError, UndigestibleError
from flowlock_core.store.folder import StoreFolder
from flowlock_core.store.inputs import contents_digest
from flowlock_core.store.result import Result
from flowlock_core.task import Task
from flowlock_core.types import InputFile, InputPath

# Raised when keys mean something else than before.
KEY_SCHEMA = "1"
RANDOM_TAG = "random"
IO_TAG = "io"
_OWN_CODE = "flowlock_core"
# What the types of files that are read are marked with.
_NOTES_INPUTS = (get_args(InputPath)[1], get_args(InputFile)[1])

Parts = dict[str, str]


@runtime_checkable
class Identified(Protocol):
    """A checked argument that stands for something outside, as the settings of a connection do.

    A step that takes one is kept under its identity, in JSON and without secrets, and never under its name;
    without an identity (None) the step is not kept.
    """

    def identity(self) -> Mapping[str, Any] | None:
        """Return what tells this source from others."""
        ...


def key_of(parts: Parts) -> str:
    """Return the key of a call."""
    return digest_of_parts("key", [f"{name}={value}" for name, value in sorted(parts.items())])


class KeyMaker:
    """Makes the parts of keys for the steps of a run."""

    def __init__(self, folder: StoreFolder, options: Options, log: RunLog) -> None:
        self._folder, self._options, self._log = folder, options, log

    def step_parts(
        self, step: PlannedStep, arguments: Mapping[str, Any], results: Mapping[str, Result]
    ) -> Parts:
        """Return what all calls of a step depend on; NotCachedError explains why none is kept."""
        task = step.task
        if not step.policy.cache:
            raise NotCachedError("the spec has `cache: false` for it")
        if RANDOM_TAG in task.tags:
            raise NotCachedError("its task is tagged `random`")
        parts = _code_parts(step)
        for name, value in arguments.items():
            parts |= self._argument_parts(step, name, value, results)
        mapped = [self._names_outside(step, name) for name in step.argnames]
        outside = any(part.startswith(("file ", "connection ")) for part in parts)
        if IO_TAG in task.tags and not outside and not any(mapped):
            raise NotCachedError("its task reads external data, but no argument identifies it")
        return parts

    def element_parts(self, step: PlannedStep, values: Mapping[str, Result]) -> Parts:
        """Return what one call of a map depends on in addition."""
        parts: Parts = {}
        for name, result in values.items():
            parts[f"argument {name}"] = _digest_of(name, result)
            if result.is_light or self._names_outside(step, name):
                parts |= self._outside_parts(step, name, result.get())
        return parts

    def _argument_parts(
        self, step: PlannedStep, name: str, value: Any, results: Mapping[str, Result]
    ) -> Parts:
        structure = _with_digests(name, value, results)
        parts = {f"argument {name}": digest(structure)}
        needed = list(refs_in(value))
        if needed and not self._names_outside(step, name):
            return parts
        values = {ref: results[ref].get() for ref in needed}
        return parts | self._outside_parts(step, name, resolved(value, values))

    def _names_outside(self, step: PlannedStep, name: str) -> bool:
        """Return whether an argument may name a file that is read."""
        argument = arguments_of(step.task.func).by_name.get(name)
        return argument is not None and _mentions_input(argument.annotation)

    def _outside_parts(self, step: PlannedStep, name: str, value: Any) -> Parts:
        """Return what an argument names outside of the workflow: contents of files, identities."""
        context = self._log.validation(step.id, self._options.base, mock_io=self._options.mock_io)
        # All that a step names is noted; those of this argument count here.
        noted, inputs = context["inputs"], set[Path]()
        context["inputs"] = inputs
        try:
            checked = arguments_of(step.task.func).check({name: value}, context)
        except ArgumentError as error:
            # The call will tell it.
            raise NotCachedError("its arguments are not valid") from error
        noted |= inputs
        parts = {f"file {path}": contents_digest(path, self._folder) for path in sorted(inputs)}
        for identified in _identified_in(checked[name]):
            identity = identified.identity()
            if identity is None:
                raise NotCachedError(f"its connection `{name}` has no identity")
            parts[f"connection {name}"] = digest(dict(identity))
        return parts


def _code_parts(step: PlannedStep) -> Parts:
    task, conditions = step.task, step.conditions
    parts = {"schema": KEY_SCHEMA, "task": _function_name(task)}
    tops = {used.func.__module__.partition(".")[0] for used in (task, *conditions)}
    for top in {_OWN_CODE, *tops}:
        parts[f"code of {top}"] = code_identity(top)
    if conditions:
        parts["conditions"] = digest([list(map(_function_name, conditions)), step.unpack_depth])
    return parts


def _function_name(task: Task[..., Any]) -> str:
    return f"{task.func.__module__}:{task.func.__qualname__}"


def _identified_in(value: Any) -> Iterator[Identified]:
    if isinstance(value, list | tuple):
        for item in value:
            yield from _identified_in(item)
    elif isinstance(value, Identified) and not isinstance(value, type):
        yield value


def _mentions_input(annotation: Any) -> bool:
    if any(annotation is marker for marker in _NOTES_INPUTS):
        return True
    parts = (*getattr(annotation, "__metadata__", ()), *get_args(annotation))
    return any(map(_mentions_input, parts))


def _with_digests(name: str, value: Any, results: Mapping[str, Result]) -> Any:
    """Return a value of the plan in which digests stand for results, under a type that no value has."""
    if isinstance(value, Ref):
        return ("result", _digest_of(name, results[value.step]))
    if isinstance(value, EnvRef):
        return ("variable", env(value.name))
    if isinstance(value, Mapping):
        return ("mapping", {key: _with_digests(name, item, results) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return (type(value).__name__, [_with_digests(name, item, results) for item in value])
    return ("literal", value)


def _digest_of(name: str, result: Result) -> str:
    try:
        return result.digest
    except UndigestibleError as error:
        raise NotCachedError(f"its argument `{name}` has no digest: {error}") from error


def secret_parts(step: PlannedStep) -> set[str]:
    """Return the parts that no record holds: a variable of the environment may be a secret, and guessed."""
    return {f"argument {name}" for name, value in step.arguments.items() if any(env_refs_in(value))}
