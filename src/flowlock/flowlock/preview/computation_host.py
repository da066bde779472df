"""Runs workflows in forks of a process that has imported what they need, so that a run begins at once.

A program of the environment's Python: `python -I computation_host.py`. It needs nothing but the standard
library, since flowlock is not in that environment. Each line on stdin is a request. One to run has the keys
package, function, arguments, paths, edited, stdout, stderr and modules; the answers are the lines
{"started": PID} and {"ended": PID, "code": CODE}. `paths` are searched before the environment's own: the
compiled package, then sources, which are imported again if they were `edited`. What a run has imported is in
the file `modules` at its end, and {"import": FILE} imports it here, for the next run.
"""

import contextlib
import json
import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

_PR_SET_PDEATHSIG = 1


def _write(message: dict[str, int]) -> None:
    # One write of a short line: a handler may interrupt another.
    os.write(sys.stdout.fileno(), (json.dumps(message) + "\n").encode())


def _reap(_number: int, _frame: FrameType | None) -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            child, status = os.waitpid(-1, os.WNOHANG)
            if not child:
                return
            _write({"ended": child, "code": os.waitstatus_to_exitcode(status)})


def _end_with(parent: int) -> None:
    """Ask the kernel to end this process when its parent ends, or end it now if that is no longer there."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _run(request: dict[str, Any], host: int) -> int:
    """Run a workflow's command in this process, which is a fork; return its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    # To end the group of a run is to end what it has started, too.
    os.setpgrp()
    _end_with(host)
    for number, name in ((1, "stdout"), (2, "stderr")):
        handle = os.open(request[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(handle, number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    package = request["package"]
    sys.argv = [package.replace("_", "-"), *request["arguments"]]
    cli = import_module("flowlock_core.cli")
    code: int = cli.main(f"{package}.workflow:{request['function']}", request["arguments"])
    names = [name for name in list(sys.modules) if name.partition(".")[0] not in (package, "__main__")]
    Path(request["modules"]).write_text(json.dumps(names), encoding="utf-8")
    return code


def _forget_sources(paths: list[str]) -> None:
    """Let modules below these folders be imported again."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and name != "__main__" and file.startswith(tuple(paths)):
            del sys.modules[name]


def _fork(request: dict[str, Any]) -> None:
    if request["edited"]:
        _forget_sources(request["paths"])
    sys.path[:] = [*request["paths"], *(path for path in sys.path if path not in request["paths"])]
    host = os.getpid()
    child = os.fork()
    if child:
        _write({"started": child})
        return
    code = 1
    try:
        code = _run(request, host)
    finally:
        # Whatever has happened, a fork must not go on as its parent does.
        if sys.exc_info()[1] is not None:
            import traceback

            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _import_as_before(file: str) -> None:
    """Import what the last run has imported; what cannot be imported is left to the next run."""
    try:
        names = json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    for name in names:
        if name not in sys.modules:
            with contextlib.suppress(Exception):
                import_module(name)


def main() -> int:
    """Answer requests until stdin ends."""
    import warnings

    # A fork of a process with threads: those of the imported libraries, which prepare for it.
    warnings.simplefilter("ignore", DeprecationWarning)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, _reap)
    for line in iter(sys.stdin.readline, ""):
        request = json.loads(line)
        if "import" in request:
            _import_as_before(request["import"])
        else:
            _fork(request)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
