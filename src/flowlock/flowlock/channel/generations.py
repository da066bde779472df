"""A folder as complete generations, of which a link names the current one.

Large files, and small ones of which there are many, are stored once under their digest, and generations have
links to them. So a new generation costs what is new in it, and what is known of the rest stays known: a hard
link would change a file's times.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from flowlock.edges import files
from flowlock.edges.stat_cache import StatCache
from flowlock.errors import from_os_error
from flowlock.names import Sha256

# The folder of the generations, beside the link; its name says whose they are.
SUFFIX = ".generations"
STORED = "stored"
# A disk takes many at once in hardly more time than one.
SYNCS = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """What a file of a generation has to hold.

    `stored` is the name, in the store, of a file that other generations may link to; None for a file that
    each generation has for itself.
    """

    sha256: Sha256
    data: Callable[[], bytes]
    stored: str | None = None


class Generations:
    """The generations of one folder, and what is known of the files in them."""

    def __init__(self, folder: Path, digests: StatCache) -> None:
        self.folder = folder
        self._digests = digests
        self._all = folder.with_name(folder.name + SUFFIX)
        self._store = self._all / STORED
        self._next_link = folder.with_name(files.TEMPORARY_PREFIX + folder.name)

    def put(self, wanted: Mapping[str, Content]) -> bool:
        """Make the folder hold exactly these files (by POSIX path); say whether anything changed.

        What is on disk decides: a file that is missing, foreign or altered makes a new generation, which
        takes the place of the current one in one step. The one before stays for those who read it now.
        """
        try:
            present = self._contents()
            changed = present != {place: content.sha256 for place, content in wanted.items()}
            if changed:
                links = {_stored(place, target or "") for place, _, target in _files(str(self.folder))}
                kept = {place for place, content in wanted.items() if present.get(place) == content.sha256}
                self._replace(wanted, kept)
                self._forget(links.union(content.stored or "" for content in wanted.values()))
            self._tidy()
        except OSError as error:
            raise from_os_error(error, "write", self.folder) from error
        self._digests.save([self._all, self.folder])
        return changed

    def _contents(self) -> dict[str, Sha256 | None]:
        """Return the digest of each file; None for a link that leads out of the store, or to nothing."""
        contents: dict[str, Sha256 | None] = {}
        present = {name: path for name, path, _ in _files(str(self._store))}
        for place, path, target in _files(str(self.folder)):
            file = path if target is None else present.get(_stored(place, target))
            contents[place] = self._digests.sha256(file) if file is not None else None
        return contents

    def _replace(self, wanted: Mapping[str, Content], kept: Collection[str]) -> None:
        """Make a generation the current one; what is `kept` is whole in the one that it replaces."""
        self._store.mkdir(parents=True, exist_ok=True)
        missing = [content for place, content in wanted.items() if place not in kept]
        stored = {path: content for content in missing if (path := self._store_content(content))}
        staging = self._staging()
        written = _fill(staging, wanted)
        _sync([*stored, *written], [folder for folder, _, _ in os.walk(staging)])
        for path, content in stored.items():
            self._digests.put(path, Path(path).stat(), content.sha256)
        generation = self._all / str(1 + max(self._numbers(), default=0))
        staging.rename(generation)
        self._switch(generation)

    def _store_content(self, content: Content) -> str | None:
        """Store what a file holds, unless it is there and whole; return the path of what was written."""
        if content.stored is None:
            return None
        path = self._store / content.stored
        if path.is_file() and self._digests.sha256(path) == content.sha256:
            return None
        # The current generation may have a link to a damaged file: its readers see the old one or the new.
        temporary = path.with_name(files.TEMPORARY_PREFIX + path.name)
        temporary.write_bytes(content.data())
        temporary.replace(path)
        return path.as_posix()

    def _staging(self) -> Path:
        """Return a folder for a new generation: that of the oldest one, most of which stays, or an empty one.

        The oldest one goes in any case: after the new generation comes the current one as the one before.
        """
        staging = Path(tempfile.mkdtemp(prefix=files.TEMPORARY_PREFIX, dir=self._all))
        current = self._current()
        older = sorted(number for number in self._numbers() if str(number) != current)
        if older:
            (self._all / str(older[0])).rename(staging)
        staging.chmod(0o755)
        return staging

    def _current(self) -> str:
        return self.folder.readlink().name if self.folder.is_symlink() else ""

    def _numbers(self) -> list[int]:
        return [int(path.name) for path in self._all.iterdir() if path.name.isdecimal()]

    def _switch(self, generation: Path) -> None:
        """Let the link name another generation: one rename, so a reader sees the old or the new."""
        self._next_link.unlink(missing_ok=True)
        self._next_link.symlink_to(generation.relative_to(self.folder.parent), target_is_directory=True)
        if self.folder.exists() and not self.folder.is_symlink():
            shutil.rmtree(self.folder)
        self._next_link.replace(self.folder)

    def _forget(self, kept: Collection[str]) -> None:
        """Remove what is stored for no generation."""
        for name, path, _ in _files(str(self._store)):
            if name not in kept:
                Path(path).unlink()

    def _tidy(self) -> None:
        """Remove what killed writers left, and all generations but the current one and the one before."""
        self._next_link.unlink(missing_ok=True)
        current = self._current()
        if not current or not self._all.is_dir():
            return
        older = [number for number in self._numbers() if current.isdecimal() and number < int(current)]
        kept = {current, str(max(older, default=0)), STORED}
        for path in self._all.iterdir():
            if path.name not in kept:
                shutil.rmtree(path, ignore_errors=True)


def _files(folder: str, below: str = "") -> Iterator[tuple[str, str, str | None]]:
    """Yield path below the folder, path, and for a link its target, of each file in a folder's tree."""
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for entry in entries:
        place = below + entry.name
        if entry.is_symlink():
            yield place, entry.path, os.readlink(entry.path)  # noqa: PTH115 - texts: there are thousands
        elif entry.is_dir():
            yield from _files(entry.path, f"{place}/")
        else:
            yield place, entry.path, None


def _fill(staging: Path, wanted: Mapping[str, Content]) -> list[str]:
    """Make a folder hold these files; return the paths of those that were written."""
    links = {place: _link(place, content.stored) for place, content in wanted.items() if content.stored}
    present = _keep_links(staging, links)
    for parent in {place.rpartition("/")[0] for place in wanted}:
        (staging / parent).mkdir(parents=True, exist_ok=True)
    for place in links.keys() - present:
        os.symlink(links[place], f"{staging}/{place}")  # noqa: PTH211 - texts: there are thousands
    written = []
    for place in wanted.keys() - links.keys():
        (staging / place).write_bytes(wanted[place].data())
        written.append(f"{staging}/{place}")
    return written


def _keep_links(folder: Path, links: Mapping[str, str]) -> set[str]:
    """Remove everything from a folder but these links; return those that are there."""
    present = set()
    for place, path, target in list(_files(str(folder))):
        if target is not None and links.get(place) == target:
            present.add(place)
        else:
            Path(path).unlink()
    return present


def _link(place: str, stored: str) -> str:
    """Return the target of a generation's link, relative: the whole may be moved or copied."""
    return "../" * (1 + place.count("/")) + f"{STORED}/{stored}"


def _stored(place: str, target: str) -> str:
    """Return the name in the store that a link of a generation leads to; empty if it leads elsewhere."""
    prefix = _link(place, "")
    return target.removeprefix(prefix) if target.startswith(prefix) else ""


def _sync(paths: Collection[str], folders: Collection[str]) -> None:
    """Bring a generation to the disk before anything names it; what it links to came there with another."""
    parents = {path.rpartition("/")[0] for path in paths}
    with ThreadPoolExecutor(SYNCS) as pool:
        list(pool.map(_flush, paths))
        # Windows opens no folder.
        if os.name == "posix":
            list(pool.map(_flush, parents.union(folders)))


def _flush(path: str) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
