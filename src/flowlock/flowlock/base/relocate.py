"""An installed CPython as a relocatable conda package.

Compiled files find each other by `$ORIGIN`, text files get their prefix at install time, and no file says
where the interpreter was built. Tests, site-packages and what the machine's owner set stay behind; bytecode
is written again.
"""

import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from flowlock.base import build_folders
from flowlock.base.archive import LEVEL, PLACEHOLDER, Archive, File, build
from flowlock.base.bytecode import bytecode
from flowlock.base.debian import UnknownPatchError, apply, try_edits
from flowlock.base.interpreter import Interpreter, unknown_patch
from flowlock.base.patchelf import find as find_patchelf
from flowlock.base.patchelf import release as patchelf_release
from flowlock.edges import process

# Raised when a change here makes another package of the same interpreter.
SCHEMA = 4
_LEFT_BEHIND = {
    "site-packages",
    "__pycache__",
    "test",
    "tests",
    "idle_test",
    # Settings of the machine, and of Debian for setuptools, that would hold in every environment.
    "EXTERNALLY-MANAGED",
    "sitecustomize.py",
    "usercustomize.py",
    "_distutils_system_mod.py",
}
_NO_SOURCES = (".pyc", ".a", ".o")
_SYSTEM = ("/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/", "/usr/local/lib/")
_SITE_README = b"Packages are installed here; this file keeps the folder.\n"


def sources(python: Interpreter) -> dict[str, Path]:
    """Return every file of an interpreter that belongs to its package: path in the prefix → where it is."""
    return {name: python.prefix / name for name in _source_files(python)}


def _source_files(python: Interpreter) -> dict[str, os.stat_result]:
    """Return the sorted paths in the prefix of an interpreter's files, with their stat data.

    A link stands for the file that it leads to; a broken link is not a file.
    """
    prefix, series = python.prefix, python.series
    patterns = (
        f"bin/python{series}",
        f"bin/python{series}-config",
        f"bin/pydoc{series}",
        f"lib/libpython{series}.so*",
        "lib/libpython3.so",
        f"lib/pkgconfig/python-{series}*.pc",
        f"include/python{series}/*.h",
        f"include/python{series}/cpython/*.h",
        f"include/python{series}/internal/**/*.h",
    )
    listed = {
        str(path): path.stat() for pattern in patterns for path in prefix.glob(pattern) if path.exists()
    }
    listed |= _stdlib_files(str(python.stdlib))
    inside = f"{prefix}/"
    # A link may lead to what another package of the distribution would have.
    return {
        path.removeprefix(inside): status
        for path, status in sorted(listed.items())
        if stat.S_ISREG(status.st_mode)
    }


def _stdlib_files(folder: str) -> dict[str, os.stat_result]:
    """Return the files of the standard library; with one system call each, since every sync looks at them."""
    listed: dict[str, os.stat_result] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _LEFT_BEHIND:
                    listed |= _stdlib_files(entry.path)
            elif _belongs(entry.name):
                with suppress(FileNotFoundError):
                    listed[entry.path] = entry.stat()
    return listed


def _belongs(name: str) -> bool:
    """Return whether a file of the standard library belongs to the package, by its name."""
    return not (name in _LEFT_BEHIND or name.endswith(_NO_SOURCES) or name.startswith("libpython"))


def fingerprint(python: Interpreter) -> str:
    """Return a digest that changes when a file of the package does, without reading any (as git's index)."""
    inputs = f"{SCHEMA} {LEVEL} {python.version} {patchelf_release()} {python.edits}"
    digest = hashlib.sha256(inputs.encode())
    for name, status in _source_files(python).items():
        digest.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\0{status.st_ino}\n".encode())
    return digest.hexdigest()


def python_package(python: Interpreter, epoch: datetime, *, scratch: Path) -> Archive:
    """Return the interpreter as conda's `python`; its build string tells its contents.

    One that has to be edited is first tried in the folder `scratch`; FL404 says that it does not work.
    """
    if python.edits:
        _try_edits(python, scratch)
    files = sorted(_files(python), key=lambda file: file.path)
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.path}\0{file.link}\0{file.executable}\0{file.digest()}\n".encode())
    index: dict[str, Any] = {
        "arch": python.environment["platform_machine"],
        "build": f"h{digest.hexdigest()[:8]}_0_{_abi_family(python)}",
        "build_number": 0,
        "constrains": [f"python_abi {python.series}.* *_{python.tag}"],
        "depends": [],
        "license": "Python-2.0",
        "name": "python",
        "platform": "linux",
        "subdir": python.subdir,
        "timestamp": int(epoch.timestamp() * 1000),
        "version": python.version,
    }
    about = {
        "home": "https://www.python.org/",
        "license": "Python-2.0",
        "summary": "Python, relocatable",
        "extra": {"edits": [asdict(edit) for edit in python.edits]},
    }
    return build(index, files, about=about, epoch=epoch)


def python_abi_package(python: Interpreter, epoch: datetime) -> Archive:
    """Return `python_abi`, which packages of compiled modules depend on."""
    index = {
        "arch": None,
        "build": f"0_{python.tag}",
        "build_number": 0,
        "constrains": [f"python {python.series}.* *_{_abi_family(python)}"],
        "depends": [],
        "license": "BSD-3-Clause",
        "name": "python_abi",
        "noarch": "generic",
        "platform": None,
        "subdir": "noarch",
        "timestamp": int(epoch.timestamp() * 1000),
        "version": python.series,
    }
    about = {"home": "", "license": "BSD-3-Clause", "summary": "Names the ABI of compiled modules"}
    return build(index, [], about=about, epoch=epoch)


def _abi_family(python: Interpreter) -> str:
    """Return the end of the interpreter's build string, to which conda-forge's python_abi constrains it."""
    major, minor = map(int, python.series.split("."))
    return "cpython" if (major, minor) < (3, 13) else python.tag


def _try_edits(python: Interpreter, scratch: Path) -> None:
    try:
        try_edits(sources(python), python.edits, series=python.series, folder=scratch)
    except UnknownPatchError as error:
        raise unknown_patch(python, error) from error


def _files(python: Interpreter) -> Iterator[File]:
    compiled, modules, edited, aliases = {}, {}, {}, _aliases(python)
    for name, path in sources(python).items():
        if name in aliases:
            continue
        original = path.read_bytes()
        data = apply(python.edits, name, original)
        if data.startswith(b"\x7fELF"):
            compiled[name] = path
            continue
        file = _text(name, data, python, executable=bool(path.stat().st_mode & 0o111))
        # One with a placeholder is another module in every environment.
        if name.endswith(".py") and not file.has_prefix:
            modules[name] = path
            if data != original:
                edited[name] = data
        yield file
    for name, data in bytecode(python, modules, edited):
        yield _file(name, data)
    libraries = _bundled(compiled, python)
    relocated = {file.path: file for file in _relocated({**compiled, **libraries}, python)}
    yield from relocated.values()
    for name, target in aliases.items():
        # An alias has the digest of what it leads to.
        yield replace(relocated[str(PurePosixPath(name).parent / target)], path=name, link=target)
    yield _file(f"lib/python{python.series}/site-packages/README.txt", _SITE_README)


def _aliases(python: Interpreter) -> dict[str, str]:
    """Return the symlinks of the package; `make altinstall` makes no `bin/python`, and we always do."""
    interpreter = f"python{python.series}"
    libraries = {
        f"lib/{path.name}": path.readlink().name
        for path in (python.prefix / "lib").glob(f"libpython{python.series}.so*")
        if path.is_symlink() and path.readlink().parent == Path()
    }
    return {"bin/python": interpreter, "bin/python3": interpreter, **libraries}


def _text(name: str, data: bytes, python: Interpreter, *, executable: bool) -> File:
    """Return a file that is not compiled, with a placeholder where it names the interpreter's prefix.

    Only files that the build of CPython writes its prefix into are searched: elsewhere the same text is
    chance (`/usr`).
    """
    generated = name.startswith(("bin/", "lib/pkgconfig/")) or re.search(r"/(_sysconfigdata|config-)", name)
    if not generated:
        return _file(name, data, executable=executable)
    text = data
    for prefix in sorted(_prefixes(python), key=len, reverse=True):
        text = re.sub(_as_whole_path(prefix), PLACEHOLDER.encode(), text)
    has_prefix = text != data
    text = build_folders.without(_machine_folders(python), text)
    return _file(name, text, executable=executable, has_prefix=has_prefix)


def _prefixes(python: Interpreter) -> set[str]:
    return {str(python.prefix), str(python.prefix.resolve()), python.configured} - {"", "/"}


def _machine_folders(python: Interpreter) -> set[str]:
    """Return the folders that an interpreter's files may name, and no package should."""
    return {*_prefixes(python), *python.build_folders}


def _as_whole_path(prefix: str) -> bytes:
    """Return the pattern of a prefix where a path begins with it, or is it.

    `/install` is none in `/usr/bin/install -c`, and is one in `-I/install/include`. Under `/usr` lie the
    system's files too (programs, time zones): there, only paths that are the interpreter's are meant.
    """
    end = rb"(?![\w.-])"
    if prefix == "/usr":
        own = rb"/(?:bin|include|lib)(?:/(?:lib)?python|/pkgconfig|(?![\w./-]))"
        end = rb"(?:(?![\w./-])|(?=" + own + rb"))"
    return rb"(?:(?<![\w./-])|(?<=-[ILR]))" + re.escape(os.fsencode(prefix)) + end


def _file(name: str, data: bytes, *, executable: bool = False, has_prefix: bool = False) -> File:
    sha256 = hashlib.sha256(data).hexdigest()
    return File(path=name, data=data, executable=executable, has_prefix=has_prefix, sha256=sha256)


def _bundled(compiled: Mapping[str, Path], python: Interpreter) -> dict[str, Path]:
    """Return the libraries that the interpreter's files load and a system does not have, as files of lib/."""
    packaged = {path.resolve() for path in compiled.values()}
    own = f"{python.prefix.resolve()}/"
    system = tuple(folder for folder in _SYSTEM if not own.startswith(folder))
    listing = process.run(["ldd", *compiled.values()], check=False).stdout
    loaded = {Path(path) for path in re.findall(r"=> (/.*) \(0x", listing)}
    foreign = {path.name: path for path in sorted(loaded) if path.resolve() not in packaged}
    return {f"lib/{name}": path for name, path in foreign.items() if not str(path).startswith(system)}


def _relocated(compiled: Mapping[str, Path], python: Interpreter) -> Iterator[File]:
    """Yield compiled files, edited, with a run path that leads from each one's folder to the prefix's lib/.

    As DT_RPATH, which an LD_LIBRARY_PATH that was set for another Python does not override.
    """
    by_run_path: dict[str, list[Path]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        copies = {name: Path(scratch, str(number)) for number, name in enumerate(sorted(compiled))}
        for name, copy in copies.items():
            edited = apply(python.edits, name, compiled[name].read_bytes())
            copy.write_bytes(build_folders.without(_machine_folders(python), edited))
            by_run_path.setdefault(_run_path(name), []).append(copy)
        for run_path, files in by_run_path.items():
            process.run([find_patchelf(), "--force-rpath", "--set-rpath", run_path, *files])
        for name, copy in copies.items():
            yield _file(name, copy.read_bytes(), executable=True)


def _run_path(name: str) -> str:
    folder = PurePosixPath(name).parent
    if folder == PurePosixPath("lib"):
        return "$ORIGIN"
    return "$ORIGIN/" + os.path.relpath("lib", folder)
