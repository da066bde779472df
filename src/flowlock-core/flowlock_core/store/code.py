"""The identity of code: the whole distribution that a task is from, and what it requires."""

import hashlib
import json
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from flowlock_core.store.digest import digest_of_parts
from flowlock_core.store.inputs import file_digest

_INFO = ".dist-info"
_REQUIREMENT = re.compile(r"^Requires-Dist: *([A-Za-z0-9._-]+)(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Installed:
    """An installed distribution, read by hand: importlib.metadata takes a tenth of a second to import."""

    info: Path
    version: str

    def text(self, name: str) -> str:
        """Return a file of its metadata, nothing if there is none."""
        with suppress(OSError):
            return (self.info / name).read_text(encoding="utf-8", errors="replace")
        return ""

    def lists(self, top: str) -> bool:
        """Whether its RECORD has files of a package."""
        return f"\n{top}/" in f"\n{self.text('RECORD')}"

    def contains(self, top: str) -> bool:
        """Whether a top module was imported from where this is installed: sources may be laid over it."""
        module = sys.modules.get(top)
        folders = [Path(folder).parent for folder in getattr(module, "__path__", ())]
        return not folders or self.info.parent in folders

    @property
    def is_edited_in_place(self) -> bool:
        """Whether its files lie elsewhere, and may change."""
        document: Any = json.loads(self.text("direct_url.json") or "{}")
        return bool(document.get("dir_info", {}).get("editable"))


@dataclass(frozen=True, slots=True)
class CodeParts:
    """The code of a top module: the digest of its files, and the versions of Python and its requirements."""

    kind: str
    files: str
    versions: tuple[str, ...]


def code_identity(top: str) -> str:
    """Return the digest of the code of a top module's distribution."""
    parts = code_parts(top)
    return digest_of_parts(parts.kind, [parts.files, *parts.versions])


@cache
def code_parts(top: str) -> CodeParts:
    """Return what the identity of a top module's distribution is made of.

    An installed distribution is known by its RECORD, which has the digests of its files; one that is edited
    in place by its files. The versions of what it requires, and of Python, belong to it.
    """
    python = f"python {sys.version_info.major}.{sys.version_info.minor}"
    distribution = _distribution_of(top)
    if distribution is None:
        # What it requires is not known, so it may be anything that is installed.
        everything = sorted(f"{name} {installed.version}" for name, installed in _installed().items())
        return CodeParts("files", _files_digest(top), (python, *everything))
    record = distribution.text("RECORD")
    edited = not record or distribution.is_edited_in_place or not distribution.contains(top)
    own = _files_digest(top) if edited else hashlib.sha256(record.encode()).hexdigest()
    return CodeParts("distribution", own, (python, *_versions(distribution)))


def _distribution_of(top: str) -> _Installed | None:
    """Return the distribution that a module is from: the one of its name, or the one that lists it."""
    named = _installed().get(_normalised(top))
    if named is not None:
        return named
    folders = {Path(folder).parent for folder in getattr(sys.modules[top], "__path__", ())}
    for installed in _installed().values():
        if installed.info.parent in folders and installed.lists(top):
            return installed
    return None


@cache
def _installed() -> dict[str, _Installed]:
    """Return the installed distributions by name; of two of one name, the one that is imported."""
    distributions: dict[str, _Installed] = {}
    for folder in map(Path, sys.path):
        with suppress(OSError):
            for path in folder.iterdir():
                if path.suffix == _INFO:
                    distribution, _, version = path.stem.partition("-")
                    distributions.setdefault(_normalised(distribution), _Installed(path, version))
    return distributions


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _versions(found: _Installed) -> list[str]:
    versions = set()
    for name, rest in _REQUIREMENT.findall(found.text("METADATA")):
        if "extra ==" not in rest:
            required = _installed().get(_normalised(name))
            versions.add(f"{name} {'absent' if required is None else required.version}")
    return sorted(versions)


def _files_digest(top: str) -> str:
    """Return the digest of the files of a package, or of the file of a module."""
    module = sys.modules[top]
    parts = [part for folder in getattr(module, "__path__", ()) for part in _files_in(Path(folder))]
    single = getattr(module, "__file__", None)
    if not parts and single:
        parts = [file_digest(Path(single))]
    return digest_of_parts("files", parts)


def _files_in(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield f"{path.relative_to(folder).as_posix()} {file_digest(path)}"
