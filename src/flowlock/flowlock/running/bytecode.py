"""The bytecode of unpacked packages: compiled once for a package and a Python, linked into environments."""

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
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


class CachedBytecode(BaseModel):
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
class _EnvironmentPython:
    """A CPython of an environment, by the name that its folders have: python3.11."""

    prefix: Path
    series: str

    @property
    def tag(self) -> str:
        """The tag in the names of its bytecode (PEP 3147): cpython-311."""
        return f"cpython-{self.series.removeprefix('python').replace('.', '')}"

    @property
    def executable(self) -> Path:
        return self.prefix / "bin" / self.series


@dataclass(frozen=True, kw_only=True, slots=True)
class _Package:
    """The modules of an installed package, by their paths in the environment."""

    stem: str
    sha256: str
    modules: tuple[str, ...]


def add_bytecode(prefix: Path, kept: Path) -> None:
    """Give the packages of an environment their bytecode, from `kept`, or made and kept there now.

    Bytecode lies under `kept` by Python's tag and the package's sha256, and is compared with its source when
    it is imported (PEP 552), so that a module that is edited in the environment counts.
    """
    for folder in sorted((prefix / "lib").glob("python3.*")):
        python = _EnvironmentPython(prefix=prefix, series=folder.name)
        if python.executable.exists():
            with locks.alone(kept / f"{python.tag}.lock"):
                _add(python, kept / python.tag)


def read_kept(folder: Path) -> CachedBytecode | None:
    """Return what a folder keeps; None if any of it is missing or of another size."""
    listing = memo.read(folder / LISTING, CachedBytecode)
    if listing is None:
        return None
    try:
        whole = all((folder / path).lstat().st_size == size for path, size in listing.files.items())
    except (OSError, ValueError):
        return None
    return listing if whole else None


def _add(python: _EnvironmentPython, kept: Path) -> None:
    """Link what is kept, after making what is not; the caller keeps other writers out."""
    files.forget_temporaries(kept)
    packages = list(_packages(python))
    listings = {package: read_kept(kept / package.sha256) for package in packages}
    missing = [package for package, listing in listings.items() if listing is None]
    kept.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=files.TEMPORARY_PREFIX, dir=kept) as scratch:
        _compile(missing, python, Path(scratch))
        for package in missing:
            listings[package] = _keep(package, Path(scratch, package.sha256), kept / package.sha256)
    for package, listing in listings.items():
        if listing is not None:
            _link(listing, kept / package.sha256, python.prefix)


def _packages(python: _EnvironmentPython) -> Iterator[_Package]:
    """Yield the packages that have modules to compile."""
    for path in sorted((python.prefix / "conda-meta").glob("*.json")):
        record = memo.read_plain(path, _InstalledRecord)
        if record is None or record.sha256 is None:
            continue
        modules = tuple(_modules(record.paths_data.paths, python))
        if modules:
            yield _Package(stem=path.stem, sha256=record.sha256, modules=modules)


def _modules(paths: Iterable[_InstalledPath], python: _EnvironmentPython) -> Iterator[str]:
    """Yield the modules in `site-packages` without bytecode, sorted.

    A module with the environment's path in it differs between environments: Python compiles it when it is
    imported.
    """
    with_prefix = {entry.path: entry.prefix_placeholder is not None for entry in paths}
    site_packages = f"lib/{python.series}/site-packages/"
    for path in sorted(with_prefix):
        is_module = path.startswith(site_packages) and path.endswith(".py")
        if is_module and not with_prefix[path] and cached_path(path, python.tag) not in with_prefix:
            yield path


def _compile(packages: Sequence[_Package], python: _EnvironmentPython, scratch: Path) -> None:
    """Compile the modules of packages, each package into a folder named by its digest."""
    parts = []
    for package in packages:
        folder = scratch / package.sha256
        modules = [
            Module(
                source=python.prefix / module,
                target=folder / cached_path(module, python.tag),
                shown=module,
            )
            for module in package.modules
        ]
        parts += [modules[start : start + PART] for start in range(0, len(modules), PART)]
    compile_modules(
        python.executable,
        parts,
        mode=PycInvalidationMode.CHECKED_HASH,
        variables={"PATH": os.defpath},
    )


def _keep(package: _Package, compiled: Path, target: Path) -> CachedBytecode:
    """Move a package's bytecode to where it is kept, with the sizes of its files."""
    compiled.mkdir(exist_ok=True)
    sizes = {path.relative_to(compiled).as_posix(): path.lstat().st_size for path in compiled.rglob("*.pyc")}
    listing = CachedBytecode(package=package.stem, files=sizes)
    memo.write(compiled / LISTING, listing.model_dump())
    files.remove(target)
    compiled.rename(target)
    return listing


def _link(listing: CachedBytecode, kept: Path, prefix: Path) -> None:
    """Give an environment the bytecode that a folder keeps."""
    for path in listing.files:
        target = prefix / path
        target.parent.mkdir(exist_ok=True)
        files.link(kept / path, target)
