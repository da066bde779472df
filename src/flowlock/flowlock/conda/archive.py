"""A .conda archive's members, read from any writer and written with the same bytes every time."""

import io
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flowlock.errors import FlowlockError

# The compressed bytes depend on all four.
ZSTANDARD_VERSION = "0.25.0"
ZSTD_VERSION = (1, 5, 7)
ZSTD_LEVEL = 19
ZSTD_THREADS = 0
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
    """Return every file of an archive; raises FlowlockError if it is damaged or a path leads outside."""
    try:
        with zipfile.ZipFile(path) as opened:
            names = [name for name in opened.namelist() if name.endswith(".tar.zst")]
            return [member for name in sorted(names) for member in _members(opened.read(name))]
    except (zipfile.BadZipFile, tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise _damaged(path, error) from error


def read_info(path: Path) -> dict[str, bytes]:
    """Return the metadata files of an archive by path, without unpacking the rest."""
    try:
        with zipfile.ZipFile(path) as opened:
            names = [name for name in opened.namelist() if name.startswith("info-")]
            if not names:
                raise ValueError("it has no info-*.tar.zst")  # noqa: TRY301 - reported as any damage
            return {member.path: member.data for member in _members(opened.read(names[0]))}
    except (zipfile.BadZipFile, tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise _damaged(path, error) from error


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


def _members(compressed: bytes) -> Iterator[Member]:
    import zstandard

    try:
        data = zstandard.ZstdDecompressor().stream_reader(compressed).read()
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for entry in archive:
            path = entry.name.removeprefix("./")
            if path.startswith("/") or ".." in path.split("/"):
                raise ValueError(f"`{path}` leads outside the archive")
            if entry.issym():
                yield Member(path=path, data=b"", link=entry.linkname)
            elif entry.isfile() or entry.islnk():
                stream = archive.extractfile(entry)
                content = stream.read() if stream else b""
                yield Member(path=path, data=content, executable=bool(entry.mode & 0o100))


def _damaged(path: Path, error: Exception) -> FlowlockError:
    return FlowlockError(
        f"{path.name} is not a complete .conda archive: {error}",
        code="FL511",
        hint="remove it and run `flowlock build` again",
    )
