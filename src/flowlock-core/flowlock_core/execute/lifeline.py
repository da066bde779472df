"""A pipe whose closed end ends a process at once: the process that holds the other end has gone."""

import os
import signal
from select import select


def end_with(pipe: int, *, group: bool) -> None:
    """Let the kernel end this process, or its whole group, when the other end of a pipe is closed.

    It does so even while a call holds the interpreter's lock, so that no thread of Python could. Nothing
    happens where a system has no such signal.
    """
    if not hasattr(os, "O_ASYNC"):
        return
    import fcntl

    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(pipe, fcntl.F_SETOWN, -os.getpgrp() if group else os.getpid())
    fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)
    readable, _, _ = select([pipe], [], [], 0)
    if readable:
        # It was closed before the kernel was to look.
        os._exit(1)
