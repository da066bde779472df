"""Builds of small packages by the real engine."""

import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from flowlock.builder.plan.result import BuildResult, BuildStatus
from flowlock.builder.worker.sandbox import available
from flowlock.edges import memo
from flowlock.errors import FlowlockError
from flowlock.workspace import load
from shared import require_part
from small import Small, git, processes


def statuses(result: BuildResult) -> dict[str, str]:
    return {one.name: str(one.status) for one in result.packages}


def test_the_same_source_has_the_same_bytes_anywhere_and_at_any_time(
    tmp_path: Path, tools: str, small: Small
) -> None:
    small.add("alpha")
    small.add("beta", needs="alpha")
    small.build(jobs=1)
    other = tmp_path / "deep" / "er" / "elsewhere"
    other.parent.mkdir(parents=True)
    git(small.root, "add", "-A")
    git(small.root, "-c", "user.name=T", "-c", "user.email=t@example.org", "commit", "-qm", "x")
    git(
        tmp_path,
        "clone",
        "-q",
        "-c",
        "core.autocrlf=true",
        "-c",
        "core.eol=crlf",
        str(small.root),
        str(other),
    )
    assert b"\r\n" in (other / "src/alpha/alpha/__init__.py").read_bytes()
    clone = object.__new__(Small)
    clone.root, clone.channel_url = other, tools
    clone.share_packages()
    # Another year, time zone, locale, umask and number of jobs; the clock is moved by what files say of it.
    # In the locale C Python itself cannot read a .pth file that names a folder with other letters.
    spelt = "C" if sys.prefix.isascii() else "C.UTF-8"
    environment = {**os.environ, "TZ": "Pacific/Kiritimati", "LC_ALL": spelt, "SOURCE_DATE_EPOCH": "1"}
    subprocess.run(clone.process(umask="077", jobs=2), env=environment, check=True)
    assert clone.contents() == small.contents()


def test_the_same_source_has_the_same_bytes_on_another_python(
    tmp_path: Path, small: Small, other_tools: str
) -> None:
    small.add("alpha")
    small.build()
    other = Small(tmp_path / "other", other_tools)
    other.add("alpha")
    other.build()
    assert other.contents() == small.contents()


def test_no_time_but_the_epoch_and_no_path_of_this_machine_is_in_an_artifact(small: Small) -> None:
    small.add("alpha")
    small.build()
    epoch = load(small.root).epoch.timestamp()
    with zipfile.ZipFile(small.archives()[0]) as opened:
        assert {entry.date_time for entry in opened.infolist()} == {(2026, 11, 1, 0, 0, 0)}
        for name in opened.namelist()[1:]:
            data = zstandard.ZstdDecompressor().decompress(opened.read(name))
            assert str(small.root).encode() not in data
            assert b"file://" not in data
            assert b"placehold" not in data
            with tarfile.open(fileobj=io.BytesIO(data)) as listed:
                assert {entry.mtime for entry in listed} == {epoch}


def test_artifacts_are_what_conda_expects(small: Small, tmp_path: Path) -> None:
    from conda_package_handling.api import extract

    small.add("alpha", needs="requests")
    small.build()
    folder = tmp_path / "x"
    extract(str(small.archives()[0]), str(folder))
    index = json.loads((folder / "info/index.json").read_text())
    assert (index["name"], index["version"], index["noarch"], index["subdir"]) == (
        "alpha",
        "1.0",
        "python",
        "noarch",
    )
    assert sorted(index["depends"]) == ["python >=3.11", "requests"]
    assert json.loads((folder / "info/link.json").read_text())["noarch"]["entry_points"] == [
        "alpha = alpha:main"
    ]
    paths = json.loads((folder / "info/paths.json").read_text())["paths"]
    on_disk = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).parts[0] != "info"
    }
    assert {entry["_path"] for entry in paths} == on_disk
    for entry in paths:
        data = (folder / entry["_path"]).read_bytes()
        assert (entry["sha256"], entry["size_in_bytes"]) == (hashlib.sha256(data).hexdigest(), len(data))
    assert (folder / "info/licenses/LICENSE").is_file()
    info = {path.name for path in (folder / "site-packages/alpha-1.0.dist-info").iterdir()}
    assert info == {"METADATA", "WHEEL", "RECORD", "INSTALLER", "entry_points.txt", "licenses"}


def test_every_stale_package_says_why_and_unrelated_edits_rebuild_nothing(small: Small) -> None:
    folder = small.add("alpha")
    small.add("beta")
    assert small.reasons() == {"alpha": "new", "beta": "new"}
    small.build()
    recipe = small.recipe("alpha")
    small.write_recipe("alpha", recipe, indent=None, sort_keys=True)
    (small.root / "README.md").write_text("unrelated")
    (small.root / "pixi.toml").write_text("# a comment")
    assert small.reasons() == {"alpha": "current", "beta": "current"}
    (folder / "alpha" / "more.py").write_text("x = 1\n")
    assert small.reasons() == {"alpha": "source changed (alpha/more.py)", "beta": "current"}
    (folder / "alpha" / "more.py").unlink()
    small.write_recipe("alpha", {**recipe, "build": {**recipe["build"], "number": 1}})
    assert small.reasons() == {"alpha": "recipe changed (build.number)", "beta": "current"}
    small.write_recipe("alpha", recipe)
    settings = (small.root / "flowlock.toml").read_text()
    (small.root / "flowlock.toml").write_text(settings.replace("2026-11-01", "2026-12-01"))
    moved = "epoch changed (2026-11-01T00:00:00+00:00 → 2026-12-01T00:00:00+00:00)"
    assert small.reasons() == {"alpha": moved, "beta": moved}


def test_the_channel_holds_the_current_build_only_and_an_undone_edit_needs_no_build(small: Small) -> None:
    source = small.add_data("alpha") / "data.txt"
    small.build()
    before, first = source.read_bytes(), small.contents()
    source.write_bytes(before + b"\n# An edit.\n")
    assert statuses(small.build()) == {"alpha": "built"}
    assert len(small.archives()) == 1
    source.write_bytes(before)
    assert statuses(small.build()) == {"alpha": "cached"}
    assert small.contents() == first
    shutil.rmtree(small.root / "src" / "alpha")
    assert small.build().packages == ()
    assert small.archives() == []


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:100])])
def test_damage_to_cache_and_channel_is_repaired_with_the_same_bytes(
    small: Small, damage: Callable[[Path], object]
) -> None:
    small.add_data("alpha")
    small.build()
    before = small.contents()
    cache = small.state.artifacts
    for path in [next(cache.glob("alpha-*.conda")), small.archives()[0]]:
        damage(path)
    result = small.build()
    assert [(one.status, one.reason) for one in result.packages] == [
        (BuildStatus.BUILT, "its artifact is missing or damaged")
    ]
    assert small.contents() == before
    damage(next(cache.glob("alpha-*.json")))
    assert statuses(small.build()) == {"alpha": "built"}
    assert small.contents() == before
    assert small.build().current


def test_a_failure_blocks_what_needs_it_lets_the_rest_finish_and_leaves_the_channel(small: Small) -> None:
    small.add("alpha")
    small.build()
    before = small.contents()
    small.add("broken", script="echo one word of explanation && exit 3")
    small.add("dependent", host="broken")
    small.add("runs-with", needs="broken")
    small.add("independent")
    with pytest.raises(FlowlockError) as caught:
        small.build()
    messages = {problem.code: problem.message for problem in caught.value.problems}
    assert "broken cannot be built" in messages["FL530"]
    blocked = {p.message for p in caught.value.problems if p.code == "FL533"}
    assert blocked == {
        "dependent is blocked by broken",
        "runs-with is blocked by broken",
    }
    assert "one word of explanation" in (caught.value.detail or "")
    assert "conda_build.sh" not in (caught.value.detail or "")
    log = small.state.logs / "broken.log"
    assert str(log) in (caught.value.hint or "")
    assert "one word of explanation" in log.read_text()
    assert small.contents() == before
    assert small.reasons()["independent"] == "it was not in the channel"
    assert small.leftovers() == []


def test_what_a_build_needs_of_the_workspace_is_built_first_and_there(small: Small) -> None:
    small.add("zeta")
    small.add("alpha", host="zeta", script='"${{ PYTHON }}" -c "import zeta; zeta.main()"')
    assert list(statuses(small.build("alpha"))) == ["zeta", "alpha"]
    assert small.leftovers() == []


def test_a_cycle_is_refused_with_its_path(small: Small) -> None:
    small.add("alpha", needs="beta")
    small.add("beta", host="alpha")
    with pytest.raises(FlowlockError, match=r"alpha → beta → alpha|beta → alpha → beta"):
        small.build()


def test_verify_builds_again_and_names_what_differs(small: Small) -> None:
    small.add_data("alpha")
    assert small.build(verify=True).current is False
    small.add("clock", script="date +%s%N > clock/when.txt")
    with pytest.raises(FlowlockError, match="were not identical") as caught:
        small.build(verify=True)
    assert [problem.message.split()[0] for problem in caught.value.problems] == ["clock"]
    detail = caught.value.detail or ""
    assert "site-packages/clock/when.txt" in detail
    assert "line 1:" in detail


def test_other_bytes_under_the_same_identity_are_an_error_and_never_kept(small: Small) -> None:
    small.add("clock", script="date +%s%N > clock/when.txt")
    small.build()
    before = small.contents()
    cache = small.state.artifacts
    record = next(cache.glob("clock-*.json"))
    known = memo.read(record, dict[str, Any]) or {}
    memo.write(record, {**known, "keys": ["made by another engine"]})
    with pytest.raises(FlowlockError, match="1 of 1 packages cannot be built") as caught:
        small.build()
    assert caught.value.problems[0].code == "FL540"
    assert "when.txt" in (caught.value.detail or "")
    assert small.contents() == before


SPY = """
import os, pathlib, sys
found = [f"{k}={v}" for k, v in os.environ.items() if "planted" in v]
for process in pathlib.Path("/proc").glob("[0-9]*/environ"):
    try:
        found += [str(process)] if b"planted" in process.read_bytes() else []
    except OSError:
        pass
for folder in filter(None, [sys.argv[1], os.path.expanduser("~")]):
    found += [str(p) for p in pathlib.Path(folder).glob("*secret*")]
if found:
    sys.exit("FOUND " + " ".join(found))
"""


def test_a_script_that_looks_for_secrets_finds_none(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_part(found=available() is not None, part="a bubblewrap that works")
    home = tmp_path / "home"
    home.mkdir()
    (home / "secret").write_text("planted")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("UPLOAD_TOKEN", "planted")
    folder = small.add("spy", script=f'"${{{{ PYTHON }}}}" spy.py "{home}"')
    (folder / "spy.py").write_text(SPY)
    environment = {**os.environ, "HOME": str(home), "UPLOAD_TOKEN": "planted"}
    done = subprocess.run(small.process(), env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_script_has_no_variable_of_ours(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPLOAD_TOKEN", "planted")
    monkeypatch.setenv("SSH_AUTH_SOCK", "/planted")
    small.add("spy", script="if env | grep -i planted; then exit 3; fi")
    small.build()


def test_an_interrupt_ends_the_build_at_once_and_leaves_nothing(small: Small) -> None:
    # A number that no other test sleeps for: it is how the script is found.
    nap = f"sleep 61.{os.getpid()}"
    small.add("slow", script=nap)
    with subprocess.Popen(small.process(), stderr=subprocess.PIPE, text=True) as running:
        deadline = time.monotonic() + 60
        while nap not in processes() and time.monotonic() < deadline:
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        begun = time.monotonic()
        running.wait(timeout=10)
    assert time.monotonic() - begun < 5
    assert small.leftovers() == []
    assert not small.state.channel.exists()
    assert nap not in processes()
    assert str(small.root) not in processes()


def test_the_reason_is_what_differs_from_the_channel(small: Small) -> None:
    data = small.add_data("alpha", "one") / "data.txt"
    small.build()
    data.write_text("two")
    small.build()
    data.write_text("one")
    small.build()
    recipe = small.recipe("alpha")
    small.write_recipe("alpha", {**recipe, "about": {"summary": "Another"}})
    assert small.reasons() == {"alpha": "recipe changed (about)"}
    small.write_recipe("alpha", {**recipe, "build": {**recipe["build"], "script": ["exit 3"]}})
    with pytest.raises(FlowlockError):
        small.build()
    small.write_recipe("alpha", {**recipe, "about": {"summary": "Another"}})
    assert small.reasons() == {"alpha": "recipe changed (about)"}
