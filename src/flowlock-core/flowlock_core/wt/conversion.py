"""Form data ↔ parameters, and what is wrong with either, as ecoscope-workflows and wt report it.

A problem has the keys of a jsonschema error: `message`, `path`, `schema_path`, `validator` and `input`;
`code` and `hint` are added. The types of the tasks decide, not a schema, so `schema_path` is empty.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from flowlock_core.command.bundle import Bundle
from flowlock_core.connections import NAMES_ONLY
from flowlock_core.documents import parse_document
from flowlock_core.errors import Problem, WorkflowError
from flowlock_core.execute import trace
from flowlock_core.parameters.checks import check_params
from flowlock_core.parameters.formdata import to_form, to_params
from flowlock_core.parameters.params import MISSING, parts_of
from flowlock_core.results import to_json

_UNSET_VARIABLE = "FL729"
_NOT_A_MAPPING = "FL723"
# The keyword of JSON Schema that has the meaning of a code, where there is one.
_KEYWORDS = {
    MISSING: "required",
    "FL724": "additionalProperties",
    "FL725": "additionalProperties",
    "FL726": "additionalProperties",
    "FL737": "additionalProperties",
    _NOT_A_MAPPING: "type",
}
ValuePath: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversion:
    """What form data or parameters became, or what is wrong with them."""

    result: Mapping[str, Any]
    errors: Sequence[Mapping[str, Any]] = ()

    def as_json(self) -> dict[str, Any]:
        """Return {"result"}, or {"validation_errors"} if there are any."""
        return {"validation_errors": list(self.errors)} if self.errors else {"result": self.result}


def conversion_of(text: str, bundle: Bundle, *, to_params: bool) -> Conversion:
    """Convert a JSON text; a WorkflowError has the place in it that is not JSON."""
    document = parse_document(text, "<stdin>.json")
    if document.problems:
        raise WorkflowError("the text cannot be converted", problems=document.problems)
    return converted(document.content, bundle, to_params=to_params)


def converted(document: Any, bundle: Bundle, *, to_params: bool) -> Conversion:
    """Convert form data to parameters, or the other way, if they are valid for the workflow."""
    groups: Mapping[str, Sequence[str]] = json.loads(bundle.required_text("form.json")).get("groups", {})
    steps = bundle.params_schema().get("properties", {})
    convert = _params_of if to_params else _form_of
    try:
        result = convert(document, bundle, groups, list(steps))
    except WorkflowError as error:
        cards = {step: title for title, members in groups.items() for step in members}
        errors = [_error(problem, document, cards if to_params else {}) for problem in error.problems]
        return Conversion(result={}, errors=errors)
    return Conversion(result=to_json(result))


def _params_of(
    form: Any, bundle: Bundle, groups: Mapping[str, Sequence[str]], steps: Sequence[str]
) -> Mapping[str, Any]:
    params = to_params(_mapping(form), groups, steps)
    _check(params, bundle)
    return params


def _form_of(
    params: Any, bundle: Bundle, groups: Mapping[str, Sequence[str]], steps: Sequence[str]
) -> Mapping[str, Any]:
    _check(_mapping(params), bundle)
    return to_form(params, groups, steps)


def _mapping(document: Any) -> Mapping[str, Any]:
    if not isinstance(document, Mapping):
        raise WorkflowError("expected an object", code=_NOT_A_MAPPING)
    return document


def _check(params: Mapping[str, Any], bundle: Bundle) -> None:
    """Raise every problem of parameters by step; neither connections nor files must exist."""
    shapeless = [step for step, values in params.items() if not isinstance(values, Mapping)]
    by_step = {step: values for step, values in params.items() if step not in shapeless}
    message = "expected an object with the parameters of the step"
    problems = [Problem(code=_NOT_A_MAPPING, message=message, step=step) for step in shapeless]
    problems += _value_problems(by_step, bundle, ignored=shapeless)
    if problems:
        raise WorkflowError("the parameters are not valid for the workflow", problems=problems)


def _value_problems(
    by_step: Mapping[str, Mapping[str, Any]], bundle: Bundle, *, ignored: Sequence[str]
) -> Iterator[Problem]:
    """Yield the problems of parameters, but none of the steps in `ignored`."""
    context = {"base": Path.cwd(), NAMES_ONLY: True}
    for problem in check_params(trace(bundle.load()), by_step, context=context):
        # The variables are those of the run, which this is not.
        if problem.code != _UNSET_VARIABLE and problem.step not in ignored:
            yield problem


def _error(problem: Problem, document: Any, cards: Mapping[str, str]) -> dict[str, Any]:
    """Return a problem as jsonschema reports it; `cards` are the groups of the steps in the document."""
    path = _path(problem, document, cards)
    value = document
    for part in path:
        value = value[part]
    return {
        "message": problem.sentence,
        "path": list(path),
        "schema_path": [],
        "validator": _KEYWORDS.get(problem.code),
        "input": value,
        "code": problem.code,
        "hint": problem.hint,
    }


def _path(problem: Problem, document: Any, cards: Mapping[str, str]) -> ValuePath:
    """Return the path of the value that a problem is about; of a missing one, of the object around it."""
    if problem.step is None:
        return ()
    parts = [problem.step, *parts_of(problem.parameter or "")]
    if problem.step in cards and problem.step not in document:
        parts.insert(0, cards[problem.step])
    path: ValuePath = ()
    value = document
    for part in parts:
        key: str | int = int(part) if isinstance(value, list) and part.isdecimal() else part
        if not _has(value, key):
            break
        path, value = (*path, key), value[key]
    return path


def _has(value: Any, key: str | int) -> bool:
    if isinstance(value, Mapping):
        return key in value
    return isinstance(value, list) and isinstance(key, int) and key < len(value)
