"""Amounts as people read them, and how much of a job is done."""

import threading

# From one SI unit to the next.
_STEP = 1000


def bytes_text(size: float) -> str:
    """Return a size in SI units."""
    for unit in ("B", "kB", "MB"):
        if size < _STEP:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= _STEP
    return f"{size:.1f} GB"


class Tally:
    """Counts the parts of a job that are done, and their bytes; threads may share it."""

    def __init__(self, total: int) -> None:
        self._total, self._done, self._size = total, 0, 0
        self._lock = threading.Lock()

    def add(self, size: int = 0) -> str:
        """Count one part, and return `3 of 20`, with the bytes of all parts if they have any."""
        with self._lock:
            self._done += 1
            self._size += size
            counted = f"{self._done} of {self._total}"
            return f"{counted}, {bytes_text(self._size)}" if self._size else counted
