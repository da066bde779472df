"""Rules for ids and titles: valid, not taken, given once."""

import builtins
import keyword
import re
from collections.abc import Iterator

from flowlock.errors import Location, Problem
from flowlock.names import TaskId
from flowlock.spec.catalog import Scope
from flowlock.spec.model import LocatedText, Spec, Step
from flowlock_core.documents.nodes import shown

MAX_SPEC_ID = 64


def check_names(spec: Spec, scope: Scope) -> Iterator[Problem]:
    """Check the ids of spec and steps, and the titles of groups."""
    tasks = scope.taken(_used(spec))
    if spec.id:
        yield from _check_spec_id(spec.id, tasks)
    seen: dict[str, Location] = {}
    for step in spec.steps:
        if step.id is None:
            continue
        yield from _check_step_id(step.id, tasks, spec.id)
        yield from _check_once(step.id, seen, code="FL115", what="the id")
    titles: dict[str, Location] = {}
    alone = {member.id.value for member in spec.workflow if isinstance(member, Step) and member.id}
    for group in spec.groups:
        if group.title:
            yield from _check_once(group.title, titles, code="FL116", what="the group title")
            if group.title.value in alone:
                message = (
                    f"the group title `{shown(group.title.value)}` is also the id of a step outside groups"
                )
                hint = "the form would show both as one card; rename one of them"
                yield _problem("FL116", message, group.title, hint)


def _used(spec: Spec) -> Iterator[str]:
    """Yield the names of the tasks and conditions that a spec uses, without what qualifies them."""
    skips = [spec.skipif, *(step.skipif for step in spec.steps)]
    conditions = [text for skip in skips if skip for text in skip.conditions]
    for text in (*(step.task for step in spec.steps), *conditions):
        if text:
            yield text.value.rpartition(".")[2]


def _check_spec_id(text: LocatedText, tasks: set[str]) -> Iterator[Problem]:
    name = text.value
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) or len(name) > MAX_SPEC_ID:
        rule = f"a Python identifier that begins with a letter, at most {MAX_SPEC_ID} characters"
        yield _problem("FL113", f"`{shown(name)}` is not an id: {rule}", text, _suggestion(name, MAX_SPEC_ID))
    elif keyword.iskeyword(name) or keyword.issoftkeyword(name) or hasattr(builtins, name):
        yield _problem("FL113", f"`{name}` is a Python keyword", text, f"try `{name}_workflow`")
    elif name in tasks:
        yield _problem("FL114", f"`{name}` is the name of a task", text, f"try `{name}_workflow`")


def _check_step_id(text: LocatedText, tasks: set[str], spec_id: LocatedText | None) -> Iterator[Problem]:
    name = text.value
    try:
        TaskId(name)
    except ValueError as error:
        message = str(error).replace(name, shown(name))
        yield _problem("FL113", message, text, _suggestion(name, 32))
        return
    if name in tasks:
        yield _problem(
            "FL114", f"the id `{name}` is already the name of a task", text, _suggestion(f"{name}_1", 32)
        )
    elif spec_id and name == spec_id.value:
        yield _problem(
            "FL114", f"the id `{name}` is already the id of the workflow", text, "give the step another id"
        )


def _check_once(text: LocatedText, seen: dict[str, Location], *, code: str, what: str) -> Iterator[Problem]:
    first = seen.setdefault(text.value, text.at)
    if first is not text.at:
        hint = f"the first is on line {first.line}"
        yield _problem(code, f"{what} `{shown(text.value)}` is given twice", text, hint)


def _suggestion(name: str, length: int) -> str | None:
    """Return a valid id that looks like this one, as a hint."""
    words = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")
    if not words:
        return None
    if words[0].isdigit():
        words = f"step_{words}"
    if keyword.iskeyword(words) or keyword.issoftkeyword(words) or hasattr(builtins, words):
        words = f"{words}_"
    return f"try `{words[:length]}`"


def _problem(code: str, message: str, text: LocatedText, hint: str | None) -> Problem:
    return Problem(code=code, message=message, location=text.at, hint=hint)
