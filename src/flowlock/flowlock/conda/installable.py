"""What of a package an installer would write outside the environment: asked before it is installed."""

import bz2
import posixpath
import tarfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from io import RawIOBase
from pathlib import Path
from typing import Any

from flowlock.conda import archive
from flowlock.conda.archive_faults import ArchiveFault, MalformedArchiveError
from flowlock.conda.members import LINK, PATHS, Member, entries, is_inside, require_places
from flowlock.errors import shortened
from flowlock.names import EntryPoint

OLD_FORMAT = ".tar.bz2"
SHOWN = 3
# An archive of the older format may unpack to this multiple of its size, and to this much more.
MOST_UNPACKED, SMALL = 200, 64 * 2**20
SOFT_LINK = "softlink"
_MISFITS = (LookupError, TypeError, AttributeError)


def refuse_unsafe(path: Path) -> None:
    """Refuse an archive that would be written outside of an environment, or is larger than it says.

    The engine writes `../x` of a paths.json outside of the prefix, and an absolute path ends its process.
    """
    if path.name.endswith(OLD_FORMAT):
        info = _read_old(path)
    else:
        info = archive.read_info(path)
        archive.check_size(path)
    refuse_unsafe_info(info, path)


def refuse_unsafe_members(members: Collection[Member], path: Path) -> None:
    """Refuse an archive before it is written of these members, so that it need not be checked after that."""
    try:
        require_places(members)
    except MalformedArchiveError as error:
        raise error.of(path) from error
    refuse_unsafe_info({member.path: member.data for member in members if member.is_info}, path)


def refuse_unsafe_info(info: Mapping[str, bytes], path: Path) -> None:
    """Refuse the package of an archive given its metadata files by path."""
    metadata = [Member(path=name, data=data) for name, data in info.items()]
    try:
        if PATHS in info:
            _refuse_leaving(PATHS, _leaving_paths(_files(metadata)))
        if LINK in info:
            _refuse_leaving(LINK, _leaving_commands(_commands(metadata)))
    except MalformedArchiveError as error:
        raise error.of(path) from error


def _refuse_leaving(member: str, leaving: Iterable[str]) -> None:
    places = list(leaving)
    if places:
        message = f"would be written outside the environment: {shortened(places, SHOWN)}"
        raise MalformedArchiveError(ArchiveFault.OUTSIDE, message, member=member)


def _files(metadata: Iterable[Member]) -> dict[str, Any]:
    """Return the kinds of a package's files and links by path."""
    try:
        listed = archive.document(metadata, PATHS)["paths"]
        kinds = {entry["_path"]: entry.get("path_type") for entry in listed}
    except _MISFITS as error:
        raise archive.metadata_fault(PATHS, f"it does not list the files: {error}") from error
    _require_texts(PATHS, kinds)
    return kinds


def _commands(metadata: Iterable[Member]) -> Sequence[str]:
    try:
        noarch = archive.document(metadata, LINK).get("noarch") or {}
        lines = list(noarch.get("entry_points") or ())
    except _MISFITS as error:
        raise archive.metadata_fault(LINK, f"it does not list the commands: {error}") from error
    _require_texts(LINK, lines)
    return lines


def _require_texts(member: str, values: Iterable[object]) -> None:
    if not all(isinstance(value, str) for value in values):
        raise archive.metadata_fault(member, "a path or a command is not a string")


def _leaving_paths(kinds: Mapping[str, Any]) -> Iterator[str]:
    links = {path for path, kind in kinds.items() if kind == SOFT_LINK}
    for path in kinds:
        if not is_inside(path):
            yield f"`{path}`"
        elif links and (link := _link_above(path, links)):
            yield f"`{path}` below the link `{link}`"


def _link_above(path: str, links: set[str]) -> str | None:
    """Return the link of the package above a path of it: it leads wherever the link does."""
    above = posixpath.dirname(posixpath.normpath(path))
    while above and above not in links:
        above = posixpath.dirname(above)
    return above or None


def _leaving_commands(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        if not EntryPoint.pattern.fullmatch(line):
            yield f"the command `{line}`"


def _read_old(path: Path) -> dict[str, bytes]:
    """Return the metadata of an archive of the time before .conda, of which all is looked at."""
    info = {}
    try:
        with bz2.open(path) as stream:
            bounded = _BoundedStream(stream, MOST_UNPACKED * path.stat().st_size + SMALL)
            with tarfile.open(fileobj=bounded, mode="r|") as opened:
                for name, entry in entries(opened, path.name):
                    if name in (PATHS, LINK):
                        info[name] = _content(opened, name, entry)
    except MalformedArchiveError as error:
        raise error.of(path) from error
    except (tarfile.TarError, OSError, EOFError, ValueError, LookupError) as error:
        fault = MalformedArchiveError(ArchiveFault.DAMAGED, f"is not a complete archive: {error}")
        raise fault.of(path) from error
    return info


def _content(opened: tarfile.TarFile, name: str, entry: tarfile.TarInfo) -> bytes:
    if not entry.isfile() or entry.size > archive.LARGEST_INFO:
        message = f"has an `{name}` that is a link, or has {entry.size} bytes"
        raise MalformedArchiveError(ArchiveFault.TOO_LARGE, message, member=name)
    file = opened.extractfile(entry)
    return file.read() if file else b""


class _BoundedStream(RawIOBase):
    """What an archive unpacks to, of which no more is read than such archives have at most."""

    def __init__(self, stream: bz2.BZ2File, limit: int) -> None:
        self._stream, self._left = stream, limit

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes; a MalformedArchiveError if there are too many."""
        block = self._stream.read(size)
        self._left -= len(block)
        if self._left < 0:
            message = "unpacks to far more than is plausible for its size"
            raise MalformedArchiveError(ArchiveFault.TOO_LARGE, message)
        return block
