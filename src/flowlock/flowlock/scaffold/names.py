"""The names that new packages, tasks and workflows may have, and what to use instead."""

import re
import sys
from collections.abc import Callable, Collection, Sequence

from flowlock.errors import FlowlockError
from flowlock.names import TaskId

_DISTRIBUTION = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_TASK = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
LONGEST, LONGEST_ID = 50, 32


def require_distribution(name: str, what: str, *, longest: int = LONGEST) -> str:
    """Return the name of a workspace, a package or a location; a FlowlockError suggests one that is valid."""
    fault = _fault_of_distribution(name, longest)
    if fault is None:
        return name
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-0123456789")[:longest].strip("-")
    hint = _suggestion((words, f"my-{words}"), lambda other: _fault_of_distribution(other, longest) is None)
    raise FlowlockError(f"`{name}` is not a valid {what} name: {fault}", code="FL306", hint=hint)


def _fault_of_distribution(name: str, longest: int) -> str | None:
    if not _DISTRIBUTION.fullmatch(name) or len(name) > longest:
        return f"use lower case letters, digits and `-` after a letter, at most {longest} characters"
    if name.replace("-", "_") in sys.stdlib_module_names:
        return "a module of Python has this name"
    return None


def require_task(name: str) -> str:
    """Return the name of a task, which is that of a module and a function, in lower case as PEP 8 asks."""
    fault = _fault_of_task(name)
    if fault is None:
        return name
    # MeanLevel is mean_level.
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    words = re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_0123456789")[:LONGEST_ID].strip("_")
    hint = _suggestion((words, f"{words}_task"), lambda other: _fault_of_task(other) is None)
    raise FlowlockError(f"`{name}` is not a valid task name: {fault}", code="FL346", hint=hint)


def _fault_of_task(name: str) -> str | None:
    if not _TASK.fullmatch(name):
        return "use lower case letters, digits and `_` after a letter"
    return _fault_of_id(name)


def require_workflow(name: str, tasks: Collection[str]) -> str:
    """Return the id of a workflow of this name, in which `-` is `_`; it is not that of one of the tasks."""
    id_ = name.replace("-", "_")
    fault = _fault_of_workflow(id_, tasks)
    if fault is None:
        return id_
    words = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_0123456789")[:LONGEST_ID].strip("_")
    hint = _suggestion((words, f"{words}_workflow"), lambda other: _fault_of_workflow(other, tasks) is None)
    raise FlowlockError(f"a workflow cannot have this name: {fault}", code="FL346", hint=hint)


def _fault_of_workflow(id_: str, tasks: Collection[str]) -> str | None:
    return f"`{id_}` is the name of a task" if id_ in tasks else _fault_of_id(id_)


def _fault_of_id(name: str) -> str | None:
    try:
        TaskId(name)
    except ValueError as error:
        return str(error)
    return None


def _suggestion(names: Sequence[str], is_valid: Callable[[str], bool]) -> str:
    """Return a hint with the first of the names that is valid itself; none if the first is empty."""
    valid = next(filter(is_valid, names), None) if names[0] else None
    return f"choose another name, for example `{valid}`" if valid else "choose another name"
