"""Locks round-trip through our reader and through py-rattler's."""

import json
import tempfile
from pathlib import Path
from typing import Any

import rattler
import yaml as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from flowlock.conda.records import Record, from_repodata, to_repodata
from flowlock.lock.lockfile import document, yaml
from flowlock.lock.lockfile.document import Lock, LockedEnvironment, LockPlatform

texts = st.text(max_size=12)
scalars = st.one_of(texts, st.integers(0, 10**15), st.sampled_from(["1.0", "yes", "~", "a: b", "- a", ">=1"]))
nodes = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=8,
)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
match_specs = st.sampled_from(
    ["python", "python >=3.9,<4.0a0", "*", "b 1.* *_cp312", "c[version='>=1', build=x]", "d 1.0 h0_0"]
)


@st.composite
def records(draw: st.DrawFn) -> Record:
    name = draw(st.from_regex(r"[a-z][a-z0-9_]{0,5}(-[a-z0-9_]{1,4})?", fullmatch=True))
    version = draw(st.from_regex(r"(1!)?[0-9]{1,3}(\.[0-9]{1,3}){0,2}(rc1|\.post1|\+cu12)?", fullmatch=True))
    build = draw(st.from_regex(r"(py|h)?[a-z0-9]{1,8}(_[0-9]{1,2})?(_cpython)?", fullmatch=True))
    subdir = draw(st.sampled_from(["noarch", "linux-64", "osx-arm64", "win-64"]))
    channel = draw(st.sampled_from(["https://conda.anaconda.org/conda-forge", "https://prefix.example/ours"]))
    suffix = draw(st.sampled_from([".conda", ".tar.bz2"]))
    data: dict[str, Any] = {
        "name": name,
        "version": version,
        "build": build,
        "build_number": draw(st.integers(0, 200)),
        "subdir": subdir,
        "depends": draw(st.lists(match_specs, max_size=3)),
        "constrains": draw(st.lists(match_specs, max_size=2)),
        "sha256": draw(digests),
        "timestamp": draw(st.integers(10**12, 2 * 10**12)),
    }
    if subdir == "noarch":
        # Some channels leave it out, and some say `false`.
        data["noarch"] = draw(st.sampled_from(["python", "generic", False, None]))
    optional = {
        "md5": st.text("0123456789abcdef", min_size=32, max_size=32),
        "size": st.integers(0, 10**10),
        "license": st.sampled_from(
            ["MIT", "GPL-3.0-only WITH GCC-exception-3.1", "0BSD", "n: y", "1.0", "no"]
        ),
        "track_features": st.lists(st.sampled_from(["mkl", "no"]), min_size=1, max_size=2),
        "python_site_packages_path": st.just("lib/python3.13t/site-packages"),
        "run_exports": st.sampled_from([{}, {"weak": ["x >=1"]}, {"strong": ["y"], "noarch": ["z 1"]}]),
    }
    for key, values in optional.items():
        if draw(st.booleans()):
            data[key] = draw(values)
    url = f"{channel}/{subdir}/{name}-{version}-{build}{suffix}"
    return from_repodata(url, channel, data)


@st.composite
def locks(draw: st.DrawFn) -> Lock:
    made = {record.url: record for record in draw(st.lists(records(), max_size=6))}
    platform = draw(st.sampled_from(["linux-64", "osx-arm64"]))
    fitting = [made[url] for url in sorted(made) if made[url].subdir in ("noarch", platform)]
    return Lock(
        platforms=(LockPlatform(name=platform, subdir=platform, virtual_packages=("__unix=0=0",)),),
        environments={
            "default": LockedEnvironment(
                channels=("https://conda.anaconda.org/conda-forge/",), packages={platform: tuple(fitting)}
            )
        },
    )


@given(nodes)
@settings(max_examples=400, deadline=None)
def test_any_node_is_written_as_yaml_that_both_readers_read_alike(node: Any) -> None:
    text = "\n".join(yaml.dump({"key": node})) + "\n"
    # BaseLoader, since YAML 1.1 takes `yes` for a truth value; pixi's parser does not.
    loaded = reference.load(text, Loader=reference.BaseLoader)  # noqa: S506 - makes texts only
    assert loaded == {"key": stringified(node)}
    assert yaml.load(text) == {"key": node}


def stringified(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: stringified(value) for key, value in node.items()}
    return [stringified(item) for item in node] if isinstance(node, list) else str(node)


@given(locks())
@settings(max_examples=200, deadline=None)
def test_a_lock_is_read_as_it_was_written(lock: Lock) -> None:
    assert document.read(lock.text(), "pixi.lock") == lock


@given(records())
@settings(max_examples=200, deadline=None)
def test_a_record_survives_the_form_of_repodata(record: Record) -> None:
    data = json.loads(json.dumps(to_repodata(record)))
    assert from_repodata(record.url, record.channel, data) == record


@given(locks())
@settings(max_examples=200, deadline=None)
def test_rattler_reads_the_same_records_and_writes_the_same_text(lock: Lock) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Path(folder, "ours.lock"), Path(folder, "theirs.lock")
        ours.write_text(lock.text(), encoding="utf-8")
        engine = rattler.LockFile.from_path(ours)
        ((_, locked),) = engine.environments()
        (platform,) = locked.platforms()
        found = [
            from_repodata(record.url, record.channel or "", json.loads(record.to_json()))
            for record in locked.conda_repodata_records_for_platform(platform) or ()
        ]
        expected = lock.environments["default"].packages[platform.name]
        assert sorted(found, key=lambda r: r.url) == list(expected)
        engine.to_path(theirs)
        assert theirs.read_text(encoding="utf-8") == lock.text()
