"""The standard library's bytecode, as conda's own `python` brings it: what is installed starts at once."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from py_compile import PycInvalidationMode

from flowlock.base.interpreter import Interpreter
from flowlock.conda.bytecode import Module, cached_path, compile_modules

# Not as many as there are cores: the bytes depend on the parts.
_PARTS = 8


def bytecode(
    python: Interpreter, modules: Mapping[str, Path], edited: Mapping[str, bytes]
) -> Iterator[tuple[str, bytes]]:
    """Yield path in the prefix → bytes for modules of an interpreter, given as path in the prefix → source.

    `edited` are the contents of those modules that are packaged otherwise than they are in the source.
    The bytes are the same wherever, and on however many cores, they are made.
    """
    tag = f"cpython-{python.tag.removeprefix('cp')}"
    with tempfile.TemporaryDirectory() as scratch:
        names = sorted({*modules, *edited})
        places = dict(modules)
        for number, (name, data) in enumerate(edited.items()):
            places[name] = Path(scratch, f"{number}.py")
            places[name].write_bytes(data)
        compiled = [
            Module(source=places[name], target=Path(scratch, cached_path(name, tag)), shown=name)
            for name in names
        ]
        # Settings for another Python mislead; it may need the path of its libraries.
        variables = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        # A file's time differs in every environment, hence bytecode that is not compared with its source.
        compile_modules(
            python.executable,
            [compiled[number::_PARTS] for number in range(_PARTS)],
            mode=PycInvalidationMode.UNCHECKED_HASH,
            variables=variables,
        )
        for name, module in zip(names, compiled, strict=True):
            if module.target.is_file():
                yield cached_path(name, tag), module.target.read_bytes()
