import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgpack
import pytest
import requests
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from flowlock.channel import generations, index, store
from flowlock.channel.serve import serving
from flowlock.conda import archive
from flowlock.conda.artifact import Artifact
from flowlock.conda.index import index_files
from flowlock.conda.members import Member
from flowlock.edges.files import sha256_of
from flowlock.errors import FlowlockError

EPOCH = datetime(2026, 11, 1, tzinfo=UTC)
Put = Callable[..., bool]


def artifact(folder: Path, name: str, version: str = "1.0", subdir: str = "noarch") -> store.ChannelArtifact:
    stem = f"{name}-{version}-0"
    index = {"name": name, "version": version, "build": "0", "build_number": 0, "depends": ["python >=3.11"]}
    member = Member(path="info/index.json", data=json.dumps({**index, "subdir": subdir}).encode())
    path = folder / f"{stem}.conda"
    folder.mkdir(exist_ok=True)
    path.write_bytes(archive.write(stem, [member], epoch=EPOCH))
    made = Artifact(name=name, version=version, build="0", number=0, subdir=subdir, sha256=sha256_of(path))
    return store.ChannelArtifact(artifact=made, origin=path)


def put(root: Path, *artifacts: store.ChannelArtifact) -> bool:
    return store.put(root / "channel", artifacts, subdirs=["linux-64"], cache=root / "cache")


def contents(root: Path) -> dict[str, bytes]:
    folder = root / "channel"
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "é x"
    root.mkdir()
    return root


def test_the_channel_holds_exactly_what_was_put(root: Path) -> None:
    a, b = artifact(root / "made", "a"), artifact(root / "made", "b", subdir="linux-64")
    assert put(root, a, b)
    assert [(e.artifact.name, e.artifact.subdir) for e in store.entries(root / "channel")] == [
        ("b", "linux-64"),
        ("a", "noarch"),
    ]
    assert put(root, b)
    assert [e.artifact.name for e in store.entries(root / "channel")] == ["b"]
    assert not list((root / "channel").rglob("a-*.conda"))


def test_the_same_contents_have_the_same_bytes_whatever_came_before(root: Path, tmp_path: Path) -> None:
    a, b = artifact(root / "made", "a"), artifact(root / "made", "b")
    put(root, a)
    put(root, a, b)
    other = tmp_path / "other"
    put(other, b, a)
    assert contents(root) == contents(other)


def test_an_intact_channel_is_left_alone(root: Path) -> None:
    a = artifact(root / "made", "a")
    put(root, a)
    before = (root / "channel").resolve()
    assert not put(root, a)
    assert (root / "channel").resolve() == before


@pytest.mark.parametrize(
    "harm",
    [
        lambda folder: (folder / "noarch/a-1.0-0.conda").unlink(),
        lambda folder: (folder / "noarch/a-1.0-0.conda").write_bytes(b"other"),
        lambda folder: (folder / "noarch/repodata.json").write_text("{"),
        lambda folder: (folder / "noarch/repodata.json.zst").unlink(),
        lambda folder: (folder / "noarch/stranger.conda").write_text("?"),
        lambda folder: next((folder / "noarch/shards").iterdir()).write_bytes(b""),
        lambda folder: folder.unlink(),
    ],
)
def test_whatever_is_wrong_with_the_channel_is_mended(root: Path, harm: Callable[[Path], object]) -> None:
    a = artifact(root / "made", "a")
    put(root, a)
    before = contents(root)
    harm(root / "channel")
    assert put(root, a)
    assert contents(root) == before


@pytest.mark.parametrize("name", ["channel-index.json", "channel-stat.json"])
@pytest.mark.parametrize("content", ["", "[]", '{"records": 1}'])
def test_damaged_caches_cost_time_only(root: Path, name: str, content: str) -> None:
    a = artifact(root / "made", "a")
    put(root, a)
    (root / "cache" / name).write_text(content)
    assert not put(root, a)


@pytest.mark.parametrize(
    "edited", [{"depends": ["evil"]}, {"sha256": "0" * 64}, {"name": 7}, 7, None, [], "text"]
)
def test_a_record_that_was_edited_into_the_cache_is_not_served(root: Path, edited: object) -> None:
    a = artifact(root / "made", "a")
    put(root, a)
    before = contents(root)
    cache = root / "cache" / "channel-index.json"
    document = json.loads(cache.read_bytes())
    known = document["content"]["records"]
    known[a.artifact.sha256] = {**known[a.artifact.sha256], **edited} if isinstance(edited, dict) else edited
    cache.write_text(json.dumps(document, separators=(",", ":")) + "\n")
    assert not put(root, a)
    assert contents(root) == before


def test_an_index_of_another_form_is_made_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a = artifact(root / "made", "a")
    put(root, a)
    monkeypatch.setattr(index, "INDEX_FORM", "another")
    monkeypatch.setattr(index, "repodata_json", lambda *_: b"{}")
    assert put(root, a)
    assert not put(root, a)


def test_a_damaged_origin_leaves_the_channel_as_it_was(root: Path) -> None:
    a, b = artifact(root / "made", "a"), artifact(root / "made", "b")
    put(root, a)
    before = contents(root)
    b.origin.write_bytes(a.origin.read_bytes())
    with pytest.raises(FlowlockError, match=r"b-1\.0-0\.conda is damaged"):
        put(root, a, b)
    assert contents(root) == before


def test_at_most_the_generation_before_is_kept_for_those_who_read_it(root: Path) -> None:
    for version in ("1", "2", "3"):
        put(root, artifact(root / "made", "a", version))
    made = {path.name for path in (root / f"channel{generations.SUFFIX}").iterdir()}
    assert made == {"2", "3", generations.STORED}


def test_the_index_tells_no_time(root: Path) -> None:
    put(root, artifact(root / "made", "a"))
    for path in (root / "channel").rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        plain = zstandard.ZstdDecompressor().decompress(data) if path.suffix == ".zst" else data
        assert b"indexed_timestamp" not in plain
        assert b"created_at" not in plain


def solved(url: str, *, shards: bool, cache: Path) -> set[str]:
    from rattler import Channel, Gateway, MatchSpec, SourceConfig

    async def query() -> set[str]:
        source = SourceConfig(sharded_enabled=shards, zstd_enabled=shards)
        gateway = Gateway(cache_dir=cache, default_config=source)
        found = await gateway.query([Channel(url)], ["noarch", "linux-64"], [MatchSpec("a")], recursive=False)
        return {f"{record.url} {(record.sha256 or b'').hex()}" for subdir in found for record in subdir}

    return asyncio.run(query())


@pytest.mark.parametrize("shards", [True, False])
def test_a_client_finds_the_package_over_http_by_either_index(
    root: Path, tmp_path: Path, *, shards: bool
) -> None:
    a = artifact(root / "made", "a")
    put(root, a)
    for path in (root / "channel").rglob("repodata.json*" if shards else "*.msgpack.zst"):
        path.unlink()
    with serving(root / "channel") as url:
        found = solved(url, shards=shards, cache=tmp_path / "cache")
    assert found == {f"{url}/noarch/a-1.0-0.conda {a.artifact.sha256}"}


def test_a_port_that_is_used_is_told_with_a_way_out(root: Path) -> None:
    with serving(root / "channel") as url:
        port = int(url.rpartition(":")[2])
        with (
            pytest.raises(
                FlowlockError, match=r"another process is listening " rf"on 127\.0\.0\.1:{port}"
            ) as caught,
            serving(root / "channel", port=port),
        ):
            pytest.fail("two servers share a port")
    assert (caught.value.problems[0].code, caught.value.hint) == ("FL606", "`--port 0` selects a free port")


def test_ranges_are_served(root: Path) -> None:
    a = artifact(root / "made", "a")
    put(root, a)
    data = a.origin.read_bytes()
    with serving(root / "channel") as url:
        place = f"{url}/noarch/{a.artifact.file}"
        assert requests.get(place, timeout=5).content == data
        for asked, part in {"0-9": data[:10], "10-": data[10:], "-5": data[-5:], "0-999999": data}.items():
            answer = requests.get(place, headers={"Range": f"bytes={asked}"}, timeout=5)
            assert (answer.status_code, answer.content) == (206, part)
        assert requests.get(place, headers={"Range": "bytes=999999-"}, timeout=5).status_code == 416
        assert requests.head(place, timeout=5).headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize(
    "path", ["/", "/noarch/", "/../cache/channel-index.json", "/%2e%2e/made/a-1.0-0.conda"]
)
def test_nothing_but_files_of_the_channel_is_served(root: Path, path: str) -> None:
    put(root, artifact(root / "made", "a"))
    with serving(root / "channel") as url:
        request = requests.Request("GET", url).prepare()
        request.url = url + path
        with requests.Session() as session:
            assert session.send(request, timeout=5).status_code == 404


NAMES = st.text(st.characters(categories=["Ll", "Nd"]), min_size=1)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)
# A shard has digests as bytes, and none that are not.
FIELDS = st.dictionaries(NAMES.filter(lambda name: name not in {"md5", "sha256"}), VALUES, max_size=5)
RECORDS = st.dictionaries(NAMES, FIELDS, max_size=4)


@given(RECORDS)
def test_equal_records_give_equal_index_files_whatever_their_order(fields: dict[str, Any]) -> None:
    records = {f"{name}-1-0.conda": {**more, "name": name} for name, more in fields.items()}
    reversed_records = {file: _reversed(record) for file, record in reversed(records.items())}
    files = index_files({"noarch": records}, archive.compressor())
    assert files == index_files({"noarch": reversed_records}, archive.compressor())
    shards = [
        msgpack.unpackb(zstandard.decompress(data), strict_map_key=False)
        for path, data in files.items()
        if "/shards/" in path
    ]
    assert {file: record for shard in shards for file, record in shard["packages.conda"].items()} == records


def _reversed(value: Any) -> Any:
    """Return an equal value whose mappings, at any depth, are in another order."""
    if isinstance(value, dict):
        return {key: _reversed(inner) for key, inner in reversed(value.items())}
    if isinstance(value, list):
        return [_reversed(inner) for inner in value]
    return value


def test_an_index_of_nothing_is_complete() -> None:
    files = index_files({"noarch": {}}, archive.compressor())
    assert sorted(files) == [
        "noarch/repodata.json",
        "noarch/repodata.json.zst",
        "noarch/repodata_shards.msgpack.zst",
    ]


FEW_FILES = """
import resource, sys
from pathlib import Path
from unit.channel.test_channel import artifact, put
root = Path(sys.argv[1])
made = [artifact(root / "made", f"tiny-{number}") for number in range(200)]
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
assert put(root, *made)
assert put(root, *made[1:])
assert not put(root, *made[1:])
"""


def test_more_artifacts_than_open_files_are_indexed(root: Path) -> None:
    command = [sys.executable, "-c", FEW_FILES, str(root)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run(command, check=True, env=environment)
    assert len(store.entries(root / "channel")) == 199
