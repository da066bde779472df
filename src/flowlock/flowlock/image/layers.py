"""Layers: the same files give the same bytes, and each layer is made once."""

import hashlib
import io
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import BaseModel

from flowlock.conda import archive
from flowlock.edges import files, memo
from flowlock.image import oci

FOLDER, FILE, PROGRAM, LINK, SHARED_FOLDER = 0o755, 0o644, 0o755, 0o777, 0o1777
# Of one write to the compressor, always the same: the bytes that it makes of a stream could depend on it.
BLOCK = 100 * tarfile.RECORDSIZE
# Up to this size a tar is compressed in one call: that takes a seventh less time than a stream of blocks, but
# the tar is held in memory. The bytes of the two differ, so contents alone decide.
AT_ONCE = 256_000_000
MADE, INCOMING = "made", "incoming"


@dataclass(frozen=True, kw_only=True, slots=True)
class TarEntry:
    """A file, a link or a folder of a layer; `source` is the content of a file, or where it is."""

    path: str
    source: bytes | Path | None = None
    link: str | None = None
    mode: int = FILE
    owner: int = 0


class KeptLayer(BaseModel):
    """What is known of a layer that was made."""

    digest: str
    diff_id: str
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerCache:
    """A folder of blobs by their digests; beside them, what each layer was made from."""

    folder: Path

    def blob(self, digest: str) -> Path:
        """Return where a blob is kept."""
        return self.folder / "blobs" / digest.replace(":", "/")

    def holds(self, digest: str) -> bool:
        """Return whether a blob is kept with the bytes of its digest."""
        path = self.blob(digest)
        return path.is_file() and f"sha256:{files.sha256_of(path)}" == digest

    def find(self, key: str, title: str) -> oci.Layer | None:
        """Return the layer that was made from these contents, None unless it is kept, unchanged."""
        kept = memo.read(self._facts(key), KeptLayer)
        return _layer(kept, title) if kept is not None and self.holds(kept.digest) else None

    def add(self, key: str, title: str, entries: Iterable[TarEntry], epoch: datetime) -> oci.Layer:
        """Make a layer of these entries, keep it by the key of its contents, and return it."""
        incoming = self.folder / INCOMING / key
        with files.replacing(incoming) as stream:
            diff_id = write_tar(stream, entries, epoch)
        digest = f"sha256:{files.sha256_of(incoming)}"
        kept = KeptLayer(digest=digest, diff_id=diff_id, size=incoming.stat().st_size)
        self.blob(digest).parent.mkdir(parents=True, exist_ok=True)
        incoming.replace(self.blob(digest))
        memo.write(self._facts(key), kept.model_dump())
        return _layer(kept, title)

    def facts(self) -> Iterable[Path]:
        """Return the files that say what layers were made from, each named by its key."""
        return (self.folder / MADE).glob("*.json")

    def blobs(self) -> Iterable[Path]:
        """Return the blobs, each named by its sha256."""
        return (self.folder / "blobs" / "sha256").glob("*")

    def incoming(self) -> Iterable[Path]:
        """Return what layers were written to that were not completed."""
        return (self.folder / INCOMING).glob("*")

    def _facts(self, key: str) -> Path:
        return self.folder / MADE / f"{key}.json"


def _layer(kept: KeptLayer, title: str) -> oci.Layer:
    annotations = {oci.TITLE: title}
    blob = oci.Descriptor(
        media_type=oci.ZSTD_LAYER, digest=kept.digest, size=kept.size, annotations=annotations
    )
    return oci.Layer(blob=blob, diff_id=kept.diff_id, title=title)


class _HashedStream(io.BytesIO):
    """Passes bytes on to another stream in blocks of one size, and hashes them."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream
        self._sha256 = hashlib.sha256()
        self._block = bytearray()

    def write(self, data: Any, /) -> int:
        """Take bytes, and pass on each block that they fill."""
        self._block += data
        while len(self._block) >= BLOCK:
            self._pass_on(bytes(self._block[:BLOCK]))
            del self._block[:BLOCK]
        return len(data)

    def finish(self) -> str:
        """Pass on what is left, and return the digest of all that was written."""
        self._pass_on(bytes(self._block))
        return f"sha256:{self._sha256.hexdigest()}"

    def _pass_on(self, block: bytes) -> None:
        self._sha256.update(block)
        self._stream.write(block)


def write_tar(stream: BinaryIO, entries: Iterable[TarEntry], epoch: datetime) -> str:
    """Write a compressed tar of entries and the folders above them; return the digest of the tar.

    Sorted, dated by the epoch, with no more of owners and modes than the entries state.
    """
    ordered = sorted(entries, key=lambda entry: entry.path)
    if sum(map(_size, ordered)) <= AT_ONCE:
        whole = io.BytesIO()
        _write_entries(whole, ordered, epoch)
        stream.write(archive.compressor()(whole.getvalue()))
        return f"sha256:{hashlib.sha256(whole.getvalue()).hexdigest()}"
    with archive.compressed_into(stream) as compressed:
        hashed = _HashedStream(compressed)
        _write_entries(hashed, ordered, epoch)
        return hashed.finish()


def _size(entry: TarEntry) -> int:
    if isinstance(entry.source, Path):
        return entry.source.stat().st_size
    return len(entry.source or b"")


def _write_entries(stream: io.BytesIO, ordered: Iterable[TarEntry], epoch: datetime) -> None:
    with tarfile.TarFile(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT, copybufsize=BLOCK) as tar:
        written = {""}
        for entry in ordered:
            for folder in _folders_above(entry.path, written):
                _add(tar, TarEntry(path=folder, mode=FOLDER), epoch)
            written.add(entry.path)
            _add(tar, entry, epoch)


def _folders_above(path: str, written: set[str]) -> list[str]:
    """Return the folders of a path that are not written yet, the uppermost first; they are from now on."""
    missing = []
    folder = path.rpartition("/")[0]
    while folder not in written:
        missing.append(folder)
        written.add(folder)
        folder = folder.rpartition("/")[0]
    return missing[::-1]


def _add(tar: tarfile.TarFile, entry: TarEntry, epoch: datetime) -> None:
    header = tarfile.TarInfo(entry.path)
    header.mtime = int(epoch.timestamp())
    header.mode = entry.mode
    header.uid = header.gid = entry.owner
    if entry.link is not None:
        header.type, header.linkname = tarfile.SYMTYPE, entry.link
        tar.addfile(header)
    elif entry.source is None:
        header.type = tarfile.DIRTYPE
        tar.addfile(header)
    elif isinstance(entry.source, bytes):
        header.size = len(entry.source)
        tar.addfile(header, io.BytesIO(entry.source))
    else:
        with entry.source.open("rb") as content:
            header.size = entry.source.stat().st_size
            tar.addfile(header, content)
