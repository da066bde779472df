"""Calls of code of other distributions."""

import sys

import pytest

from flowlock_core.foreign import ForeignError, call_foreign


def test_what_a_call_returns_is_returned() -> None:
    assert call_foreign(lambda: 5) == 5


def test_what_a_call_raises_is_returned_even_an_exit() -> None:
    assert call_foreign(lambda: 1 // 0) == ForeignError(
        message="ZeroDivisionError: integer division or modulo by zero"
    )
    assert call_foreign(lambda: sys.exit(3)) == ForeignError(message="SystemExit: 3")


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interrupt_and_a_full_memory_pass_through(error: type[BaseException]) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(error):
        call_foreign(fail)
