"""`--set`: single parameters over those of the parameters file."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flowlock_core.documents import KeyPath, parse_document
from flowlock_core.errors import Location, UsageError, WorkflowError
from flowlock_core.parameters.params import Params

_KEY = re.compile(r'"((?:[^"\\]|\\.)*)"|([^.="]+)')


def with_values(params: Params, settings: Sequence[str]) -> Params:
    """Return parameters with `step.parameter=value` put over them.

    A value is YAML. A longer path goes into mappings; put a key that contains dots in double quotes. A
    UsageError names a setting of another form.
    """
    for setting in settings:
        path, text = _setting(setting)
        shown = setting[: len(setting) - len(text) - 1].strip()
        at = Location(file=f"--set {shown}")
        params = _with_value(params, path, _set_value(text, shown, at), at)
    return params


def _setting(setting: str) -> tuple[KeyPath, str]:
    """Split a setting into the keys of its path and the text of its value."""
    keys: list[str] = []
    position = 0
    text = setting.lstrip()
    while match := _KEY.match(text, position):
        quoted, bare = match.groups()
        keys.append(re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else bare.strip())
        position = match.end()
        if text[position : position + 1] != ".":
            break
        position += 1
    rest = text[position:].lstrip()
    step, *parameter = keys or [""]
    names_a_parameter = bool(step and parameter and all(parameter))
    if not names_a_parameter or not rest.startswith("="):
        raise UsageError(
            f"`{setting}` is not step.parameter=value",
            code="FL739",
            hint="for example --set table.path=a.csv; put a key that contains dots in double quotes: "
            "--set 'table.names.\"a.b\"=c'",
        )
    return tuple(keys), rest[1:]


def _set_value(text: str, shown: str, at: Location) -> Any:
    try:
        document = parse_document(text, "--set.yaml")
    except WorkflowError as error:
        problems = error.problems
    else:
        if not document.problems:
            return document.content
        problems = document.problems
    placed = [replace(problem, code="FL739", location=at) for problem in problems]
    raise UsageError(f"the value of `{shown}` cannot be read", problems=placed)


def _with_value(params: Params, path: KeyPath, value: Any, at: Location) -> Params:
    by_step: dict[str, Any] = dict(params.by_step)
    inner = by_step
    for key in path[:-1]:
        below = inner.get(key)
        inner[key] = dict(below) if isinstance(below, Mapping) else {}
        inner = inner[key]
    inner[path[-1]] = value
    # What the file said below the path is replaced, its places too.
    keys = {key: place for key, place in params.keys.items() if key[: len(path)] != path}
    values = {key: place for key, place in params.values.items() if key[: len(path)] != path}
    for length in range(1, len(path)):
        keys.setdefault(path[:length], at)
        values.setdefault(path[:length], at)
    keys[path] = values[path] = at
    return replace(params, by_step=by_step, keys=keys, values=values)
