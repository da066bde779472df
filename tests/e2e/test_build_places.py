"""Builds where the machine gets in the way: two at once, a full or read-only disk, sources that move."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flowlock.builder.worker import job_runner
from flowlock.builder.worker.sandbox import available
from flowlock.edges import sources
from flowlock.errors import FlowlockError
from shared import require_part
from small import Small

Edit = Callable[[Small], object]


def flowlock(small: Small, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "flowlock", "-C", str(small.root), *arguments]


def test_of_two_builds_at_once_one_waits_and_both_end_well(small: Small) -> None:
    for name in ("alpha", "beta", "gamma"):
        small.add_data(name)
    pair = [
        subprocess.Popen(
            flowlock(small, "--json", "build"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    ended = [one.communicate(timeout=120) for one in pair]
    assert [one.returncode for one in pair] == [0, 0], ended
    statuses = sorted({package["status"] for package in json.loads(out)["packages"]} for out, _ in ended)
    assert {frozenset(status) for status in statuses} == {frozenset({"built"}), frozenset({"current"})}
    assert any("another flowlock process is using this workspace" in err for _, err in ended)
    assert small.build().current


@pytest.fixture
def disk(small: Small) -> Iterator[Path]:
    """Mount a disk of 300 kB where the artifacts are kept."""
    folder = small.state.artifacts
    folder.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", folder], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_said_and_the_channel_stays(small: Small, disk: Path) -> None:
    data = small.add_data("alpha") / "data.txt"
    small.build()
    before = small.contents()
    data.write_bytes(os.urandom(400_000))
    with pytest.raises(FlowlockError) as caught:
        small.build()
    assert caught.value.problems[0].code == "FL010"
    assert small.contents() == before
    assert not list(disk.rglob(".flowlock-tmp-*"))
    data.write_text("one")
    assert small.build().current


def test_a_read_only_cache_is_said_unless_nothing_has_to_be_written(small: Small, disk: Path) -> None:
    data = small.add_data("alpha") / "data.txt"
    small.build()
    before = small.contents()
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    assert small.build().current
    data.write_text("two")
    with pytest.raises(FlowlockError) as caught:
        small.build()
    assert caught.value.problems[0].code == "FL011"
    assert small.contents() == before


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    "entry", ["artifacts/*.conda", "artifacts/*.json", "artifacts/last/*.json", "*.json"]
)
def test_a_truncated_cache_entry_is_made_again(small: Small, entry: str) -> None:
    small.add_data("alpha")
    small.build()
    before = small.contents()
    for path in small.state.cache.glob(entry):
        cut(path)
    small.build()
    assert small.contents() == before
    assert small.build().current


def without_keys(record: dict[str, Any]) -> None:
    del record["keys"]


def other_digest(record: dict[str, Any]) -> None:
    record["sha256"] = "0" * 64


@pytest.mark.parametrize("edit", [without_keys, other_digest, lambda record: record.update(keys=5)])
def test_an_artifact_whose_record_was_edited_is_made_again(
    small: Small, edit: Callable[[dict[str, Any]], object]
) -> None:
    small.add_data("alpha")
    small.build()
    before = small.contents()
    (path,) = small.state.artifacts.glob("*.json")
    document = json.loads(path.read_bytes())
    edit(document["content"])
    path.write_text(json.dumps(document, separators=(",", ":")) + "\n")
    assert [one.status for one in small.build().packages] == ["built"]
    assert small.contents() == before
    assert small.build().current


@pytest.mark.parametrize("damage", [cut, Path.unlink, lambda path: path.write_text('{"packages.conda": {}}')])
@pytest.mark.parametrize("file", ["noarch/repodata.json", "noarch/repodata_shards.msgpack.zst"])
def test_a_damaged_index_is_made_again(small: Small, file: str, damage: Callable[[Path], object]) -> None:
    small.add_data("alpha")
    small.build()
    before = small.contents()
    damage(small.state.channel / file)
    result = small.build()
    assert result.mended
    assert small.contents() == before


def test_a_source_that_changes_while_it_is_built_is_never_built(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file changes between being hashed and being staged: the one moment that is ours."""
    data = small.add_data("alpha") / "data.txt"

    def late(found: sources.Sources, target: Path) -> None:
        data.write_text("somebody is still writing")
        sources.stage(found, target)

    monkeypatch.setattr(job_runner, "stage", late)
    with pytest.raises(FlowlockError) as caught:
        small.build()
    assert caught.value.problems[0].code == "FL501"
    assert "alpha/data.txt changed during the build" in caught.value.problems[0].message
    assert not small.archives()


def test_a_source_that_changes_after_it_was_staged_does_not_change_the_build(small: Small) -> None:
    folder = small.add_data("slow", script="sleep 1")
    expected = Small(small.root.parent / "undisturbed", small.channel_url)
    expected.add_data("slow", script="sleep 1")
    timer = threading.Timer(0.8, (folder / "data.txt").write_text, ["too late"])
    timer.start()
    try:
        small.build()
    except FlowlockError as error:
        assert error.problems[0].code == "FL501"  # noqa: PT017 - a slow machine stages later
        return
    finally:
        timer.join()
    expected.build()
    assert small.contents() == expected.contents()
    assert small.reasons() == {"slow": "source changed (data.txt)"}


# A worker's environment holds nothing of ours, so its interpreter brings the other clock, and tells of it.
OTHER_CLOCK = """#!/bin/sh
export LD_PRELOAD='{library}' FAKETIME='{clock}' FAKETIME_DONT_FAKE_MONOTONIC=1
date +%Y >>"${{0%/*}}/years"
exec '{python}' "$@"
"""


@pytest.mark.parametrize("year", [1999, 2041])
def test_a_clock_that_is_wrong_changes_no_byte(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, year: int
) -> None:
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    require_part(found=library is not None, part="faketime")
    small.add("alpha")
    small.build()
    other = Small(tmp_path / "another time", small.channel_url)
    other.add("alpha")
    python = other.packages / "python"
    clock = f"@{year}-07-08 09:10:11"
    python.write_text(OTHER_CLOCK.format(library=library, clock=clock, python=sys.executable))
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    other.build()
    assert python.with_name("years").read_text().split() == [str(year)]
    assert other.contents() == small.contents()


def leave_by_recipe(**changes: object) -> Edit:
    return lambda small: small.write_recipe("alpha", {**small.recipe("alpha"), **changes})


def link(target: str) -> Edit:
    return lambda small: (small.root / "src/alpha/link").symlink_to(target)


def outer_file(small: Small) -> None:
    (small.root / "secret.txt").write_text("not the package's")
    link("../../secret.txt")(small)


ALPHA = {"path": "../../src/alpha"}


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (leave_by_recipe(source={"path": "/etc"}), "FL312"),
        (leave_by_recipe(source={"path": "../.."}), "FL312"),
        (leave_by_recipe(source={"path": "../../src/alpha", "patches": ["../../x.patch"]}), "FL312"),
        (leave_by_recipe(source={"path": "../../src/alpha", "target_directory": "../up"}), "FL312"),
        (leave_by_recipe(about={"license_file": "/etc/passwd"}), "FL312"),
        (leave_by_recipe(about={"license_file": ["../../secret.txt"]}), "FL312"),
        (leave_by_recipe(build={"script": {"file": "../../evil.sh"}}), "FL312"),
        (leave_by_recipe(build={"script": {"file": "C:\\evil.bat"}}), "FL312"),
        (leave_by_recipe(build={"script": [{"if": "unix", "then": {"file": "/etc/profile"}}]}), "FL312"),
        (leave_by_recipe(tests=[{"script": {"file": "../../evil.sh"}}]), "FL312"),
        (leave_by_recipe(tests=[{"script": ["x"], "files": {"source": ["../../*"]}}]), "FL312"),
        (leave_by_recipe(source=[ALPHA, {"if": "more", "then": [{"path": "/etc/hosts"}]}]), "FL312"),
        (leave_by_recipe(source=[ALPHA, {"if": "more", "then": [{"path": "other"}]}]), "FL312"),
        (leave_by_recipe(source=[ALPHA, {"git": "https://example.org/x.git"}]), "FL312"),
        (leave_by_recipe(source={"url": "file:///etc/hosts"}), "FL312"),
        (leave_by_recipe(package={"name": "../alpha", "version": "1"}), "FL311"),
        (leave_by_recipe(package={"name": "alpha", "version": "/../../pwned"}), "FL311"),
        (leave_by_recipe(package={"name": "alpha", "version": ""}), "FL311"),
        (link("/etc/passwd"), "FL503"),
        (outer_file, "FL503"),
        (link("../alpha/../../secret.txt"), "FL503"),
        (link("loop"), None),
    ],
)
def test_a_recipe_or_source_that_leaves_its_place_is_refused(
    small: Small, edit: Edit, code: str | None
) -> None:
    small.add_data("alpha")
    edit(small)
    if code is None:
        # A link to nowhere within the package is the package's own business.
        small.build()
        return
    with pytest.raises(FlowlockError) as caught:
        small.build()
    assert caught.value.problems[0].code == code
    assert caught.value.problems[0].hint or caught.value.hint or code == "FL311"
    assert not small.archives()


NONSENSE = """\
package: {{name: alpha, version: '1'}}
source: {{path: ../../src/alpha}}
build: {{noarch: generic}}
{line}
"""


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("extra: {1: x, a: y}", "4:9: FL107"),
        ("extra: {[1, 2]: x}", "4:9: FL107"),
        ("extra: &a {b: *a}", "4:15: FL101"),
        ("extra: !!binary aGVsbG8=", "4:8: FL103"),
        ("context: hello", "4:10: FL311"),
        ("context: {v: '${{ v }}'}", "4:14: FL311"),
        ("tests: 5", "4:8: FL311"),
        ("requirements: {run: 5}", "4:21: FL311"),
    ],
)
def test_a_recipe_that_says_nonsense_is_refused_with_its_place(small: Small, line: str, place: str) -> None:
    small.add_data("alpha")
    (small.root / "recipes/alpha/recipe.yaml").write_text(NONSENSE.format(line=line))
    done = subprocess.run(flowlock(small, "build", "--dry-run"), check=False, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert f"recipes/alpha/recipe.yaml:{place}" in done.stderr


def test_a_package_whose_name_stands_in_the_context_is_built_first(small: Small) -> None:
    for name in ("alpha", "zeta-core"):
        small.add_data(name)
    context, needed = {"name": "zeta"}, {"host": ["${{ name }}-core >=1"]}
    script = ['test -f "$PREFIX/share/zeta-core.txt"', 'cp data.txt "$PREFIX/share/alpha.txt"']
    recipe = {**small.recipe("alpha"), "context": context, "requirements": needed}
    small.write_recipe("alpha", {**recipe, "build": {"noarch": "generic", "script": script}})
    assert [one.name for one in small.build("alpha").packages] == ["zeta-core", "alpha"]


def test_a_link_out_of_the_prefix_is_refused(small: Small) -> None:
    small.add_data("alpha", script='mkdir -p "$PREFIX/share" && ln -s /etc/passwd "$PREFIX/share/users"')
    with pytest.raises(FlowlockError) as caught:
        small.build()
    assert "share/users" in (caught.value.detail or "")


def test_the_current_folder_is_hidden_from_builds(small: Small, tmp_path: Path) -> None:
    """`python -m` puts it on Python's path, and people start flowlock from their home directory."""
    require_part(found=available() is not None, part="a bubblewrap that works")
    home = tmp_path / "home"
    home.mkdir()
    (home / "secret").write_text("planted")
    small.add_data("alpha", script=f"if cat '{home}/secret'; then exit 3; fi")
    done = subprocess.run(flowlock(small, "build"), cwd=home, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
