"""A .conda archive's members, read from any writer and written with the same bytes every time."""

import io
import json
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from flowlock.conda.archive_faults import ArchiveFault, MalformedArchiveError
from flowlock.conda.members import INDEX, PATHS, Member, entries, members, require_apart
from flowlock.errors import FlowlockError

if TYPE_CHECKING:
    from zstandard import ZstdCompressionWriter, ZstdCompressor

# The compressed bytes depend on all four.
ZSTANDARD_VERSION = "0.25.0"
ZSTD_VERSION = (1, 5, 7)
# Seven times as fast as level 19, which was most of the time of a small build, for a tenth more bytes.
ZSTD_LEVEL = 12
ZSTD_THREADS = 0
# What the metadata of a package may unpack to: a paths.json of 100,000 files has 20 MB.
LARGEST_INFO = 64 * 2**20
# What is assumed of a file whose size paths.json does not tell, and of the headers of each file in a tar.
LARGEST_UNSTATED, PER_FILE = 2**20, 16 * 2**10
BLOCK = 2**20
# What malformed archives make their readers raise.
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
    OverflowError,
)
# Without one of these in its bytes, a tar has no file that could replace the metadata that were checked.
_DECIDING_NAMES = (b"paths.json", b"link.json")
# What an index.json must have, and what is of this kind if it is there.
_REQUIRED = ("name", "version", "build")
_KINDS: Mapping[str, tuple[type, str]] = {
    **dict.fromkeys((*_REQUIRED, "subdir"), (str, "a string")),
    "build_number": (int, "an integer"),
    "depends": (list, "a list"),
}
_ZIP_BEGINS = datetime(1980, 1, 1, tzinfo=UTC)


def read(path: Path) -> list[Member]:
    """Return every file of an archive; one that is damaged, or leaves its place, is a FlowlockError.

    It unpacks to no more than its own paths.json says.
    """
    with _opened(path) as opened:
        info, packed = _parts(opened)
        metadata = _info(opened, info)
        limit = _stated_size(metadata)
        return [*metadata, *_members_of(opened, packed, limit, info=False)]


def read_info(path: Path) -> dict[str, bytes]:
    """Return the metadata files of an archive by path, without unpacking the rest."""
    with _opened(path) as opened:
        return {member.path: member.data for member in _info(opened, _parts(opened)[0])}


def read_index(path: Path) -> dict[str, Any]:
    """Return what an archive's index.json says: a mapping that has at least a name, a version and a build."""
    with _opened(path) as opened:
        index = document(_info(opened, _parts(opened)[0]), INDEX)
        _require_kinds(index)
        return index


def _require_kinds(index: Mapping[str, Any]) -> None:
    for key in _REQUIRED:
        if key not in index:
            raise metadata_fault(INDEX, f"`{key}` is missing")
    for key, (kind, name) in _KINDS.items():
        if not isinstance(index.get(key, kind()), kind):
            raise metadata_fault(INDEX, f"`{key}` is not {name}")
    if not all(isinstance(spec, str) for spec in index.get("depends", ())):
        raise metadata_fault(INDEX, "`depends` is not a list of strings")


def check_size(path: Path) -> None:
    """Refuse an archive that is damaged, unpacks to more than its own paths.json says, or replaces that."""
    with _opened(path) as opened:
        info, packed = _parts(opened)
        limit = _stated_size(_info(opened, info))
        end = b""
        is_doubtful = False
        for block in _blocks(opened, packed, limit):
            text = end + block.lower()
            is_doubtful = is_doubtful or any(name in text for name in _DECIDING_NAMES)
            end = text[-max(map(len, _DECIDING_NAMES)) :]
        if is_doubtful:
            with _stream(opened, packed) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
                for member, _ in entries(archive, packed.filename):
                    require_apart(member, info=False)


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


def compressor(level: int = ZSTD_LEVEL) -> Callable[[bytes], bytes]:
    """Return the compressor of reproducible files; raises FlowlockError with another library version."""
    compress: Callable[[bytes], bytes] = _compressor(level).compress
    return compress


def compressed_into(stream: BinaryIO, level: int = ZSTD_LEVEL) -> "ZstdCompressionWriter":
    """Return a stream that writes reproducible bytes, compressed, into another one, which it leaves open."""
    return _compressor(level).stream_writer(stream, closefd=False)


def _compressor(level: int) -> "ZstdCompressor":
    import zstandard

    if (zstandard.__version__, zstandard.ZSTD_VERSION) != (ZSTANDARD_VERSION, ZSTD_VERSION):
        raise FlowlockError(
            f"zstandard {zstandard.__version__} compresses archives differently from {ZSTANDARD_VERSION}",
            code="FL510",
            hint=f"install zstandard=={ZSTANDARD_VERSION} from a wheel in flowlock's environment",
        )
    return zstandard.ZstdCompressor(level=level, threads=ZSTD_THREADS)


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
    except MalformedArchiveError as error:
        raise error.of(path) from error
    except RuntimeError as error:
        # What `zipfile` raises for encryption and for methods that it does not know.
        fault = MalformedArchiveError(
            ArchiveFault.FORM, f"uses a compression or encryption that is not supported: {error}"
        )
        raise fault.of(path) from error
    except _DAMAGE as error:
        fault = MalformedArchiveError(ArchiveFault.DAMAGED, f"is not a complete .conda archive: {error}")
        raise fault.of(path) from error


def _parts(opened: zipfile.ZipFile) -> tuple[zipfile.ZipInfo, zipfile.ZipInfo]:
    """Return the tars of the metadata and of the files (CEP 16), stored as they are: they are compressed."""
    parts = {
        entry.filename.partition("-")[0]: entry
        for entry in opened.infolist()
        if entry.filename.endswith(".tar.zst")
    }
    count = sum(entry.filename.endswith(".tar.zst") for entry in opened.infolist())
    if count != len(parts) or sorted(parts) != ["info", "pkg"]:
        message = "must contain exactly one `info-*.tar.zst` and one `pkg-*.tar.zst`"
        raise MalformedArchiveError(ArchiveFault.FORM, message)
    for entry in parts.values():
        if entry.compress_type != zipfile.ZIP_STORED:
            message = f"contains `{entry.filename}` compressed twice"
            raise MalformedArchiveError(ArchiveFault.FORM, message, member=entry.filename)
    return parts["info"], parts["pkg"]


def _info(opened: zipfile.ZipFile, part: zipfile.ZipInfo) -> list[Member]:
    return _members_of(opened, part, LARGEST_INFO, info=True)


def _members_of(opened: zipfile.ZipFile, part: zipfile.ZipInfo, limit: int, *, info: bool) -> list[Member]:
    """Return the files of a part; an error about damage names the part."""
    data = b"".join(_blocks(opened, part, limit))
    try:
        unpacked = list(members(data, part.filename))
    except _DAMAGE as error:
        raise _damaged_part(part, error) from error
    for member in unpacked:
        require_apart(member.path, info=info)
    return unpacked


def document(info: Iterable[Member], path: str) -> dict[str, Any]:
    """Return a JSON object of an archive's metadata; a MalformedArchiveError has its line and column."""
    data = [member.data for member in info if member.path == path]
    if not data:
        raise metadata_fault(path, "it is missing")
    try:
        content = json.loads(data[0])
    except json.JSONDecodeError as error:
        message = f"has metadata that is not valid JSON: {error.msg}"
        raise MalformedArchiveError(
            ArchiveFault.METADATA, message, member=path, line=error.lineno, column=error.colno
        ) from error
    except (ValueError, RecursionError) as error:
        raise metadata_fault(path, str(error)) from error
    if not isinstance(content, dict):
        raise metadata_fault(path, "it is not an object")
    return content


def metadata_fault(member: str, message: str) -> MalformedArchiveError:
    """Return the fault of a file of the metadata that is not what it should be."""
    message = f"has metadata that cannot be read: `{member}`: {message}"
    return MalformedArchiveError(ArchiveFault.METADATA, message, member=member)


def _damaged_part(part: zipfile.ZipInfo, error: Exception) -> MalformedArchiveError:
    message = f"is not a complete .conda archive: {error}"
    return MalformedArchiveError(ArchiveFault.DAMAGED, message, member=part.filename)


def _stated_size(info: Iterable[Member]) -> int:
    """Return how large a package's tar may be: its files, and the headers of each."""
    try:
        paths = document(info, PATHS)["paths"]
        sizes = [int(entry.get("size_in_bytes", LARGEST_UNSTATED)) for entry in paths]
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        raise metadata_fault(PATHS, f"it does not list the files with their sizes: {error}") from error
    return sum(max(0, size) for size in sizes) + PER_FILE * (len(sizes) + 1)


def _blocks(opened: zipfile.ZipFile, part: zipfile.ZipInfo, limit: int) -> Iterator[bytes]:
    """Yield what a part unpacks to, but no more than the limit."""
    unpacked = 0
    with _stream(opened, part) as stream:
        while block := stream.read(BLOCK):
            unpacked += len(block)
            if unpacked > limit:
                message = f"contains `{part.filename}`, which unpacks to more than {limit} bytes"
                raise MalformedArchiveError(ArchiveFault.TOO_LARGE, message, member=part.filename)
            yield block


@contextmanager
def _stream(opened: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[Any]:
    """Open a part for the block, which reads what it unpacks to."""
    import zstandard

    try:
        with opened.open(part) as stream:
            yield zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True)
    except RuntimeError as error:
        message = f"uses a compression or encryption that is not supported: {error}"
        raise MalformedArchiveError(ArchiveFault.FORM, message, member=part.filename) from error
    except (zstandard.ZstdError, *_DAMAGE) as error:
        raise _damaged_part(part, error) from error
