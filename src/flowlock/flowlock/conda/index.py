"""A channel's index files, from its records: the same records give the same bytes. Pure but for hashing.

repodata.json and its .zst as conda-index lays them out, and sharded repodata (CEP 16). No record has an
`indexed_timestamp`: it would tell when the index was made.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

Record = Mapping[str, Any]


def index_files(
    records: Mapping[str, Mapping[str, Record]], compress: Callable[[bytes], bytes]
) -> dict[str, bytes]:
    """Return the index of a channel (relative path → content) from its records by subdir and file name."""
    files: dict[str, bytes] = {}
    for subdir, named in sorted(records.items()):
        repodata = repodata_json(subdir, named)
        files[f"{subdir}/repodata.json"] = repodata
        files[f"{subdir}/repodata.json.zst"] = compress(repodata)
        shards = {name: compress(_packed(_shard(own))) for name, own in _by_name(named).items()}
        digests = {name: hashlib.sha256(data).digest() for name, data in shards.items()}
        for name, data in shards.items():
            files[f"{subdir}/shards/{digests[name].hex()}.msgpack.zst"] = data
        info = {"subdir": subdir, "base_url": "", "shards_base_url": "./shards/"}
        shard_index = compress(_packed({"info": info, "shards": digests}))
        files[f"{subdir}/repodata_shards.msgpack.zst"] = shard_index
    return files


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
    packages = {}
    for file, record in records.items():
        digests = {key: bytes.fromhex(record[key]) for key in ("md5", "sha256") if key in record}
        packages[file] = {**record, **digests}
    return {"packages": {}, "packages.conda": packages, "removed": []}


def _packed(value: Any) -> bytes:
    """Return a value as MessagePack; mappings are sorted by key, so that equal records give equal bytes."""
    import msgpack

    packed: bytes = msgpack.packb(_sorted(value))
    return packed


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [_sorted(item) for item in value]
    return value
