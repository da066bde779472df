"""The processes that a service has started, found by a variable of their environment."""

import time
from pathlib import Path

MARK = "SERVICE_UNDER_TEST"


def processes_of(mark: str) -> dict[int, str]:
    """Return the command lines of the processes with this mark by their ids; zombies are left out."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}\0".encode() in (folder / "environ").read_bytes():
                found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue
    return found


def wait_until_ended(mark: str, seconds: float, *, command: str = "") -> dict[int, str]:
    """Wait until no process with this mark has this text in its command line; return those that are left.

    A process that was killed exists until the kernel has come round to it.
    """
    deadline = time.monotonic() + seconds
    while (left := _with_command(mark, command)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def _with_command(mark: str, text: str) -> dict[int, str]:
    return {process: command for process, command in processes_of(mark).items() if text in command}
