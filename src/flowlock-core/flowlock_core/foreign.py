"""Calls of code that other distributions bring: what it raises is an answer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class ForeignError:
    """What the code of another distribution raised."""

    message: str


def call_foreign(call: Callable[[], T]) -> T | ForeignError:
    """Call code of another distribution; what it raises is returned: one package must not stop the others."""
    try:
        return call()
    except (KeyboardInterrupt, MemoryError):
        raise
    except BaseException as error:  # noqa: BLE001 - an import may exit, too
        return ForeignError(message=f"{type(error).__name__}: {error}")
