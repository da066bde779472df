"""JSON from outside, checked for the shape that it must have; any other shape is one error."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any, NamedTuple, TypeVar

from pydantic import StringConstraints, TypeAdapter, ValidationError

from flowlock.edges.json_places import place_of
from flowlock.errors import FlowlockError, Location

T = TypeVar("T")
Sha256Text = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Md5Text = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
SHOWN = 3
# What pydantic says of a text that goes beyond its limits.
_LIMITS = {
    "recursion limit exceeded": "it is nested deeper than 200 levels",
    "number out of range": "a number has more than 4,300 digits",
}
# How pydantic ends what it says about a text that is not JSON.
_PLACE = re.compile(r" at line (\d+) column (\d+)")
# Making one takes longer than most texts.
_adapter: Callable[[Any], TypeAdapter[Any]] = lru_cache(maxsize=256)(TypeAdapter)


def parsed(
    kind: type[T],
    data: bytes,
    *,
    what: str,
    code: str,
    hint: str | None = None,
    kept: str | None = None,
    file: str | None = None,
    beyond: str | None = None,
) -> T:
    """Return a JSON text as a type that pydantic knows; `what` is how an error calls the text.

    An error has the line and the column in the file, if `file` names one. `beyond` is the code of a text that
    goes beyond the limits of depth and numbers, if that is not `code`.

    Texts that are not JSON, nest without end, or hold numbers of any length are such errors too.
    """
    try:
        document: T = _adapter(kind).validate_json(data)
    except ValidationError as error:
        location = _location(error, data, file) if file is not None else None
        message = f"{what} {_fault(error)}"
        reported = beyond if beyond is not None and _exceeded(error) else code
        raise FlowlockError(message, code=reported, hint=hint, kept=kept, location=location) from error
    return document


def parsed_or_none(kind: type[T], data: bytes) -> T | None:
    """Return a JSON text as a type that pydantic knows, None for a text of any other shape."""
    try:
        document: T = _adapter(kind).validate_json(data, strict=True)
    except ValidationError:
        return None
    return document


class Misfit(NamedTuple):
    """Where a value does not have a shape, and what is wrong there."""

    path: tuple[str | int, ...]
    message: str


def misfit(kind: Any, value: Any) -> Misfit | None:
    """Return what of a parsed JSON value first differs from a shape, None if nothing does."""
    try:
        _adapter(kind).validate_python(value, strict=True)
    except ValidationError as error:
        return _first_misfit(error)
    return None


def _first_misfit(error: ValidationError) -> Misfit:
    """Return the first problem, without the value: it may be long, or a secret."""
    fault = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part)[:40] for part in fault["loc"][:SHOWN])
    return Misfit(fault["loc"], f"{place or 'the document'}: {fault['msg']}")


def _exceeded(error: ValidationError) -> str | None:
    """Return which limit of the reader of JSON a text exceeds, if it exceeds one."""
    message = error.errors(include_input=False, include_url=False)[0]["msg"]
    exceeded = (limit for words, limit in _LIMITS.items() if words in message)
    return next(exceeded, None)


def _fault(error: ValidationError) -> str:
    limit = _exceeded(error)
    if limit is not None:
        return f"exceeds a limit: {limit}"
    if error.errors(include_input=False, include_url=False)[0]["type"] == "json_invalid":
        return "is not JSON"
    return f"does not have the expected shape: {_first_misfit(error).message}"


def _location(error: ValidationError, data: bytes, file: str) -> Location:
    fault = error.errors(include_input=False, include_url=False)[0]
    stated = _PLACE.search(fault["msg"])
    line, column = map(int, stated.groups()) if stated else place_of(data.decode(), fault["loc"])
    # The column of an empty text is 0 there.
    return Location(file=file, line=line, column=max(1, column))
