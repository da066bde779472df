"""Locks that were found current: they are compared again only when something that decides it has changed."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from flowlock.edges import files, memo
from flowlock.edges.memo import digest_of
from flowlock.lock.result import LockTarget
from flowlock.lock.satisfy import CurrentBuild
from flowlock.lock.solver.sources import NOARCH, ChannelFolder
from flowlock.names import Sha256

# Who decides, in addition to the documents: our rules, and the engine's reading of match specs.
JUDGES = ("flowlock", "py-rattler")
# The name of an archive's package, at the end of its URL.
_PINNED = re.compile(rb"/([^/\s]+)-[^/\s-]+-[^/\s-]+\.(?:conda|tar\.bz2)$", re.MULTILINE)


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
        lock = target.path.read_bytes()
        pinned = {name.decode() for name in _PINNED.findall(lock)}
        # A command may know more packages of the workspace than those that the lock has.
        builds = {name: build for name, build in self._builds.items() if name in pinned}
        digest = hashlib.sha256(lock).hexdigest()
        return digest_of([self._judges, repr(target.manifest), digest, served, builds])
