"""Archives of others: each that is malformed, or larger than it says, is one problem in bounded memory."""

import bz2
import io
import json
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from flowlock.conda import archive
from flowlock.conda.installable import refuse_unsafe, refuse_unsafe_info
from flowlock.errors import FlowlockError
from shared import seeded
from unit.conda.archives import STEM, compressed, conda, file, paths_json, tar


def refused(path: Path, code: str, *readers: Callable[[Path], object]) -> str:
    """Return what the readers say of an archive: place and message."""
    told = set()
    for reader in readers or (archive.read, refuse_unsafe):
        with pytest.raises(FlowlockError) as caught:
            reader(path)
        (problem,) = caught.value.problems
        assert problem.code == code, problem
        assert problem.hint
        told.add(f"{problem.location}: {problem.message}")
    return told.pop()


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
    message = refused(path, "FL518")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert f"{STEM}.conda/{part}-{STEM}.tar.zst: " in message
    assert "unpacks to more than" in message
    assert most < 200 * 2**20


@pytest.mark.parametrize(
    ("members", "code", "message"),
    [
        ([file("../a")], "FL517", "x-1-0.conda/../a: x-1-0.conda contains `../a`, which is outside"),
        ([file("/a")], "FL517", "is outside the archive"),
        ([file("a\\..\\..\\b")], "FL517", "is outside the archive"),
        ([file("C:\\a")], "FL517", "is outside the archive"),
        ([file("a"), file("a")], "FL519", "x-1-0.conda/a: x-1-0.conda contains `a` twice"),
        ([file("a", kind=tarfile.FIFOTYPE)], "FL519", "is not a file, a folder or a link"),
        ([file("a", kind=tarfile.CHRTYPE)], "FL519", "is not a file, a folder or a link"),
        ([file("a", kind=tarfile.LNKTYPE, link="absent")], "FL511", "absent"),
        ([file("a", kind=tarfile.LNKTYPE, link="a")], "FL511", ""),
    ],
)
def test_a_member_that_no_package_has_is_refused(
    tmp_path: Path, members: list[tuple[tarfile.TarInfo, bytes]], code: str, message: str
) -> None:
    assert message in refused(conda(tmp_path, tar(*members)), code, archive.read)


EVIL = json.dumps({"paths": [{"_path": "../x", "size_in_bytes": 10}]}).encode()
SOUND = (file("info/index.json", b"{}"), paths_json("a"))
FILES = (file("a"),)
LINKED = file("d", kind=tarfile.SYMTYPE, link="info")
LINKED_INSIDE = file("info/d", kind=tarfile.SYMTYPE, link=".")


@pytest.mark.parametrize(
    ("info", "files", "code"),
    [
        (SOUND, (*FILES, file("info/paths.json", EVIL)), "FL519"),
        (SOUND, (*FILES, file("INFO/paths.json", EVIL)), "FL519"),
        (SOUND, (*FILES, file("info//paths.json", EVIL)), "FL519"),
        (SOUND, (*FILES, file("x/../info/paths.json", EVIL)), "FL517"),
        (SOUND, (*FILES, LINKED, file("d/paths.json", EVIL)), "FL517"),
        (SOUND, (*FILES, file("info/link.json", b"{}")), "FL519"),
        ((*SOUND, file("info//paths.json", EVIL)), FILES, "FL519"),
        ((*SOUND, file("info/./paths.json", EVIL)), FILES, "FL519"),
        ((*SOUND, file("info/Paths.json", EVIL)), FILES, "FL519"),
        ((*SOUND, LINKED_INSIDE, file("info/d/paths.json", EVIL)), FILES, "FL517"),
    ],
)
def test_a_second_paths_json_cannot_take_the_place_of_the_one_that_is_checked(
    tmp_path: Path,
    info: tuple[tuple[tarfile.TarInfo, bytes], ...],
    files: tuple[tuple[tarfile.TarInfo, bytes], ...],
    code: str,
) -> None:
    refused(conda(tmp_path, tar(*files), tar(*info)), code)


def test_a_file_that_speaks_of_paths_json_is_one_like_others(tmp_path: Path) -> None:
    link = file("d", kind=tarfile.SYMTYPE, link="a")
    files = tar(file("a", b"see info/paths.json"), link, file("b/link.json"))
    info = tar(file("info/index.json", b"{}"), paths_json("a", "d", "b/link.json"))
    refuse_unsafe(conda(tmp_path, files, info))


@pytest.mark.parametrize(
    ("info", "code", "place"),
    [
        (b"", "FL511", f"info-{STEM}.tar.zst"),
        (b"not a tar", "FL511", f"info-{STEM}.tar.zst"),
        (tar(file("info/index.json", b"{}")), "FL522", "info/paths.json"),
        (tar(file("info/paths.json", b'{\n"paths" 5}')), "FL522", "info/paths.json:2:9"),
        (tar(file("info/paths.json", b"\xff")), "FL522", "info/paths.json"),
        (tar(file("info/paths.json", b"[]")), "FL522", "info/paths.json"),
        (tar(file("info/paths.json", b'{"paths": 5}')), "FL522", "info/paths.json"),
        (tar(file("info/paths.json", b'{"paths": [5]}')), "FL522", "info/paths.json"),
        (tar(paths_json("a", size="x")), "FL522", "info/paths.json"),
        (tar(paths_json("a", size=float("inf"))), "FL522", "info/paths.json"),
        (tar(paths_json("a", size=-1_000_000)), "FL518", f"pkg-{STEM}.tar.zst"),
        (tar(file("info/paths.json", b"[" * 100_000)), "FL522", "info/paths.json"),
        (tar(file("outside"), paths_json("a")), "FL519", "outside"),
    ],
)
def test_metadata_that_is_malformed_is_refused(tmp_path: Path, info: bytes, code: str, place: str) -> None:
    path = conda(tmp_path, tar(file("a", b"0123456789" * 10_000)), info)
    assert refused(path, code, archive.read).startswith(f"{STEM}.conda/{place}: ")


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_part_that_is_compressed_twice_is_refused(tmp_path: Path, method: int) -> None:
    assert "compressed twice" in refused(conda(tmp_path, tar(file("a")), method=method), "FL519")


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
    assert "exactly one" in refused(conda(tmp_path, tar(file("a")), names=names), "FL519")


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
    refused(path, "FL519")


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
                    assert error.problems[0].code in {"FL511", "FL517", "FL518", "FL519", "FL522"}  # noqa: PT017 - most are no errors


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "..\\x", "C:\\x", "C:x", "", "a\0b"])
def test_a_path_outside_of_the_environment_is_never_installed(tmp_path: Path, path: str) -> None:
    with pytest.raises(FlowlockError) as caught:
        refuse_unsafe(conda(tmp_path, tar(file("a")), tar(paths_json("ok", path))))
    assert caught.value.problems[0].code == "FL517"


@pytest.mark.parametrize("line", ["../../x = a:b", "/x = a:b", "x", "a\nb = c:d", "x = a:b; import os"])
def test_a_command_outside_of_its_folder_is_never_installed(line: str) -> None:
    info = {"info/link.json": json.dumps({"noarch": {"type": "python", "entry_points": [line]}}).encode()}
    with pytest.raises(FlowlockError) as caught:
        refuse_unsafe_info(info, Path("x"))
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
        with pytest.raises(FlowlockError, match="outside the environment"):
            refuse_unsafe(old)
    old.write_bytes(b"not an archive")
    refused(old, "FL511", refuse_unsafe)


def test_in_an_archive_of_the_older_format_too_nothing_replaces_what_is_checked(tmp_path: Path) -> None:
    old = tmp_path / f"{STEM}.tar.bz2"
    for replacing in ("./info//paths.json", "info/./paths.json", "info/paths.json", "info/d/paths.json"):
        with tarfile.open(old, "w:bz2") as opened:
            for entry, data in (paths_json("a"), LINKED_INSIDE, file(replacing, EVIL)):
                opened.addfile(entry, io.BytesIO(data))
        refused(old, "FL517" if "/d/" in replacing else "FL519", refuse_unsafe)


def test_a_bomb_of_the_older_format_is_refused_before_it_takes_long(tmp_path: Path) -> None:
    old = tmp_path / f"{STEM}.tar.bz2"
    with bz2.open(old, "w") as stream:
        entry, _ = file("zeros")
        entry.size = 2**30
        stream.write(entry.tobuf())
        for _ in range(200):
            stream.write(bytes(2**20))
    assert "far more" in refused(old, "FL518", refuse_unsafe)


def test_a_paths_json_that_is_too_large_to_be_checked_is_refused(tmp_path: Path) -> None:
    old = tmp_path / f"{STEM}.tar.bz2"
    with tarfile.open(old, "w:bz2") as opened:
        padding = seeded("padding").randbytes(2**21)
        entry, data = file("info/paths.json", EVIL + b" " * archive.LARGEST_INFO)
        opened.addfile(*file("padding", padding)[:1], io.BytesIO(padding))
        opened.addfile(entry, io.BytesIO(data))
    assert "info/paths.json: " in refused(old, "FL518", refuse_unsafe)


def test_a_file_below_a_link_of_its_package_is_never_installed(tmp_path: Path) -> None:
    entries = [{"_path": "lib", "path_type": "softlink"}, {"_path": "lib/x", "path_type": "hardlink"}]
    info = {"info/paths.json": json.dumps({"paths": entries}).encode()}
    with pytest.raises(FlowlockError, match="`lib/x` below the link `lib`") as caught:
        refuse_unsafe_info(info, tmp_path / f"{STEM}.conda")
    assert caught.value.problems[0].code == "FL517"


IDENTITY = b'"name": "x", "version": "1", "build": "0"'


@pytest.mark.parametrize(
    "index",
    [
        None,
        b"",
        b"[]",
        b"{}",
        b'{"name": 5, "version": "1", "build": "0"}',
        b'{%s, "build_number": 1e999}' % IDENTITY,
        b'{%s, "build_number": "0"}' % IDENTITY,
        b'{%s, "subdir": null}' % IDENTITY,
        b'{%s, "depends": "python"}' % IDENTITY,
        b'{%s, "depends": [5]}' % IDENTITY,
    ],
)
def test_an_index_that_is_malformed_is_refused(tmp_path: Path, index: bytes | None) -> None:
    members = [file("info/index.json", index)] if index is not None else []
    path = conda(tmp_path, tar(file("a")), tar(*members, paths_json("a")))
    assert refused(path, "FL522", archive.read_index).startswith(f"{STEM}.conda/info/index.json:")
