"""Locks that were found current: they are compared again only when something that decides it has changed."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from flowlock.conda.records import archive_parts
from flowlock.edges import files, memo
from flowlock.edges.memo import digest_of
from flowlock.lock.result import LockTarget
from flowlock.lock.satisfy import CurrentBuild
from flowlock.lock.solver.sources import NOARCH, ChannelFolder
from flowlock.names import Sha256

# Who decides, in addition to the documents: our rules, and the engine's reading of match specs.
JUDGES = ("flowlock", "py-rattler")
# Wherever YAML lets an archive and a name stand: in quotes, in braces, before any end of line.
_ARCHIVE = re.compile(r"""\bconda:\s*["']?([^\s"',}]+)""")
_NAME = re.compile(r"""\bname:\s*["']?([^\s"',}]+)""")


class CheckedLocks:
    """The inputs with which each lock was last found current, as digests in one file."""

    def __init__(self, path: Path, folders: Sequence[ChannelFolder], own: Mapping[str, CurrentBuild]) -> None:
        self._path, self._folders = path, folders
        self._judges = [version(name) for name in JUDGES]
        self._builds = {name: {**asdict(identity), "why": ""} for name, identity in own.items()}
        kept = memo.read(path, dict[str, dict[str, str]]) or {}
        self._kept = kept.get("locks", {})

    def are_current(self, targets: Iterable[LockTarget]) -> bool:
        """Return whether all of these locks were found current as they are, and nothing has changed since."""
        for target in targets:
            inputs = self._inputs(target)
            if inputs is None or self._kept.get(target.shown) != inputs:
                return False
        return True

    def keep(self, targets: Iterable[LockTarget]) -> None:
        """Keep that these locks are current now."""
        digests = {target.shown: self._inputs(target) for target in targets}
        if digests.items() - self._kept.items():
            memo.write(self._path, {"locks": {**self._kept, **digests}})

    def _inputs(self, target: LockTarget) -> Sha256 | None:
        """Return the digest of all that decides whether a lock is current, None where there is no lock."""
        if not target.path.is_file():
            return None
        subdirs = (NOARCH, *(platform.subdir for platform in target.manifest.platforms()))
        indexes = [(folder, folder.repodata(subdir)) for folder in self._folders for subdir in subdirs]
        served = [
            (folder.url, folder.serves, files.sha256_of(index))
            for folder, index in indexes
            if index is not None
        ]
        # A command may know more packages of the workspace than those that the lock has.
        pinned = _pinned_names(target.path.read_text(encoding="utf-8", errors="replace"))
        builds = {name: build for name, build in self._builds.items() if name in pinned}
        lock = files.sha256_of(target.path)
        return digest_of([self._judges, repr(target.manifest), lock, served, builds])


def _pinned_names(lock: str) -> set[str]:
    """Return the names of what a lock pins, and perhaps others, without the time that reading YAML takes."""
    return {archive_parts(url)[0] for url in _ARCHIVE.findall(lock)} | set(_NAME.findall(lock))
