"""The bytecode of unpacked packages: compiled once for a package and a Python, linked into environments."""

import os
import posixpath
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from py_compile import PycInvalidationMode

from pydantic import BaseModel, Field

from flowlock.conda.bytecode import Module, cached_path, compile_modules, is_of_tests
from flowlock.edges import file_locks as locks
from flowlock.edges import files, memo
from flowlock.edges.pool import concurrently

# Named otherwise when other modules are compiled than before.
LISTING = "compiled.json"
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


class _InstalledPackage(BaseModel):
    """Which package an installed one is, as the engine writes it into `conda-meta`."""

    sha256: str


class _InstalledFiles(BaseModel):
    """The files of an installed package, in the same document."""

    paths_data: _InstalledPaths


@dataclass(frozen=True, kw_only=True, slots=True)
class _EnvironmentPython:
    """A CPython of an environment, by the name that its folders have: python3.11."""

    prefix: Path
    series: str
    version: str

    @property
    def kept_as(self) -> str:
        """The name of what is kept of it: compilers of two versions differ in the bytes that they write."""
        return f"{self.tag}-{self.version}" if self.version else self.tag

    @property
    def tag(self) -> str:
        """The tag in the names of its bytecode (PEP 3147): cpython-311."""
        return f"cpython-{self.series.removeprefix('python').replace('.', '')}"

    @property
    def executable(self) -> Path:
        return self.prefix / "bin" / self.series


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Package:
    """An installed package: the digest of its archive, and the engine's document of it."""

    sha256: str
    document: Path


def add_bytecode(prefix: Path, kept: Path) -> None:
    """Give the packages of an environment their bytecode, from `kept`, or made and kept there now.

    Bytecode is under `kept` by Python's tag and version and the package's sha256. It is compared with its
    source when it is imported (PEP 552), so that a module that is edited in the environment counts.
    """
    for folder in sorted((prefix / "lib").glob("python3.*")):
        python = _EnvironmentPython(prefix=prefix, series=folder.name, version=_version(prefix))
        if python.executable.exists():
            with locks.alone(kept / f"{python.kept_as}.lock"):
                _add(python, kept / python.kept_as)


def _version(prefix: Path) -> str:
    """Return the version of the environment's Python, as its package is called; empty without a package."""
    for path in (prefix / "conda-meta").glob("python-*.json"):
        name, version, _ = path.stem.rsplit("-", 2)
        if name == "python":
            return version
    return ""


def read_kept(folder: Path) -> CachedBytecode | None:
    """Return what a folder keeps; None if any of it is missing or of another size."""
    listing = memo.read(folder / LISTING, CachedBytecode)
    if listing is None:
        return None
    try:
        whole = all(os.lstat(f"{folder}/{path}").st_size == size for path, size in listing.files.items())
    except (OSError, ValueError):
        return None
    return listing if whole else None


def _add(python: _EnvironmentPython, kept: Path) -> None:
    """Link what is kept, after making what is not; the caller keeps other writers out."""
    files.forget_temporaries(kept)
    listings: dict[str, CachedBytecode] = {}
    missing: dict[_Package, list[str]] = {}
    for package in _packages(python.prefix):
        listing = read_kept(kept / package.sha256)
        if listing is not None:
            listings[package.sha256] = listing
        elif modules := _modules(package, python):
            missing[package] = modules
    kept.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=files.TEMPORARY_PREFIX, dir=kept) as scratch:
        _compile(missing, python, Path(scratch))
        for package in missing:
            compiled = Path(scratch, package.sha256)
            listings[package.sha256] = _keep(package, compiled, kept / package.sha256)
    link = partial(_link, kept=kept, prefix=python.prefix)
    concurrently(link, listings.items(), workers=os.cpu_count() or 1)


def _packages(prefix: Path) -> Iterator[_Package]:
    """Yield the packages of an environment."""
    for path in sorted((prefix / "conda-meta").glob("*.json")):
        installed = memo.read_plain(path, _InstalledPackage)
        if installed is not None:
            yield _Package(sha256=installed.sha256, document=path)


def _modules(package: _Package, python: _EnvironmentPython) -> list[str]:
    """Return the modules in `site-packages` without bytecode, sorted, but for those of tests.

    A module with the environment's path in it differs between environments. Python compiles what is left out
    when it is imported.
    """
    installed = memo.read_plain(package.document, _InstalledFiles)
    if installed is None:
        return []
    paths = installed.paths_data.paths
    with_prefix = {entry.path: entry.prefix_placeholder is not None for entry in paths}
    modules = []
    site_packages = f"lib/{python.series}/site-packages/"
    for path in sorted(with_prefix):
        is_module = path.startswith(site_packages) and path.endswith(".py")
        if not is_module or is_of_tests(path):
            continue
        if not with_prefix[path] and cached_path(path, python.tag) not in with_prefix:
            modules.append(path)
    return modules


def _compile(packages: Mapping[_Package, Sequence[str]], python: _EnvironmentPython, scratch: Path) -> None:
    """Compile modules of packages, those of each into a folder named by its digest."""
    parts = []
    for package, paths in packages.items():
        folder = scratch / package.sha256
        modules = [
            Module(
                source=python.prefix / module,
                target=folder / cached_path(module, python.tag),
                shown=module,
            )
            for module in paths
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
    listing = CachedBytecode(package=package.document.stem, files=sizes)
    memo.write(compiled / LISTING, listing.model_dump())
    files.remove(target)
    compiled.rename(target)
    return listing


def _link(package: tuple[str, CachedBytecode], *, kept: Path, prefix: Path) -> None:
    """Give an environment the bytecode that is kept of a package, by its digest."""
    sha256, listing = package
    for folder in {posixpath.dirname(path) for path in listing.files}:
        (prefix / folder).mkdir(exist_ok=True)
    # As texts: packages have thousands of them.
    for path in listing.files:
        files.link(f"{kept}/{sha256}/{path}", f"{prefix}/{path}")
