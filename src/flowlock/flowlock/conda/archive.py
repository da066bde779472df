"""A .conda archive's members, read from any writer and written with the same bytes every time."""

import io
import json
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flowlock.errors import FlowlockError

# The compressed bytes depend on all four.
ZSTANDARD_VERSION = "0.25.0"
ZSTD_VERSION = (1, 5, 7)
ZSTD_LEVEL = 19
ZSTD_THREADS = 0
# What the metadata of a package may unpack to: a paths.json of 100,000 files has 20 MB.
LARGEST_INFO = 64 * 2**20
# What is assumed of a file whose size paths.json does not tell, and of the headers of each file in a tar.
LARGEST_UNSTATED, PER_FILE = 2**20, 16 * 2**10
BLOCK = 2**20
# What malformed archives make their readers raise: encryption and compression that is not known, too.
_DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RuntimeError,
    OverflowError,
)
_DRIVE = re.compile("[A-Za-z]:")
_ZIP_BEGINS = datetime(1980, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A file of the archive: its path in the environment (or below `info/`), contents, and kind."""

    path: str
    data: bytes
    executable: bool = False
    link: str | None = None

    @property
    def is_info(self) -> bool:
        """Whether it is metadata, which lies in a tar of its own."""
        return self.path.startswith("info/")


def read(path: Path) -> list[Member]:
    """Return every file of an archive; one that is damaged, or leaves its place, is a FlowlockError.

    It unpacks to no more than its own paths.json says.
    """
    with _opened(path) as opened:
        info = _info(opened)
        packed = [
            _members(_unpacked(opened, entry, _stated_size(info)))
            for entry in _parts(opened)
            if not _is_info(entry)
        ]
        return _without_repetition([*info, *(member for members in packed for member in members)])


def read_info(path: Path) -> dict[str, bytes]:
    """Return the metadata files of an archive by path, without unpacking the rest."""
    with _opened(path) as opened:
        return {member.path: member.data for member in _info(opened)}


def read_index(path: Path) -> dict[str, Any]:
    """Return what an archive's index.json says: a mapping that has at least a name, a version and a build."""
    with _opened(path) as opened:
        (data,) = (member.data for member in _info(opened) if member.path == "info/index.json")
        index = dict(json.loads(data))
        for key in ("name", "version", "build"):
            if not isinstance(index[key], str):
                raise TypeError(f"`{key}` of its index.json is not a string")
        return index


def check_size(path: Path) -> None:
    """Refuse an archive that is damaged, or unpacks to more than its own paths.json says."""
    with _opened(path) as opened:
        limit = _stated_size(_info(opened))
        for entry in _parts(opened):
            if not _is_info(entry):
                for _ in _blocks(opened, entry, limit):
                    continue


def write(
    stem: str,
    members: Iterable[Member],
    *,
    epoch: datetime,
    compress: Callable[[bytes], bytes] | None = None,
) -> bytes:
    """Return a .conda archive of these members: sorted, dated by the epoch, owned by root.

    Its bytes are reproducible with the default `compress`; another is for archives that stay on this machine.
    """
    compress = compress or compressor()
    ordered = sorted(members, key=lambda member: member.path)
    parts = {
        "metadata.json": b'{"conda_pkg_format_version": 2}',
        f"pkg-{stem}.tar.zst": compress(_tar((m for m in ordered if not m.is_info), epoch)),
        f"info-{stem}.tar.zst": compress(_tar((m for m in ordered if m.is_info), epoch)),
    }
    moment = max(epoch.astimezone(UTC), _ZIP_BEGINS)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, data in parts.items():
            entry = zipfile.ZipInfo(name, moment.timetuple()[:6])
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, data)
    return out.getvalue()


def compressor() -> Callable[[bytes], bytes]:
    """Return the compressor of reproducible archives; raises FlowlockError with another library version."""
    import zstandard

    if (zstandard.__version__, zstandard.ZSTD_VERSION) != (ZSTANDARD_VERSION, ZSTD_VERSION):
        raise FlowlockError(
            f"zstandard {zstandard.__version__} compresses archives to other bytes than {ZSTANDARD_VERSION}",
            code="FL510",
            hint=f"install zstandard=={ZSTANDARD_VERSION} from a wheel beside flowlock",
        )
    return zstandard.ZstdCompressor(level=ZSTD_LEVEL, threads=ZSTD_THREADS).compress


def _tar(members: Iterable[Member], epoch: datetime) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member in members:
            entry = tarfile.TarInfo(member.path)
            entry.mtime = int(epoch.timestamp())
            entry.mode = 0o755 if member.executable or member.link else 0o644
            if member.link is not None:
                entry.type, entry.linkname = tarfile.SYMTYPE, member.link
                archive.addfile(entry)
            else:
                entry.size = len(member.data)
                archive.addfile(entry, io.BytesIO(member.data))
    return out.getvalue()


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open an archive for the block, in which whatever a malformed one raises is a FlowlockError."""
    try:
        with zipfile.ZipFile(path) as opened:
            yield opened
    except _DAMAGE as error:
        raise _damaged(path, error) from error


def _parts(opened: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the two tars of an archive (CEP 16), which are stored as they are: they are compressed."""
    entries = [entry for entry in opened.infolist() if entry.filename.endswith(".tar.zst")]
    if sorted(entry.filename.partition("-")[0] for entry in entries) != ["info", "pkg"]:
        raise ValueError("it has other parts than one `info-*.tar.zst` and one `pkg-*.tar.zst`")
    for entry in entries:
        if entry.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"`{entry.filename}` is compressed twice")
    return sorted(entries, key=lambda entry: entry.filename)


def _is_info(entry: zipfile.ZipInfo) -> bool:
    return entry.filename.startswith("info-")


def _info(opened: zipfile.ZipFile) -> list[Member]:
    (entry,) = filter(_is_info, _parts(opened))
    members = _without_repetition(_members(_unpacked(opened, entry, LARGEST_INFO)))
    for member in members:
        if not member.is_info:
            raise ValueError(f"`{member.path}` is among the metadata")
    return members


def _stated_size(info: Iterable[Member]) -> int:
    """Return how large a package's tar may be: its files, and the headers of each."""
    data = next((member.data for member in info if member.path == "info/paths.json"), None)
    if data is None:
        raise ValueError("it has no info/paths.json")
    entries = json.loads(data)["paths"]
    sizes = [int(entry.get("size_in_bytes", LARGEST_UNSTATED)) for entry in entries]
    return sum(max(0, size) for size in sizes) + PER_FILE * (len(sizes) + 1)


def _unpacked(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int) -> bytes:
    return b"".join(_blocks(opened, entry, limit))


def _blocks(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int) -> Iterator[bytes]:
    """Yield what a part unpacks to; more than the limit is a ValueError."""
    import zstandard

    unpacked = 0
    try:
        with opened.open(entry) as stream:
            reader = zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True)
            while block := reader.read(BLOCK):
                unpacked += len(block)
                if unpacked > limit:
                    raise ValueError(f"`{entry.filename}` unpacks to more than {limit} bytes")
                yield block
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error


def _members(data: bytes) -> Iterator[Member]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for entry in archive:
            path = entry.name.removeprefix("./")
            if not is_inside(path):
                raise ValueError(f"`{path}` leads outside the archive")
            if entry.issym():
                yield Member(path=path, data=b"", link=entry.linkname)
            elif entry.isfile() or entry.islnk():
                # A sparse file is larger than what the tar holds of it.
                if entry.size > len(data):
                    raise ValueError(f"`{path}` says that it has {entry.size} bytes")
                stream = archive.extractfile(entry)
                content = stream.read() if stream else b""
                yield Member(path=path, data=content, executable=bool(entry.mode & 0o100))
            elif not entry.isdir():
                raise ValueError(f"`{path}` is neither a file nor a folder nor a link")


def is_inside(path: str) -> bool:
    """Say whether a path of a package leads to a place inside of it, whatever the operating system."""
    parts = re.split(r"[/\\]", path)
    return bool(parts[0]) and ".." not in parts and not _DRIVE.match(path) and "\0" not in path


def _without_repetition(members: Iterable[Member]) -> list[Member]:
    by_path: dict[str, Member] = {}
    for member in members:
        if member.path in by_path:
            raise ValueError(f"`{member.path}` is in it twice")
        by_path[member.path] = member
    return list(by_path.values())


def _damaged(path: Path, error: Exception) -> FlowlockError:
    return FlowlockError(
        f"{path.name} is not a complete .conda archive: {error}",
        code="FL511",
        hint="remove it and run `flowlock build` again",
    )
