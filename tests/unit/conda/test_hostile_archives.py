"""Archives of others: each that is malformed, or larger than it says, is one problem in bounded memory."""

import io
import json
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from flowlock.conda import archive
from flowlock.conda.installable import refuse_unsafe, refuse_unsafe_info
from flowlock.errors import FlowlockError

STEM = "x-1-0"


def compressed(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


def tar(*entries: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as opened:
        for entry, data in entries:
            opened.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def file(
    path: str, data: bytes = b"", *, kind: bytes = tarfile.REGTYPE, link: str = ""
) -> tuple[tarfile.TarInfo, bytes]:
    entry = tarfile.TarInfo(path)
    entry.size, entry.type, entry.linkname = len(data), kind, link
    return entry, data


def paths_json(*paths: str, size: int = 10, **more: Any) -> tuple[tarfile.TarInfo, bytes]:
    entries = [{"_path": path, "size_in_bytes": size, **more} for path in paths]
    return file("info/paths.json", json.dumps({"paths": entries}).encode())


def conda(
    folder: Path,
    pkg: bytes,
    info: bytes | None = None,
    *,
    method: int = zipfile.ZIP_STORED,
    names: tuple[str, str] = (f"info-{STEM}.tar.zst", f"pkg-{STEM}.tar.zst"),
    compress: Callable[[bytes], bytes] = compressed,
) -> Path:
    path = folder / f"{STEM}.conda"
    info = tar(file("info/index.json", b"{}"), paths_json("a")) if info is None else info
    with zipfile.ZipFile(path, "w", method) as opened:
        for name, data in zip(names, (info, pkg), strict=True):
            opened.writestr(name, compress(data))
    return path


def refused(path: Path, *readers: Callable[[Path], object]) -> str:
    messages = set()
    for reader in readers or (archive.read, refuse_unsafe):
        with pytest.raises(FlowlockError) as caught:
            reader(path)
        assert caught.value.problems[0].code == "FL511"
        messages.add(caught.value.message)
    return messages.pop()


def test_a_sound_archive_is_read(tmp_path: Path) -> None:
    path = conda(tmp_path, tar(file("a", b"0123456789")))
    assert {member.path for member in archive.read(path)} == {"info/index.json", "info/paths.json", "a"}
    refuse_unsafe(path)


def test_frames_of_several_writers_are_one_tar(tmp_path: Path) -> None:
    def in_frames(data: bytes) -> bytes:
        return compressed(data[:700]) + compressed(data[700:])

    path = conda(tmp_path, tar(file("a", b"0123456789")), compress=in_frames)
    assert b"0123456789" in {member.data for member in archive.read(path)}


@pytest.mark.parametrize("part", ["info", "pkg"])
def test_a_bomb_is_refused_before_it_fills_the_memory(tmp_path: Path, part: str) -> None:
    zeros = zstandard.ZstdCompressor(level=19)
    block = bytes(2**20)
    bomb = io.BytesIO()
    with zeros.stream_writer(bomb, closefd=False) as writer:
        for _ in range(2000):
            writer.write(block)
    path = tmp_path / f"{STEM}.conda"
    sound = zeros.compress(tar(file("info/index.json", b"{}"), paths_json("a")))
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr(f"info-{STEM}.tar.zst", bomb.getvalue() if part == "info" else sound)
        opened.writestr(f"pkg-{STEM}.tar.zst", bomb.getvalue())
    tracemalloc.start()
    message = refused(path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "unpacks to more than" in message
    assert most < 200 * 2**20


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([file("../a")], "leads outside the archive"),
        ([file("/a")], "leads outside the archive"),
        ([file("a\\..\\..\\b")], "leads outside the archive"),
        ([file("C:\\a")], "leads outside the archive"),
        ([file("a"), file("a")], "is in it twice"),
        ([file("a", kind=tarfile.FIFOTYPE)], "neither a file nor a folder nor a link"),
        ([file("a", kind=tarfile.CHRTYPE)], "neither a file nor a folder nor a link"),
        ([file("a", kind=tarfile.LNKTYPE, link="absent")], "absent"),
        ([file("a", kind=tarfile.LNKTYPE, link="a")], ""),
    ],
)
def test_a_member_that_no_package_has_is_refused(
    tmp_path: Path, members: list[tuple[tarfile.TarInfo, bytes]], message: str
) -> None:
    assert message in refused(conda(tmp_path, tar(*members)), archive.read)


@pytest.mark.parametrize(
    "info",
    [
        b"",
        b"not a tar",
        tar(file("info/index.json", b"{}")),
        tar(file("info/paths.json", b"not json")),
        tar(file("info/paths.json", b"[]")),
        tar(file("info/paths.json", b'{"paths": 5}')),
        tar(file("info/paths.json", b'{"paths": [5]}')),
        tar(file("info/paths.json", b'{"paths": [{"_path": "a", "size_in_bytes": "x"}]}')),
        tar(file("info/paths.json", b'{"paths": [{"_path": "a", "size_in_bytes": 1e999}]}')),
        tar(file("info/paths.json", b'{"paths": [{"size_in_bytes": -1000000}]}')),
        tar(file("info/paths.json", b"[" * 100_000)),
        tar(file("outside"), paths_json("a")),
    ],
)
def test_metadata_that_is_malformed_is_refused(tmp_path: Path, info: bytes) -> None:
    refused(conda(tmp_path, tar(file("a", b"0123456789" * 10_000)), info), archive.read)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_part_that_is_compressed_twice_is_refused(tmp_path: Path, method: int) -> None:
    assert "compressed twice" in refused(conda(tmp_path, tar(file("a")), method=method))


@pytest.mark.parametrize(
    "names",
    [
        ("info-x.tar.zst", "info-y.tar.zst"),
        ("pkg-x.tar.zst", "pkg-y.tar.zst"),
        ("a", "b"),
        ("info-x.tar.zst", "x"),
    ],
)
def test_other_parts_than_a_package_has_are_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    assert "other parts" in refused(conda(tmp_path, tar(file("a")), names=names))


@pytest.mark.parametrize(("offset", "value"), [(6, 1), (8, 99), (8, 1)])
def test_encryption_and_methods_that_are_not_known_are_refused(
    tmp_path: Path, offset: int, value: int
) -> None:
    path = conda(tmp_path, tar(file("a")))
    data = bytearray(path.read_bytes())
    # In the header of each member, and in the directory, where the same fields are two bytes later.
    for signature, shift in ((b"PK\x03\x04", 0), (b"PK\x01\x02", 2)):
        start = data.find(signature)
        while start >= 0:
            data[start + offset + shift] = value
            start = data.find(signature, start + 1)
    path.write_bytes(data)
    refused(path)


def test_every_cut_and_every_changed_byte_is_a_problem_or_no_matter(tmp_path: Path) -> None:
    path = conda(tmp_path, tar(file("a", b"0123456789")))
    sound = path.read_bytes()
    for position in range(0, len(sound), 7):
        for mutant in (
            sound[:position],
            sound[:position] + bytes([sound[position] ^ 0xFF]) + sound[position + 1 :],
        ):
            path.write_bytes(mutant)
            for reader in (archive.read, archive.read_info, refuse_unsafe):
                try:
                    reader(path)
                except FlowlockError as error:
                    assert error.problems[0].code in {"FL511", "FL517"}  # noqa: PT017 - most are no errors


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "..\\x", "C:\\x", "C:x", "", "a\0b"])
def test_a_path_outside_of_the_environment_is_never_installed(tmp_path: Path, path: str) -> None:
    with pytest.raises(FlowlockError) as caught:
        refuse_unsafe(conda(tmp_path, tar(file("a")), tar(paths_json("ok", path))))
    assert caught.value.problems[0].code == "FL517"


@pytest.mark.parametrize("line", ["../../x = a:b", "/x = a:b", "x", "a\nb = c:d", "x = a:b; import os"])
def test_a_command_outside_of_its_folder_is_never_installed(line: str) -> None:
    info = {"info/link.json": json.dumps({"noarch": {"type": "python", "entry_points": [line]}}).encode()}
    with pytest.raises(FlowlockError) as caught:
        refuse_unsafe_info(info, "x")
    assert caught.value.problems[0].code == "FL517"


def test_an_archive_of_the_older_format_is_checked_too(tmp_path: Path) -> None:
    for path, sound in (("lib/x", True), ("../x", False)):
        old = tmp_path / f"{STEM}.tar.bz2"
        with tarfile.open(old, "w:bz2") as opened:
            entry, data = paths_json(path)
            opened.addfile(entry, io.BytesIO(data))
        if sound:
            refuse_unsafe(old)
            continue
        with pytest.raises(FlowlockError, match="outside of the environment"):
            refuse_unsafe(old)
    old.write_bytes(b"not an archive")
    refused(old, refuse_unsafe)


@pytest.mark.parametrize("index", [None, b"", b"[]", b"{}", b'{"name": 5, "version": "1", "build": "0"}'])
def test_an_index_that_is_malformed_is_refused(tmp_path: Path, index: bytes | None) -> None:
    members = [file("info/index.json", index)] if index is not None else []
    path = conda(tmp_path, tar(file("a")), tar(*members, paths_json("a")))
    refused(path, archive.read_index)
