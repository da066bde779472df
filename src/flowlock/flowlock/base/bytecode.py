"""The bytecode that packages for one Python bring, as conda's own do: what is installed starts at once."""

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from py_compile import PycInvalidationMode

from flowlock.base.archive import File
from flowlock.base.interpreter import Interpreter
from flowlock.conda.bytecode import Module, cached_path, compile_modules, is_of_tests

# Not as many as there are cores: the bytes depend on the parts.
_PARTS = 8


def bytecode(
    python: Interpreter,
    modules: Mapping[str, Path],
    edited: Mapping[str, bytes],
    *,
    mode: PycInvalidationMode = PycInvalidationMode.UNCHECKED_HASH,
) -> Iterator[tuple[str, bytes]]:
    """Yield path in the prefix → bytes for modules of an interpreter, given as path in the prefix → source.

    `edited` are the contents of modules that are not files of the interpreter, or are packaged otherwise. The
    bytes are the same wherever, and on however many cores, they are made. They name the hash of their source,
    since a file's time differs in every environment.
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
        parts = [compiled[number::_PARTS] for number in range(_PARTS)]
        compile_modules(python.executable, list(filter(None, parts)), mode=mode, variables=variables)
        for name, module in zip(names, compiled, strict=True):
            if module.target.is_file():
                yield cached_path(name, tag), module.target.read_bytes()


def package_bytecode(python: Interpreter, files: Iterable[File]) -> Iterator[File]:
    """Yield the bytecode of a package's modules in `site-packages`, but for those of tests, and what it has.

    Python compares it with its source, so that an edit to a module in an environment counts.
    """
    contents = {file.path: file.data for file in files if not file.has_prefix and file.link is None}
    site_packages = f"lib/python{python.series}/site-packages/"
    modules = {
        path: data
        for path, data in contents.items()
        if path.startswith(site_packages) and path.endswith(".py") and not is_of_tests(path)
    }
    for path, data in bytecode(python, {}, modules, mode=PycInvalidationMode.CHECKED_HASH):
        if path not in contents:
            yield File(path=path, data=data)
