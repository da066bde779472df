"""Which .conda archives are known to be safe to install, by their digests: checking takes a while."""

import os
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel

from flowlock.conda.installable import OLD_FORMAT, refuse_unsafe
from flowlock.edges import memo
from flowlock.edges.pool import concurrently
from flowlock.edges.stat_cache import StatCache

# Raised when an archive that was safe before would be refused.
RULES = 1


class _SafeArchives(BaseModel):
    rules: int
    sha256: list[str]


class SafeArchives:
    """The sha256 of each .conda archive that was checked, or was written by flowlock.

    Without a path none is kept. Of two processes that add some at once, one may lose them: those archives are
    checked again.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._digests = _read(path) if path else set()

    def __contains__(self, sha256: str) -> bool:
        return sha256 in self._digests

    def add(self, digests: Iterable[str]) -> None:
        """Keep the digests of archives that are safe."""
        new = set(digests) - self._digests
        if self._path is None or not new:
            return
        self._digests = _read(self._path) | new
        memo.write(self._path, _SafeArchives(rules=RULES, sha256=sorted(self._digests)).model_dump())


def refuse_unsafe_archives(archives: Iterable[Path], *, safe: SafeArchives, digests: StatCache) -> None:
    """Refuse archives that must not be unpacked, and keep that the others are safe: they are not read again.

    One of the older format is always read: its bytes may be those of another archive in a .conda file.
    """
    unknown = {}
    for path in archives:
        digest = digests.sha256(path)
        if digest not in safe or path.name.endswith(OLD_FORMAT):
            unknown[path] = digest
    concurrently(refuse_unsafe, unknown, workers=os.cpu_count() or 1)
    safe.add(digest for path, digest in unknown.items() if not path.name.endswith(OLD_FORMAT))


def _read(path: Path) -> set[str]:
    kept = memo.read(path, _SafeArchives)
    if kept is None or kept.rules != RULES:
        return set()
    return set(kept.sha256)
