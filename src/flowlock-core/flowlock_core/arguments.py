"""Check and coerce a task's arguments with pydantic; adapters are made once per function and parameter."""

import inspect
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, time
from functools import cache, cached_property
from itertools import repeat
from typing import Annotated, Any, get_origin, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from flowlock_core.connections import ConnectionSettings, connection_of
from flowlock_core.documents import times
from flowlock_core.errors import Problem, nearest
from flowlock_core.refusals import problems_of_value
from flowlock_core.refusals.sentences import KIND_ERROR

_CONFIG = ConfigDict(arbitrary_types_allowed=True)
# What pydantic reports in strict mode about a value that it would convert otherwise.
_KINDS = frozenset(
    (
        "bool_type",
        "int_type",
        "float_type",
        "string_type",
        "date_type",
        "datetime_type",
        "time_type",
        "time_delta_type",
    )
)
# Choices of a union that no literal can be, and so say nothing about a literal.
_NOT_LITERAL = frozenset(
    ("needs_python_object", "is_instance_of", "is_subclass_of", "callable_type", "none_required", KIND_ERROR)
)
# Types that carry their own configuration (models, TypedDicts) refuse another.
_OWN_CONFIG = "type-adapter-config-unused"


class ArgumentError(Exception):
    """Arguments that do not fit a task: every problem, with the path of each value inside the arguments."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class Argument:
    """One parameter of a task's function."""

    def __init__(self, name: str, annotation: Any, default: Any) -> None:
        if isinstance(default, FieldInfo):
            annotation, default = Annotated[annotation, default], inspect.Parameter.empty
        self.name = name
        self.annotation = annotation
        self.field: FieldInfo | None = None
        if get_origin(annotation) is Annotated:
            self.field = FieldInfo.from_annotation(annotation)
        self.description = None if self.field is None else self.field.description
        self.given_default = default is not inspect.Parameter.empty
        field_default = PydanticUndefined if self.field is None else self.field.get_default()
        # A default that only pydantic knows must be passed: the function has none.
        self.extra_default = not self.given_default and field_default is not PydanticUndefined
        self.default = default if self.given_default else field_default
        self.required = not self.given_default and not self.extra_default

    @cached_property
    def connection(self) -> type[ConnectionSettings] | None:
        """The settings that are meant, if the parameter is given as the name of a connection."""
        return connection_of(self.annotation)

    @cached_property
    def adapter(self) -> TypeAdapter[Any]:
        """The pydantic adapter of the annotation."""
        try:
            return TypeAdapter(self.annotation, config=_CONFIG)
        except Exception as error:
            if getattr(error, "code", None) != _OWN_CONFIG:
                raise
            return TypeAdapter(self.annotation)

    @cached_property
    def check(self) -> Callable[..., Any]:
        """Check and coerce a value as `adapter.validate_python` does, in a third of its time."""
        return self.adapter.validator.validate_python

    def problems(self, value: Any, context: Any) -> list[Problem]:
        """Check one value of a spec or a parameters file by itself."""
        try:
            checked = self.adapter.validate_python(value, context=context)
        except ValidationError as error:
            return problems_of_value(self.name, value, error)
        return self.silent_changes(value, checked, context)

    def silent_changes(self, value: Any, checked: Any, context: Any = None) -> list[Problem]:
        """Return where pydantic made another value of one that it accepted, as a number of a text.

        `checked` is what it made. A value that is not plain JSON comes from a step, and is left alone.
        """
        try:
            text = json.dumps(value)
        except (TypeError, ValueError):
            return []
        return self._changes_of_kind(value, text, context) or self._wrong_times(value, checked)

    def _changes_of_kind(self, value: Any, text: str, context: Any) -> list[Problem]:
        try:
            self.adapter.validate_json(text, strict=True, context=context)
        except ValidationError as error:
            types = {item["type"] for item in error.errors(include_url=False)}
            if types & _KINDS and types <= _KINDS | _NOT_LITERAL:
                return problems_of_value(self.name, value, error)
        return []

    def _wrong_times(self, value: Any, checked: Any) -> list[Problem]:
        """Return the plain values that became times and do not name one.

        pydantic reads numbers, and texts of digits, as seconds since 1970, and cuts digits after
        microseconds, in strict mode too.
        """
        plain = self.adapter.dump_python(checked, by_alias=True, warnings=False)
        problems = []
        for path, item, coerced in _leaves(value, plain):
            reason = times.refusal_of(item) if isinstance(coerced, date | time) else None
            if reason:
                parameter = ".".join((self.name, *path))
                problems.append(Problem(code="FL728", message=reason, parameter=parameter))
        return problems


def _leaves(
    value: Any, checked: Any, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Yield path, plain value and what became of it, for each part of a value that is not a container."""
    if isinstance(value, Mapping) and isinstance(checked, Mapping):
        for key in value.keys() & checked.keys():
            yield from _leaves(value[key], checked[key], (*path, str(key)))
    elif isinstance(value, list) and isinstance(checked, Collection) and not isinstance(checked, str | bytes):
        # The items of a set have no order, but one type.
        items = repeat(next(iter(checked), None)) if isinstance(checked, AbstractSet) else checked
        for index, (item, coerced) in enumerate(zip(value, items, strict=False)):
            yield from _leaves(item, coerced, (*path, str(index)))
    else:
        yield path, value, checked


class Arguments:
    """The parameters of a task's function, by name."""

    def __init__(self, func: Callable[..., Any]) -> None:
        hints = get_type_hints(func, include_extras=True)
        positional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        self.returns: Any = hints.get("return", Any)
        self.by_name = {
            name: Argument(name, hints.get(name, Any), parameter.default)
            for name, parameter in inspect.signature(func).parameters.items()
            if parameter.kind not in positional
        }
        self._required = tuple(name for name, argument in self.by_name.items() if argument.required)
        self._extra = {a.name: a.default for a in self.by_name.values() if a.extra_default}

    def validate(
        self, values: Mapping[str, Any], context: Any = None, *, given: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Return the arguments to call the function with; an ArgumentError holds every problem.

        `given` are names whose values come later, and need not be there.
        """
        checked = {**self._extra, **self.check(values, context)}
        missing = [name for name in self._required if name not in checked and name not in given]
        unknown = [name for name in given if name not in self.by_name]
        if missing or unknown:
            raise ArgumentError([*map(self.missing, missing), *map(self.unknown, unknown)])
        return checked

    def check(self, values: Mapping[str, Any], context: Any = None) -> dict[str, Any]:
        """Return some of the arguments, checked and coerced, without asking for those that are absent."""
        checked: dict[str, Any] = {}
        problems: list[Problem] = []
        for name, value in values.items():
            argument = self.by_name.get(name)
            if argument is None:
                problems.append(self.unknown(name))
                continue
            try:
                checked[name] = argument.check(value, context=context)
            except ValidationError as error:
                problems.extend(problems_of_value(name, value, error))
        if problems:
            raise ArgumentError(problems)
        return checked

    def missing(self, name: str) -> Problem:
        """Return the problem that a required parameter has no value; the hint describes the parameter."""
        return missing_parameter(name, self.by_name[name].description)

    def unknown(self, name: str) -> Problem:
        """Report that there is no parameter of that name, and which there are."""
        return unknown_parameter(name, list(self.by_name))


def missing_parameter(name: str, description: str | None) -> Problem:
    """Return the problem of a required parameter without a value."""
    return Problem(code="FL727", message="a value is required", parameter=name, hint=description)


def unknown_parameter(name: str, parameters: Sequence[str]) -> Problem:
    """Return the problem of a name that no parameter of a task has."""
    listed = f"the parameters are {', '.join(parameters)}" if parameters else "the task has no parameters"
    hint = nearest(name, parameters) or listed
    return Problem(code="FL725", message="unknown parameter", parameter=name, hint=hint)


@cache
def arguments_of(func: Callable[..., Any]) -> Arguments:
    """Return what a function takes; its annotations are resolved once."""
    return Arguments(func)
