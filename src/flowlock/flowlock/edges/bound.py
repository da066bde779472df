"""A process that ends with the one that started it, however that comes about.

Also a program: `python -I -S bound.py PARENT COMMAND…` becomes COMMAND, bound to its parent. It needs nothing
but the standard library, since it starts without anything else.
"""

import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Ask the kernel to end this process when the thread that started it ends; it keeps that over an exec."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def main(parent: int, command: list[str]) -> int:
    """Become the command, unless the parent has ended already."""
    end_with_parent()
    if os.getppid() != parent:
        return 1
    for passed_on in (signal.SIGINT, signal.SIGTERM):
        # The parent passes them on. It may have been started with them ignored, which programs inherit.
        signal.signal(passed_on, signal.SIG_DFL)
    try:
        os.execv(command[0], command)  # noqa: S606 - the caller's command, without a shell
    except OSError as error:
        sys.stderr.write(f"cannot run {command[0]}: {error.strerror}\n")
        return 127


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]), sys.argv[2:]))
