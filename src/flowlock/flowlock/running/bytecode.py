"""The bytecode of unpacked packages: compiled once for a package and a Python, linked into environments."""

import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from py_compile import PycInvalidationMode

from pydantic import BaseModel, Field

from flowlock.conda.bytecode import Module, cached_path, compile_modules
from flowlock.edges import file_locks as locks
from flowlock.edges import files, memo

LISTING = "bytecode.json"
# Modules that one process compiles: a package's parts, and so its bytes, depend on nothing but the package.
PART = 100
_SERIES = re.compile(r"python3\.(?P<minor>\d+)")


class KeptPackage(BaseModel):
    """The bytecode of one package: the archive's name without its ending, and path → size of each file."""

    package: str
    files: dict[str, int]


class _InstalledPath(BaseModel):
    path: str = Field(alias="_path")
    prefix_placeholder: str | None = None


class _InstalledPaths(BaseModel):
    paths: list[_InstalledPath]


class _InstalledRecord(BaseModel):
    """What the engine writes of an installed package into `conda-meta`."""

    sha256: str | None = None
    paths_data: _InstalledPaths


@dataclass(frozen=True, kw_only=True, slots=True)
class _Package:
    """The modules of an installed package, by their paths in the environment."""

    stem: str
    sha256: str
    modules: tuple[str, ...]


def add_bytecode(prefix: Path, kept: Path) -> None:
    """Give the packages of an environment their bytecode, from `kept`, or made and kept there now.

    Bytecode is kept under `kept` by Python's tag and the package's sha256. An import compares it with its
    source (PEP 552), so that a module that is edited in the environment counts.
    """
    for folder in sorted((prefix / "lib").glob("python3.*")):
        series = _SERIES.fullmatch(folder.name)
        if series and (prefix / "bin" / folder.name).exists():
            tag = f"cpython-3{series['minor']}"
            with locks.alone(kept / f"{tag}.lock"):
                _add(prefix, folder.name, tag, kept / tag)


def read_kept(folder: Path) -> KeptPackage | None:
    """Return what a folder keeps; None if any of it is missing or of another size."""
    listing = memo.read(folder / LISTING, KeptPackage)
    if listing is None:
        return None
    try:
        whole = all((folder / path).lstat().st_size == size for path, size in listing.files.items())
    except (OSError, ValueError):
        return None
    return listing if whole else None


def _add(prefix: Path, series: str, tag: str, kept: Path) -> None:
    """Link what is kept, after making what is not; the caller keeps other writers out."""
    files.forget_temporaries(kept)
    packages = list(_packages(prefix, series, tag))
    missing = [package for package in packages if read_kept(kept / package.sha256) is None]
    with tempfile.TemporaryDirectory(prefix=files.TEMPORARY_PREFIX, dir=_made(kept)) as scratch:
        _compile(missing, prefix, series, tag, Path(scratch))
        for package in missing:
            _keep(package, Path(scratch, package.sha256), kept / package.sha256)
    for package in packages:
        _link(kept / package.sha256, prefix)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _packages(prefix: Path, series: str, tag: str) -> Iterator[_Package]:
    """Yield the packages that have modules without bytecode in `site-packages`.

    A module with the environment's path in it is another one in each environment: Python compiles it when it
    is imported.
    """
    for path in sorted((prefix / "conda-meta").glob("*.json")):
        record = memo.read_plain(path, _InstalledRecord)
        if record is None or record.sha256 is None:
            continue
        modules = tuple(
            module
            for module in _shared_modules(record.paths_data, tag)
            if module.startswith(f"lib/{series}/site-packages/")
        )
        if modules:
            yield _Package(stem=path.stem, sha256=record.sha256, modules=modules)


def _shared_modules(installed: _InstalledPaths, tag: str) -> list[str]:
    """Return the modules of a package that are the same in each environment and have no bytecode."""
    present = {entry.path for entry in installed.paths}
    same = sorted(entry.path for entry in installed.paths if entry.prefix_placeholder is None)
    return [path for path in same if path.endswith(".py") and cached_path(path, tag) not in present]


def _compile(packages: Sequence[_Package], prefix: Path, series: str, tag: str, scratch: Path) -> None:
    """Compile the modules of packages, each package into a folder named by its digest."""
    parts = []
    for package in packages:
        modules = [
            Module(
                source=prefix / module,
                target=scratch / package.sha256 / cached_path(module, tag),
                shown=module,
            )
            for module in package.modules
        ]
        parts += [modules[start : start + PART] for start in range(0, len(modules), PART)]
    compile_modules(
        prefix / "bin" / series,
        parts,
        mode=PycInvalidationMode.CHECKED_HASH,
        variables={"PATH": os.defpath},
    )


def _keep(package: _Package, compiled: Path, target: Path) -> None:
    """Move a package's bytecode to where it is kept, with the sizes of its files."""
    _made(compiled)
    sizes = {path.relative_to(compiled).as_posix(): path.lstat().st_size for path in compiled.rglob("*.pyc")}
    memo.write(compiled / LISTING, {"package": package.stem, "files": sizes})
    files.remove(target)
    compiled.rename(target)


def _link(kept: Path, prefix: Path) -> None:
    """Give an environment the bytecode that a folder keeps."""
    listing = read_kept(kept)
    for path in listing.files if listing else ():
        target = prefix / path
        target.parent.mkdir(exist_ok=True)
        files.link(kept / path, target)
