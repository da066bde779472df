"""Bytecode that is the same bytes wherever it is made, and does not depend on the time of its source."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from py_compile import PycInvalidationMode

from flowlock.edges import process
from flowlock.edges.pool import concurrently

_COMPILE = """
import json, sys
from py_compile import PyCompileError, PycInvalidationMode, compile
mode = PycInvalidationMode[sys.argv[1]]
for source, target, shown in json.load(sys.stdin):
    try:
        compile(source, target, shown, doraise=True, invalidation_mode=mode)
    except (PyCompileError, ValueError):
        pass  # a template, say: it stays without, as it does wherever Python is installed
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Module:
    """A module to compile: its source, where the bytecode goes, and the path that the bytecode tells."""

    source: Path
    target: Path
    shown: str


def cached_path(module: str, tag: str) -> str:
    """Return where a Python of a tag (`cpython-311`) looks for a module's bytecode (PEP 3147)."""
    path = PurePosixPath(module)
    return str(path.parent / "__pycache__" / f"{path.stem}.{tag}.pyc")


def compile_modules(
    python: Path,
    parts: Sequence[Sequence[Module]],
    *,
    mode: PycInvalidationMode,
    variables: Mapping[str, str],
) -> None:
    """Compile modules with an interpreter, a process for each part, as many at once as there are cores.

    What a process compiled before shows in the bytes that it writes next: the same parts give the same bytes.
    What does not compile gets none. The processes end with ours.
    """
    command: list[str | Path] = [python, "-s", "-S", "-B", "-W", "ignore", "-c", _COMPILE, mode.name]
    env = {**variables, "PYTHONHASHSEED": "0"}

    def compile_part(part: Sequence[Module]) -> None:
        orders = [(str(module.source), str(module.target), module.shown) for module in part]
        process.run(command, env=env, stdin=json.dumps(orders), bound=True)

    concurrently(compile_part, parts, workers=os.cpu_count() or 1)
