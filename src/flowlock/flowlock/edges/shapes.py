"""JSON from outside, checked for the shape that it must have; any other shape is one error."""

from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any, TypeVar

from pydantic import StringConstraints, TypeAdapter, ValidationError

from flowlock.errors import FlowlockError

T = TypeVar("T")
Sha256Text = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
SHOWN = 3
# Making one takes longer than most texts.
_adapter: Callable[[Any], TypeAdapter[Any]] = lru_cache(maxsize=256)(TypeAdapter)


def parsed(
    kind: type[T], data: bytes, *, what: str, code: str, hint: str | None = None, kept: str | None = None
) -> T:
    """Return a JSON text as a type that pydantic knows; `what` is how an error calls the text.

    Texts that are not JSON, nest without end, or hold numbers of any length are such errors too.
    """
    try:
        document: T = _adapter(kind).validate_json(data)
    except ValidationError as error:
        raise FlowlockError(f"{what} {_fault(error)}", code=code, hint=hint, kept=kept) from error
    return document


def parsed_or_none(kind: type[T], data: bytes) -> T | None:
    """Return a JSON text as a type that pydantic knows, None for a text of any other shape."""
    try:
        document: T = _adapter(kind).validate_json(data, strict=True)
    except ValidationError:
        return None
    return document


def _fault(error: ValidationError) -> str:
    """Say what is wrong first, without the value: it may be long, or a secret."""
    fault = error.errors(include_input=False, include_url=False)[0]
    if fault["type"] == "json_invalid":
        return "is not JSON"
    place = ".".join(str(part)[:40] for part in fault["loc"][:SHOWN])
    return f"does not have the expected shape: {place or 'the document'}: {fault['msg']}"
