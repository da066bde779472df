"""The line at the bottom of a terminal that shows the current activity of a command, with its time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from flowlock.report import terminal

FIRST_SECONDS = 2  # a shorter time is not worth reading
REFRESHES = 10  # each second


class ActivityLine:
    """A spinner, the stage, its activity, and the seconds so far; other lines are printed above it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._console = stream, Console(file=stream, highlight=False)
        self._spinner = Spinner("dots")
        self._stage, self._started = "", 0.0
        self.text = ""

    def __rich__(self) -> Spinner:
        """Return the line as it is now; called at each refresh."""
        seconds = time.monotonic() - self._started
        words = [self._stage, self.text]
        if seconds >= FIRST_SECONDS:
            words.append(f"({seconds:.0f} s)")
        self._spinner.update(text=Text("  ".join(word for word in words if word)))
        return self._spinner

    @contextmanager
    def of(self, stage: str) -> Iterator[None]:
        """Show the line while the block runs."""
        self._stage, self._started, self.text = stage, time.monotonic(), ""
        with Live(self, console=self._console, refresh_per_second=REFRESHES, transient=True):
            yield

    def print_above(self, text: str) -> None:
        """Print a text with its styles."""
        self._console.print(terminal.styled(text, self._stream), soft_wrap=True)
