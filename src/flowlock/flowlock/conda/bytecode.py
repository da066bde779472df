"""Bytecode that is the same bytes wherever it is made, and does not depend on the time of its source."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from py_compile import PycInvalidationMode

from flowlock.conda import compiler
from flowlock.edges import process
from flowlock.edges.pool import concurrently

# The header of bytecode (PEP 552): magic number, flags, then a hash of the source or its time and size.
_FLAGS, _SOURCE, _CODE = slice(4, 8), slice(8, 16), 16
_BY_HASH, _BY_HASH_UNCHECKED = (0b11).to_bytes(4, "little"), (0b01).to_bytes(4, "little")


@dataclass(frozen=True, kw_only=True, slots=True)
class Module:
    """A module to compile: its source, where the bytecode goes, and the path that the bytecode tells."""

    source: Path
    target: Path
    shown: str


def is_of_tests(module: str) -> bool:
    """Return whether a module is one of a package's own tests, by its path.

    Those are often more than half of all modules, and no program imports them.
    """
    return "tests" in module.split("/")


def cached_path(module: str, tag: str) -> str:
    """Return where a Python of a tag (`cpython-311`) looks for a module's bytecode (PEP 3147)."""
    # As texts: packages have thousands of them.
    folder, slash, name = module.rpartition("/")
    return f"{folder}{slash}__pycache__/{name.removesuffix('.py')}.{tag}.pyc"


def unchecked(bytecode: bytes) -> bytes:
    """Return bytecode that is used without a look at its source, from bytecode of any kind.

    What names its source by time and size names none after that: a hash of zeros is only read by a Python
    that checks all bytecode (`--check-hash-based-pycs always`), which compiles the source again.
    """
    if len(bytecode) < _CODE:
        return bytecode
    is_by_hash = bytecode[_FLAGS] in (_BY_HASH, _BY_HASH_UNCHECKED)
    source = bytecode[_SOURCE] if is_by_hash else bytes(8)
    return b"".join((bytecode[: _FLAGS.start], _BY_HASH_UNCHECKED, source, bytecode[_CODE:]))


def compile_modules(
    python: Path,
    parts: Sequence[Sequence[Module]],
    *,
    mode: PycInvalidationMode,
    variables: Mapping[str, str],
) -> None:
    """Compile modules with an interpreter, a process for each part, as many at once as there are cores.

    The bytes of a part depend on nothing but the part: not on the others, their order, or the cores. What
    does not compile gets none. The processes end with ours.
    """
    if not parts:
        return
    program: list[str | Path] = [python, "-s", "-S", "-B", "-W", "ignore", compiler.__file__, mode.name]
    env = {**variables, "PYTHONHASHSEED": "0"}
    cores = os.cpu_count() or 1
    lines = [_line(part) for part in parts]
    if hasattr(os, "fork"):
        process.run([*program, str(cores)], env=env, stdin="".join(lines), bound=True)
        return

    def compile_part(line: str) -> None:
        process.run([*program, "0"], env=env, stdin=line, bound=True)

    concurrently(compile_part, lines, workers=cores)


def _line(part: Sequence[Module]) -> str:
    orders = [(str(module.source), str(module.target), module.shown) for module in part]
    return json.dumps(orders) + "\n"
