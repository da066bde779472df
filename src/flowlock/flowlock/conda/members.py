"""The files of a conda package's tars: each at the place that its path says, or refused."""

import posixpath
import re
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO

from flowlock.conda.archive_faults import ArchiveFault, MalformedArchiveError

INFO = "info"
PATHS, LINK, INDEX = "info/paths.json", "info/link.json", "info/index.json"
# What decides where an installer writes.
_DECIDING = (PATHS, LINK)
_DRIVE = re.compile("[A-Za-z]:")


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A file of the archive: its path in the environment (or below `info/`), contents, and kind."""

    path: str
    data: bytes
    executable: bool = False
    link: str | None = None

    @property
    def is_info(self) -> bool:
        """Whether it is metadata, which is in a separate tar."""
        return self.path.startswith(f"{INFO}/")


def is_inside(path: str) -> bool:
    """Return whether a path of a package leads to a place inside it, whatever the operating system."""
    parts = re.split(r"[/\\]", path)
    return bool(parts[0]) and ".." not in parts and not _DRIVE.match(path) and "\0" not in path


def members(data: bytes, part: str) -> Iterator[Member]:
    """Yield the files of a whole tar."""
    with tarfile.open(fileobj=BytesIO(data)) as archive:
        for path, entry in entries(archive, part):
            if entry.issym():
                yield Member(path=path, data=b"", link=entry.linkname)
                continue
            # A sparse file is larger than what the tar holds of it.
            if entry.size > len(data):
                message = f"has a file that claims to have {entry.size} bytes"
                raise MalformedArchiveError(ArchiveFault.TOO_LARGE, message, member=path)
            yield Member(path=path, data=_content(archive, entry), executable=bool(entry.mode & 0o100))


def entries(archive: tarfile.TarFile, part: str) -> Iterator[tuple[str, tarfile.TarInfo]]:
    """Yield the files and links of a tar with their paths, each of which is where an unpacker puts it.

    An unpacker follows links that it has unpacked, and reads `a//b` as `a/b`: a second paths.json could come
    in the place of the one that was checked. `part` is how the error calls the tar.
    """
    seen: set[str] = set()
    links: set[str] = set()
    for entry in archive:
        path = entry.name.removeprefix("./")
        _require_place(path, links)
        if entry.isdir():
            continue
        if path in seen:
            raise _twice(path)
        if not (entry.issym() or entry.isfile() or entry.islnk()):
            message = f"contains `{path}` in {part}, which is not a file, a folder or a link"
            raise MalformedArchiveError(ArchiveFault.FORM, message, member=path)
        seen.add(path)
        if entry.issym():
            links.add(path)
        yield path, entry


def require_places(members: Iterable[Member]) -> None:
    """Refuse files that readers of the archive that is written of them would refuse for their places."""
    seen: set[str] = set()
    links: set[str] = set()
    for member in sorted(members, key=lambda member: member.path):
        _require_place(member.path, links)
        require_apart(member.path, info=member.is_info)
        if member.path in seen:
            raise _twice(member.path)
        seen.add(member.path)
        if member.link is not None:
            links.add(member.path)


def _twice(path: str) -> MalformedArchiveError:
    return MalformedArchiveError(ArchiveFault.FORM, f"contains `{path}` twice", member=path)


def _require_place(path: str, links: set[str]) -> None:
    if not is_inside(path):
        message = f"contains `{path}`, which is outside the archive"
        raise MalformedArchiveError(ArchiveFault.OUTSIDE, message, member=path)
    if posixpath.normpath(path) != path:
        message = f"contains `{path}`, which is the same file as another path"
        raise MalformedArchiveError(ArchiveFault.FORM, message, member=path)
    # A disk may know no case: there this is the file of the other name.
    if path.lower() in _DECIDING and path not in _DECIDING:
        message = f"contains `{path}`, which is the same file as `{path.lower()}` on some file systems"
        raise MalformedArchiveError(ArchiveFault.FORM, message, member=path)
    above = posixpath.dirname(path)
    while links and above:
        if above in links:
            message = f"contains `{path}`, which is below the link `{above}`"
            raise MalformedArchiveError(ArchiveFault.OUTSIDE, message, member=path)
        above = posixpath.dirname(above)


def require_apart(path: str, *, info: bool) -> None:
    """Refuse metadata among the files of a package, where they would replace its own, and the other way."""
    is_info = path.partition("/")[0].lower() == INFO
    if is_info != info:
        what = (
            "is in the metadata archive"
            if info
            else "is metadata in the archive of files, and would replace the real metadata"
        )
        raise MalformedArchiveError(ArchiveFault.FORM, f"is malformed: `{path}` {what}", member=path)


def _content(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(entry)
    return stream.read() if stream else b""
