"""Literal values of specs and parameter files, compared with the types of their parameters.

The rules are those of a run (pydantic), and no value may change its kind silently: the text "5" is not a
number, though pydantic would make one of it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self, TypeAlias

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from flowlock_core.arguments import Argument, Arguments, arguments_of
from flowlock_core.connections import NAMES_ONLY
from flowlock_core.errors import Problem
from flowlock_core.foreign import ForeignError, call_foreign
from flowlock_core.parameters.params import parts_of
from flowlock_core.refusals import problems_of
from flowlock_core.registry import Registration

Path: TypeAlias = tuple[str | int, ...]

# They depend on the machine and the folder of the run, not on the value.
_OF_THE_MACHINE = frozenset(("path_not_file", "path_not_directory", "path_exists", "path_not_socket"))
# The settings of a connection are those of the run's machine.
_CONTEXT = {NAMES_ONLY: True}


@dataclass(frozen=True, kw_only=True, slots=True)
class LiteralCheck:
    """A literal for a parameter of the tasks of one name, as JSON with null where `holes` lead.

    A hole is filled by a result or an environment variable; it is not checked.
    """

    task: str
    parameter: str
    value: str
    holes: tuple[Path, ...] = ()

    @classmethod
    def of(cls, task: str, parameter: str, value: Any, holes: Sequence[Path] = ()) -> Self:
        """Return the check about a value; equal values give equal checks."""
        return cls(task=task, parameter=parameter, value=json.dumps(value), holes=tuple(holes))

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Return the check that `as_json` wrote."""
        return cls(**{**document, "holes": tuple(map(tuple, document["holes"]))})

    def as_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        holes = [list(hole) for hole in self.holes]
        return {"task": self.task, "parameter": self.parameter, "value": self.value, "holes": holes}


class RefusalKind(StrEnum):
    """What is refused: a value, or a key of a mapping."""

    VALUE = "value"
    MISSING_KEY = "missing key"
    UNKNOWN_KEY = "unknown key"


_CODES = {RefusalKind.VALUE: "FL728", RefusalKind.MISSING_KEY: "FL727", RefusalKind.UNKNOWN_KEY: "FL725"}
_KINDS_OF_KEYS = {"FL727": RefusalKind.MISSING_KEY, "FL725": RefusalKind.UNKNOWN_KEY}


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """Why a value, or a part of it, is refused; the path of a key ends with the key."""

    kind: RefusalKind
    path: tuple[str, ...]
    message: str
    hint: str | None = None

    def problem(self, parameter: str) -> Problem:
        """Return the problem that a run has with the value, as a parameter's."""
        path = ".".join((parameter, *self.path))
        return Problem(code=_CODES[self.kind], message=self.message, parameter=path, hint=self.hint)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Return the refusal that `as_json` wrote."""
        kind = RefusalKind(document["kind"])
        return cls(**{**document, "kind": kind, "path": tuple(document["path"])})

    def as_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {"kind": self.kind, "path": list(self.path), "message": self.message, "hint": self.hint}


def check_literal(check: LiteralCheck, registration: Registration) -> list[Refusal] | None:
    """Check a literal against a registered task; None if the task cannot be imported."""
    arguments = call_foreign(lambda: arguments_of(registration.load().func))
    if isinstance(arguments, ForeignError):
        # The description of the tasks says why.
        return None
    return refusals_of(arguments, check)


def refusals_of(arguments: Arguments, check: LiteralCheck) -> list[Refusal]:
    """Return the problems of a literal; nothing if the parameter's type cannot decide that."""
    argument = arguments.by_name.get(check.parameter)
    if argument is None:
        return []
    value = json.loads(check.value)
    problems = call_foreign(lambda: _problems_of_literal(argument, value, check))
    if isinstance(problems, ForeignError):
        # A validator may need what only a run has, such as a server: the run decides.
        return []
    refused = [_LocatedProblem.of(problem, value) for problem in problems]
    certain = [located for located in refused if not located.may_be_about(check.holes)]
    return [located.refusal for located in _without_other_choices(certain)]


def _problems_of_literal(argument: Argument, value: Any, check: LiteralCheck) -> list[Problem]:
    filled = value
    for hole in check.holes:
        filled = _replaced(filled, hole)
    try:
        checked = argument.adapter.validate_python(filled, context=_CONTEXT)
    except ValidationError as error:
        return _problems(argument, filled, error)
    return [] if check.holes else argument.silent_changes(value, checked, _CONTEXT)


class _Hole:
    """Stands for a value that is known only in a run."""


def _replaced(value: Any, path: Path) -> Any:
    if not path:
        return _Hole()
    first, *rest = path
    if isinstance(value, list):
        return [_replaced(item, tuple(rest)) if index == first else item for index, item in enumerate(value)]
    return {key: _replaced(item, tuple(rest)) if key == first else item for key, item in value.items()}


def _problems(argument: Argument, value: Any, error: ValidationError) -> list[Problem]:
    """Return the problems of a value; nothing if that depends on the machine or on what it names."""
    items = error.errors(include_url=False)
    if any(item["type"] in _OF_THE_MACHINE or _is_failed_lookup(item, value) for item in items):
        return []
    return problems_of(argument.name, error)


def _is_failed_lookup(item: ErrorDetails, value: Any) -> bool:
    """Return whether a validator failed to look up what a value names.

    A connection is given by its name: its settings are in the environment of the run, and missing here.
    """
    for part in item["loc"]:
        value = dict(_inner(value)).get(str(part), value)
    return item["type"] == "missing" and not isinstance(value, Mapping)


@dataclass(frozen=True, kw_only=True, slots=True)
class _LocatedProblem:
    """A problem of a value: which part of the value it is about, and at which parts a union has a choice."""

    problem: Problem
    path: tuple[str, ...]
    unions: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, problem: Problem, value: Any) -> Self:
        """Follow a problem's path; what does not lead into the value names a choice of a union."""
        path: list[str] = []
        unions: list[tuple[str, ...]] = []
        for part in parts_of(problem.parameter or "")[1:]:
            inner = dict(_inner(value))
            if part in inner:
                path.append(part)
                value = inner[part]
            elif problem.code not in _KINDS_OF_KEYS:
                unions.append(tuple(path))
        return cls(problem=problem, path=tuple(path), unions=tuple(unions))

    @property
    def refusal(self) -> Refusal:
        """Return whether a problem is at the same location; for a key, whether or not the key exists."""
        problem, path = self.problem, self.path
        key = parts_of(problem.parameter or "")[-1]
        kind = _KINDS_OF_KEYS.get(problem.code, RefusalKind.VALUE)
        if kind is not RefusalKind.VALUE and path[-1:] != (key,):
            path = (*path, key)
        return Refusal(kind=kind, path=path, message=problem.message, hint=problem.hint)

    def may_be_about(self, holes: Sequence[Path]) -> bool:
        """Return whether the value might be right once the holes are filled."""
        for hole in holes:
            way = tuple(map(str, hole))
            if self.path[: len(way)] == way or way[: len(self.path)] == self.path:
                return True
            if any(way[: len(union)] == union for union in self.unions):
                return True
        return False

    def is_deepest(self, deepest: Mapping[tuple[str, ...], int]) -> bool:
        """Return whether no other choice of its unions goes further into the value."""
        return all(len(self.path) == deepest[union] for union in self.unions)


def _without_other_choices(refused: Sequence[_LocatedProblem]) -> list[_LocatedProblem]:
    """Keep of the choices of a union those that take a value of this kind, and refuse something inside."""
    deepest: dict[tuple[str, ...], int] = {}
    for located in refused:
        for union in located.unions:
            deepest[union] = max(deepest.get(union, 0), len(located.path))
    kept = [located for located in refused if located.is_deepest(deepest)]
    return _one_for_each_value(kept)


def _one_for_each_value(refused: Sequence[_LocatedProblem]) -> list[_LocatedProblem]:
    """Make one problem of those that the choices of a union have with the same value."""
    by_path: dict[tuple[str, ...], _LocatedProblem] = {}
    for located in refused:
        first = by_path.get(located.path)
        if first is None or not located.unions:
            by_path.setdefault(located.path, located)
        elif located.problem.message not in first.problem.message:
            message = f"{first.problem.message}; or {located.problem.message}"
            by_path[located.path] = replace(first, problem=replace(first.problem, message=message))
    return list(by_path.values())


def _inner(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list):
        yield from ((str(index), item) for index, item in enumerate(value))
