import subprocess
from pathlib import Path

import pytest

from flowlock.commands import diff as compare
from flowlock.conda.match import compare_versions
from flowlock.errors import FlowlockError
from flowlock.lock.lockfile import diff, document
from flowlock.lock.lockfile.document import Lock
from flowlock.lock.lockfile.forms import DiffForm
from unit.lock.universe import FORGE, RELEASE, channel, lock, package, wanting

PLATFORMS = ["linux-64", "osx-64"]


@pytest.fixture
def locks(tmp_path: Path) -> tuple[Lock, Lock]:
    """Return a lock before and after every kind of change."""
    before = [
        *(package(name, "1.9") for name in ("up", "gone")),
        package("down", "1.10"),
        package("same", "1.0"),
        package("again", "1.0", build="h0_0"),
    ]
    after = [
        package("up", "1.10"),
        package("down", "1.9"),
        package("same", "1.0"),
        package("again", "1.0", build="h1_0"),
        package("new", "1.0", subdir="linux-64"),
    ]
    release = channel(tmp_path / "ours", RELEASE, [])
    made = []
    for number, packages in enumerate([before, after]):
        names = {str(entry["name"]) for entry in packages} - {"new"}
        forge = channel(tmp_path / f"forge{number}", FORGE, packages)
        place = tmp_path / f"{number}.lock"
        platforms = PLATFORMS
        lock(wanting(*names, platforms=platforms), place, [release, forge])
        if number:
            lock(wanting(*names, "new", platforms=["linux-64"]), tmp_path / "linux.lock", [release, forge])
            linux = document.read((tmp_path / "linux.lock").read_text(), "linux.lock")
            both = document.read(place.read_text(), "both.lock")
            packages_both = both.environments["default"].packages
            merged = {**packages_both, **linux.environments["default"].packages}
            environment = document.LockedEnvironment(channels=(), packages=merged)
            made.append(Lock(platforms=both.platforms, environments={"default": environment}))
        else:
            made.append(document.read(place.read_text(), "before.lock"))
    return made[0], made[1]


def test_every_kind_of_change_is_told_once_where_platforms_agree(locks: tuple[Lock, Lock]) -> None:
    before, after = locks
    found = diff.changes(before, after, compare_versions)
    assert diff.as_lines(found, diff.platforms_by_environment(before, after)) == [
        "  ≈ again 1.0 h0_0 → 1.0 h1_0",
        "  ↓ down 1.10 → 1.9",
        "  - gone 1.9",
        "  + new 1.0  (default on linux-64)",
        "  ↑ up 1.9 → 1.10",
    ]


def test_markdown_is_a_table(locks: tuple[Lock, Lock]) -> None:
    before, after = locks
    lines = diff.as_markdown(
        diff.changes(before, after, compare_versions), diff.platforms_by_environment(before, after)
    )
    assert lines[:3] == [
        "| package | change | before | after | where |",
        "| --- | --- | --- | --- | --- |",
        "| again | rebuilt | `1.0 h0_0` | `1.0 h1_0` | everywhere |",
    ]
    assert "| new | added |  | `1.0` | default on linux-64 |" in lines


def test_no_difference_has_no_lines(locks: tuple[Lock, Lock]) -> None:
    before, _ = locks
    assert diff.changes(before, before, compare_versions) == ()
    assert diff.as_markdown((), {}) == []


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_locks_are_compared_with_a_revision(tmp_path: Path, locks: tuple[Lock, Lock]) -> None:
    repository = tmp_path / "a répository"
    place = repository / "examples" / "one" / "pixi.lock"
    place.parent.mkdir(parents=True)
    git(repository, "init", "-q")
    place.write_text(locks[0].text())
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "before")
    assert compare.since(repository, "HEAD").as_text() == "the locks are identical to HEAD"

    place.write_text(locks[1].text())
    (place.parent.parent / "two").mkdir()
    (place.parent.parent / "two" / "pixi.lock").write_text(locks[0].text())
    result = compare.since(repository, "HEAD")
    assert [found.path for found in result.locks] == ["examples/one/pixi.lock", "examples/two/pixi.lock"]
    assert result.as_text().startswith("examples/one/pixi.lock\n  ≈ again 1.0 h0_0 → 1.0 h1_0\n")
    assert compare.since(repository, "HEAD", form=DiffForm.MARKDOWN).as_text().startswith("### examples/one/")
    assert result.as_json()["locks"][1]["changes"][0]["kind"] == "added"


def test_an_unknown_revision_is_told(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    with pytest.raises(FlowlockError, match="revision `nowhere` does not exist"):
        compare.since(tmp_path, "nowhere")
