"""Archives with one realistic fault each: in their members, in how they are packed, in what they say."""

import io
import json
import random
import tarfile
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import zstandard

STEM = "x-1-h0_0"
PKG, INFO = f"pkg-{STEM}.tar.zst", f"info-{STEM}.tar.zst"
FORMAT = b'{"conda_pkg_format_version": 2}'
# Where a hostile member wants to be: outside, or in the place of the metadata that were checked.
OUTSIDE = ("../a", "/etc/a", "a\\..\\..\\b", "C:\\a", "a/../../b")
REPLACING = ("info/paths.json", "info//paths.json", "INFO/link.json", "info/./paths.json")
# In the header of a zip's member; in its directory, the same fields are two bytes later.
FLAGS, METHOD = 6, 8
_HEADERS = ((b"PK\x03\x04", 0), (b"PK\x01\x02", 2))
# In the directory: the size that a member unpacks to.
_SIZE = 24

TarEntry = tuple[tarfile.TarInfo, bytes]


def entry(path: str, data: bytes = b"", *, kind: bytes = tarfile.REGTYPE, link: str = "") -> TarEntry:
    """Return a member of a tar."""
    info = tarfile.TarInfo(path)
    info.size, info.type, info.linkname = len(data), kind, link
    return info, data


def tar(*entries: TarEntry) -> bytes:
    """Return a tar of these members, compressed."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as opened:
        for info, data in entries:
            opened.addfile(info, io.BytesIO(data))
    return zstandard.ZstdCompressor(level=1).compress(out.getvalue())


def zipped(members: Sequence[tuple[str, bytes]], *, method: int = zipfile.ZIP_STORED) -> bytes:
    """Return a zip of these members; a name may be there twice."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as opened, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for name, data in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            opened.writestr(info, data)
    return out.getvalue()


def with_field(data: bytes, offset: int, value: int) -> bytes:
    """Return a zip with a byte of every member's headers changed."""
    changed = bytearray(data)
    for signature, shift in _HEADERS:
        start = changed.find(signature)
        while start >= 0:
            changed[start + offset + shift] = value
            start = changed.find(signature, start + 1)
    return bytes(changed)


def with_size(data: bytes, size: int) -> bytes:
    """Return a zip whose directory says that its first member unpacks to so many bytes."""
    start = data.find(_HEADERS[1][0]) + _SIZE
    return data[:start] + size.to_bytes(4, "little") + data[start + 4 :]


def conda(documents: Mapping[str, bytes], *more: TarEntry) -> bytes:
    """Return a .conda archive with these documents in `info/`, one file, and more members beside it."""
    return zipped([("metadata.json", FORMAT), *_parts(documents, more)])


def _parts(documents: Mapping[str, bytes], more: Sequence[TarEntry] = ()) -> list[tuple[str, bytes]]:
    info = [entry(f"info/{name}.json", data) for name, data in documents.items()]
    return [(INFO, tar(*info)), (PKG, tar(entry("a", b"0123456789"), *more))]


def conda_with_fault(documents: Mapping[str, bytes], chance: random.Random) -> bytes:
    """Return a .conda archive with one fault that a program or an attacker would give it."""
    return chance.choice(_CONDA_FAULTS)(documents, chance)


def _outside(documents: Mapping[str, bytes], chance: random.Random) -> bytes:
    return conda(documents, entry(chance.choice(OUTSIDE), b"x"))


def _replacing(documents: Mapping[str, bytes], chance: random.Random) -> bytes:
    return conda(documents, entry(chance.choice(REPLACING), b"{}"))


def _below_a_link(documents: Mapping[str, bytes], _: random.Random) -> bytes:
    return conda(documents, entry("d", kind=tarfile.SYMTYPE, link="info"), entry("d/paths.json", b"{}"))


def _odd_member(documents: Mapping[str, bytes], chance: random.Random) -> bytes:
    odd = (entry("a", b"x"), entry("b", kind=tarfile.FIFOTYPE), entry("b", kind=tarfile.LNKTYPE, link="c"))
    return conda(documents, chance.choice(odd))


def _larger(documents: Mapping[str, bytes], chance: random.Random) -> bytes:
    return conda(documents, entry("b", bytes(chance.choice((40_000, 4_000_000)))))


def _unread_packing(documents: Mapping[str, bytes], chance: random.Random) -> bytes:
    offset, value = chance.choice(((FLAGS, 1), (METHOD, 99), (METHOD, 8)))
    return with_field(conda(documents), offset, value)


def _other_parts(documents: Mapping[str, bytes], chance: random.Random) -> bytes:
    info, pkg = _parts(documents)
    return zipped(chance.choice(([info], [pkg], [info, pkg, ("pkg-y.tar.zst", pkg[1])], [info, info])))


def _compressed_twice(documents: Mapping[str, bytes], _: random.Random) -> bytes:
    return zipped(_parts(documents), method=zipfile.ZIP_DEFLATED)


def _cut_part(documents: Mapping[str, bytes], chance: random.Random) -> bytes:
    parts = _parts(documents)
    number = chance.randrange(len(parts))
    name, data = parts[number]
    parts[number] = (name, data[: chance.randrange(len(data))])
    return zipped(parts)


def _without_document(documents: Mapping[str, bytes], chance: random.Random) -> bytes:
    absent = chance.choice(sorted(documents))
    return conda({name: data for name, data in documents.items() if name != absent})


def _other_index(documents: Mapping[str, bytes], chance: random.Random) -> bytes:
    key, value = chance.choice((("name", "y"), ("version", "2"), ("build", "h1_0"), ("build_number", "x")))
    index = {**json.loads(documents["index"]), key: value}
    return conda({**documents, "index": json.dumps(index).encode()})


def _outside_path(documents: Mapping[str, bytes], chance: random.Random) -> bytes:
    paths: dict[str, Any] = json.loads(documents["paths"])
    paths["paths"].append({"_path": chance.choice(OUTSIDE), "size_in_bytes": 1})
    return conda({**documents, "paths": json.dumps(paths).encode()})


_CONDA_FAULTS: tuple[Callable[[Mapping[str, bytes], random.Random], bytes], ...] = (
    _outside,
    _replacing,
    _below_a_link,
    _odd_member,
    _larger,
    _unread_packing,
    _other_parts,
    _compressed_twice,
    _cut_part,
    _without_document,
    _other_index,
    _outside_path,
)


def wheel_with_fault(members: Mapping[str, bytes], chance: random.Random) -> bytes:
    """Return a wheel `x` 1 with one fault that a program or an attacker would give it."""
    return chance.choice(_WHEEL_FAULTS)(members, chance)


def _misplaced_file(members: Mapping[str, bytes], chance: random.Random) -> bytes:
    names = (
        *OUTSIDE,
        "x-1.data/nowhere/a",
        "x-1.data/data/info/index.json",
        "x-1.data/purelib/x.py",
        "x-1.data/data/../../a",
    )
    return zipped([*members.items(), (chance.choice(names), b"x")])


def _far_larger(members: Mapping[str, bytes], chance: random.Random) -> bytes:
    return with_size(zipped(list(members.items())), chance.choice((2**31, 2**32 - 2)))


def _unread_wheel(members: Mapping[str, bytes], chance: random.Random) -> bytes:
    offset, value = chance.choice(((FLAGS, 1), (METHOD, 99), (METHOD, 97)))
    return with_field(zipped(list(members.items())), offset, value)


def _without_file(members: Mapping[str, bytes], chance: random.Random) -> bytes:
    absent = chance.choice([name for name in members if name.endswith(("/METADATA", "/WHEEL"))])
    return zipped([(name, data) for name, data in members.items() if name != absent])


def _other_wheel(members: Mapping[str, bytes], chance: random.Random) -> bytes:
    old, new = chance.choice(((b"Name: x", b"Name: y"), (b"Version: 1\n", b"Version: 2\n")))
    return zipped([(name, data.replace(old, new)) for name, data in members.items()])


def _other_folder(members: Mapping[str, bytes], _: random.Random) -> bytes:
    return zipped([(name.replace("x-1.dist-info", "y-1.dist-info"), data) for name, data in members.items()])


def _bad_metadata(members: Mapping[str, bytes], chance: random.Random) -> bytes:
    lines = (b"Requires-Dist: a=>1", b"Requires-Python: 3.x", b"Requires-Dist: b[", b"Summary: \xff")
    line = chance.choice(lines)
    changed = {
        name: line + b"\n" + data if name.endswith("/METADATA") else data for name, data in members.items()
    }
    return zipped(list(changed.items()))


def _other_checksum(members: Mapping[str, bytes], chance: random.Random) -> bytes:
    data = zipped(list(members.items()))
    content = chance.choice([content for content in members.values() if len(content) > 4])
    start = data.find(content)
    return data[:start] + bytes([data[start] ^ 1]) + data[start + 1 :]


_WHEEL_FAULTS: tuple[Callable[[Mapping[str, bytes], random.Random], bytes], ...] = (
    _misplaced_file,
    _far_larger,
    _unread_wheel,
    _without_file,
    _other_wheel,
    _other_folder,
    _bad_metadata,
    _other_checksum,
)
