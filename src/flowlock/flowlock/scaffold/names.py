"""The names that new packages, tasks and workflows may have, and what to use instead."""

import keyword
import re
from collections.abc import Collection

from flowlock.errors import FlowlockError
from flowlock.names import TaskId

_DISTRIBUTION = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
LONGEST = 50


def require_distribution(name: str, what: str, *, longest: int = LONGEST) -> str:
    """Return the name of a workspace, a package or a location; a FlowlockError suggests one that is valid."""
    if _DISTRIBUTION.fullmatch(name) and len(name) <= longest:
        return name
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-0123456789")[:longest].strip("-")
    raise FlowlockError(
        f"`{name}` is not a valid {what} name: use lower case letters, digits and `-` after a letter, "
        f"at most {longest} characters",
        code="FL306",
        hint=f"choose another name, for example `{words}`" if words else "choose another name",
    )


def require_task(name: str) -> str:
    """Return the name of a task, which is that of a module and a function, in lower case as PEP 8 asks."""
    words = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_0123456789")
    if name == words and not keyword.iskeyword(name):
        return name
    raise FlowlockError(
        f"`{name}` is not a valid task name: use lower case letters, digits and `_` after a letter",
        code="FL346",
        hint=f"choose another name, for example `{words}`" if words and words != name else None,
    )


def require_workflow(name: str, tasks: Collection[str]) -> str:
    """Return the id of a workflow of this name, in which `-` is `_`; it is not that of one of the tasks."""
    id_ = name.replace("-", "_")
    words = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_0123456789")
    try:
        TaskId(id_)
    except ValueError as error:
        hint = f"choose another name, for example `{words}`" if words and words != name else None
        raise FlowlockError(f"a workflow cannot have this name: {error}", code="FL346", hint=hint) from error
    if id_ in tasks:
        hint = f"choose another name, such as {name}_workflow"
        raise FlowlockError(f"`{id_}` is the name of a task", code="FL346", hint=hint)
    return id_
