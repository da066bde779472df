"""The standard library's bytecode, as conda's own `python` brings it: what is installed starts at once."""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

from flowlock.base.interpreter import Interpreter
from flowlock.edges import process

# Not as many as there are cores: what a process compiled before shows in the bytes that it writes next.
_PARTS = 8
# A file's time differs in every environment, hence bytecode that is not held against its source (PEP 552).
_COMPILE = """
import json, sys
from py_compile import PyCompileError, PycInvalidationMode, compile
for source, target, shown in json.load(sys.stdin):
    try:
        compile(source, target, shown, doraise=True, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
    except PyCompileError:
        pass  # a template, say: it stays without, as it does wherever Python is installed
"""


def bytecode(
    python: Interpreter, modules: Mapping[str, Path], edited: Mapping[str, bytes]
) -> Iterator[tuple[str, bytes]]:
    """Yield path in the prefix → bytes for modules of an interpreter, given as path in the prefix → source.

    `edited` are the contents of those modules that are packaged otherwise than they lie in the source.
    The bytes are the same wherever, and on however many cores, they are made.
    """
    with tempfile.TemporaryDirectory() as scratch:
        names = sorted({*modules, *edited})
        places = dict(modules)
        for number, (name, data) in enumerate(edited.items()):
            places[name] = Path(scratch, f"{number}.py")
            places[name].write_bytes(data)
        # Settings for another Python mislead; where its libraries are it may have to be told.
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        orders = [(str(places[name]), str(Path(scratch, _compiled(name, python))), name) for name in names]

        def compile_part(number: int) -> None:
            process.run(
                [python.executable, "-s", "-S", "-W", "ignore", "-c", _COMPILE],
                cwd=Path(scratch),
                env={**kept, "PYTHONHASHSEED": "0"},
                stdin=json.dumps(orders[number::_PARTS]),
            )

        with ThreadPoolExecutor() as pool:
            list(pool.map(compile_part, range(_PARTS)))
        for name in names:
            made = Path(scratch, _compiled(name, python))
            if made.is_file():
                yield _compiled(name, python), made.read_bytes()


def _compiled(name: str, python: Interpreter) -> str:
    """Return where Python looks for a module's bytecode (PEP 3147)."""
    path = PurePosixPath(name)
    return str(path.parent / "__pycache__" / f"{path.stem}.cpython-{python.tag.removeprefix('cp')}.pyc")
