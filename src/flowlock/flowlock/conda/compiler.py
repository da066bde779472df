"""Compile modules: a program for any CPython.

`compiler.py MODE AT_ONCE` reads parts, one a line, as JSON: [[source, target, shown path], …].
What a process did before may show in the bytes that it writes next: `marshal` looks at who else refers to an
object. So each part is compiled by a process that did nothing before, a fork of this one, with AT_ONCE of
them at a time. Without forks, as on Windows, AT_ONCE is 0: this process compiles the only part, to the same
bytes.

It needs nothing but the standard library of an older Python, since it starts without anything else.
"""

import gc
import json
import os
import sys
from contextlib import suppress
from py_compile import PycInvalidationMode, PyCompileError
from py_compile import compile as compile_module


def main(mode: PycInvalidationMode, at_once: int) -> None:
    """Compile the parts; a fork returns from here, too."""
    # A compiler makes many objects, and no cycles.
    gc.disable()
    if not at_once:
        _compile(sys.stdin.buffer.read(), mode)
        return
    parent, running = os.getpid(), 0
    for part in sys.stdin.buffer:
        if running == at_once:
            _wait_for_one()
            running -= 1
        if os.fork() == 0:
            _compile(part, mode, parent)
            return
        running += 1
    for _ in range(running):
        _wait_for_one()


def _compile(part: bytes, mode: PycInvalidationMode, parent: int = 0) -> None:
    """Compile the modules of a part, as long as the process that wants them is there."""
    for source, target, shown in json.loads(part):
        if parent and os.getppid() != parent:
            return
        # A template, say, stays without, as it does wherever Python is installed.
        with suppress(PyCompileError, ValueError):
            compile_module(source, target, shown, doraise=True, invalidation_mode=mode)


def _wait_for_one() -> None:
    """Wait until a part is compiled; after a failure, the process that started this one ends the others."""
    _, status = os.wait()
    if status:
        raise SystemExit(1)


if __name__ == "__main__":
    main(PycInvalidationMode[sys.argv[1]], int(sys.argv[2]))
