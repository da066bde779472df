"""A channel's index files, from its records: the same records give the same bytes. Pure but for hashing.

repodata.json and its .zst as conda-index lays them out, and sharded repodata (CEP 16). No record has an
`indexed_timestamp`: it would tell when the index was made.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]


def index_files(
    records: Mapping[str, Mapping[str, Record]], compress: Callable[[bytes], bytes]
) -> dict[str, bytes]:
    """Return the index of a channel (relative path → content) from its records by subdir and file name."""
    found: dict[str, bytes] = {}
    for subdir, named in sorted(records.items()):
        repodata = repodata_json(subdir, named)
        found[f"{subdir}/repodata.json"] = repodata
        found[f"{subdir}/repodata.json.zst"] = compress(repodata)
        shards = {name: compress(msgpack(_shard(own))) for name, own in _by_name(named).items()}
        digests = {name: hashlib.sha256(data).digest() for name, data in shards.items()}
        for name, data in shards.items():
            found[f"{subdir}/shards/{digests[name].hex()}.msgpack.zst"] = data
        info = {"subdir": subdir, "base_url": "", "shards_base_url": "./shards/"}
        shard_index = compress(msgpack({"info": info, "shards": digests}))
        found[f"{subdir}/repodata_shards.msgpack.zst"] = shard_index
    return found


def repodata_json(subdir: str, records: Mapping[str, Record]) -> bytes:
    """Return repodata.json of one subdir."""
    document = {
        "info": {"subdir": subdir},
        "packages": {},
        "packages.conda": records,
        "removed": [],
        "repodata_version": 1,
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _by_name(records: Mapping[str, Record]) -> dict[str, dict[str, Record]]:
    names: dict[str, dict[str, Record]] = {}
    for file, record in sorted(records.items()):
        names.setdefault(str(record["name"]), {})[file] = record
    return names


def _shard(records: Mapping[str, Record]) -> dict[str, Any]:
    binary = {file: {**record, **_raw_digests(record)} for file, record in records.items()}
    return {"packages": {}, "packages.conda": binary, "removed": []}


def _raw_digests(record: Record) -> dict[str, bytes]:
    return {key: bytes.fromhex(record[key]) for key in ("md5", "sha256") if key in record}


def msgpack(value: Any) -> bytes:
    """Return a value in MessagePack, in its shortest form and with sorted keys.

    What the index needs of the format: nil, booleans, whole numbers, texts, bytes, lists, mappings.
    """
    match value:
        case None | bool():
            return {None: b"\xc0", False: b"\xc2", True: b"\xc3"}[value]
        case int():
            return _integer(value)
        case str() | bytes():
            return _text(value)
        case Mapping():
            pairs = (msgpack(key) + msgpack(value[key]) for key in sorted(value))
            return _head(len(value), 0x80, 16, b"\x00\xde\xdf") + b"".join(pairs)
        case Sequence():
            items = [msgpack(item) for item in value]
            return _head(len(items), 0x90, 16, b"\x00\xdc\xdd") + b"".join(items)
    raise TypeError(f"no MessagePack for {type(value).__name__}")


def _text(value: str | bytes) -> bytes:
    if isinstance(value, bytes):
        return _head(len(value), None, 0, b"\xc4\xc5\xc6") + value
    data = value.encode()
    return _head(len(data), 0xA0, 32, b"\xd9\xda\xdb") + data


def _integer(value: int) -> bytes:
    if value < 0:
        return b"\xd3" + value.to_bytes(8, "big", signed=True)
    if value < 0x80:  # noqa: PLR2004 - the format's positive fixint
        return bytes([value])
    for code, size in ((0xCC, 1), (0xCD, 2), (0xCE, 4)):
        if value < 1 << 8 * size:
            return bytes([code]) + value.to_bytes(size, "big")
    return b"\xcf" + value.to_bytes(8, "big")


def _head(length: int, fixed: int | None, below: int, codes: bytes) -> bytes:
    """Return a type and length: in one byte if it fits, else a code for 1, 2 or 4 bytes (0: no such code)."""
    if fixed is not None and length < below:
        return bytes([fixed | length])
    for code, size in zip(codes, (1, 2, 4), strict=True):
        if code and length < 1 << 8 * size:
            return bytes([code]) + length.to_bytes(size, "big")
    raise ValueError(f"{length} is too long for MessagePack")
