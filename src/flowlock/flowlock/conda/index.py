"""A channel's index files, from its records: the same records give the same bytes. Pure but for hashing.

repodata.json and its .zst as conda-index lays them out, and sharded repodata (CEP 16). No record has an
`indexed_timestamp`: it would tell when the index was made.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

Record = Mapping[str, Any]

REPODATA, COMPRESSED_REPODATA = "repodata.json", "repodata.json.zst"
SHARD_INDEX, SHARDS = "repodata_shards.msgpack.zst", "shards"


def index_files(
    records: Mapping[str, Mapping[str, Record]], compress: Callable[[bytes], bytes]
) -> dict[str, bytes]:
    """Return the index of a channel (relative path → content) from its records by subdir and file name."""
    files: dict[str, bytes] = {}
    for subdir, named in sorted(records.items()):
        repodata = repodata_json(subdir, {file: record_json(record) for file, record in named.items()})
        files[f"{subdir}/{REPODATA}"] = repodata
        files[f"{subdir}/{COMPRESSED_REPODATA}"] = compress(repodata)
        shards = {name: shard(own, compress) for name, own in _by_name(named).items()}
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in shards.items()}
        for name, data in shards.items():
            files[f"{subdir}/{SHARDS}/{shard_file(digests[name])}"] = data
        files[f"{subdir}/{SHARD_INDEX}"] = shard_index(subdir, digests, compress)
    return files


def record_json(record: Record) -> str:
    """Return a record as repodata.json has it."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def repodata_json(subdir: str, records: Mapping[str, str]) -> bytes:
    """Return repodata.json of one subdir from its records as JSON (`record_json`) by file name."""
    # What is joined here is what json.dumps makes of the whole, without the time that takes for thousands.
    listed = ",".join(f"{_json_text(file)}:{records[file]}" for file in sorted(records))
    head = f'{{"info":{{"subdir":{_json_text(subdir)}}},"packages":{{}},"packages.conda":{{'
    return f'{head}{listed}}},"removed":[],"repodata_version":1}}\n'.encode()


def shard(records: Mapping[str, Record], compress: Callable[[bytes], bytes]) -> bytes:
    """Return the shard of one package name from its records by file name."""
    packages = {}
    for file, record in records.items():
        digests = {key: bytes.fromhex(record[key]) for key in ("md5", "sha256") if key in record}
        packages[file] = {**record, **digests}
    return compress(_packed({"packages": {}, "packages.conda": packages, "removed": []}))


def shard_file(digest: str) -> str:
    """Return the name of a shard in its folder."""
    return f"{digest}.msgpack.zst"


def shard_index(subdir: str, digests: Mapping[str, str], compress: Callable[[bytes], bytes]) -> bytes:
    """Return which shard each package name has, from the shards' digests."""
    info = {"subdir": subdir, "base_url": "", "shards_base_url": f"./{SHARDS}/"}
    binary = {name: bytes.fromhex(digest) for name, digest in digests.items()}
    return compress(_packed({"info": info, "shards": binary}))


def _json_text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _by_name(records: Mapping[str, Record]) -> dict[str, dict[str, Record]]:
    names: dict[str, dict[str, Record]] = {}
    for file, record in sorted(records.items()):
        names.setdefault(str(record["name"]), {})[file] = record
    return names


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
