"""Locks through the command line: what is committed, what goes stale and why, what is installed from it."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from checkout import Checkout

Make = Callable[[], Checkout]
MODULE = "flowlock_core/tasks/groupby.py"


def git(checkout: Checkout, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=checkout.root, check=True, capture_output=True, text=True)
    return done.stdout


def edited(checkout: Checkout) -> Checkout:
    """Edit one line of flowlock-core, as an editor would: by a new file."""
    module = checkout.root / "src/flowlock-core" / MODULE
    text = module.read_text()
    module.unlink()
    module.write_text(text + "# An edit.\n")
    return checkout


def test_what_is_committed_is_what_sync_makes(synced: Checkout) -> None:
    assert git(synced, "status", "--porcelain", "examples") == ""
    done = synced.flowlock("sync", "--check")
    assert done.code == 0, done.err


def test_committed_locks_name_the_release_channel_and_no_machine(synced: Checkout) -> None:
    locks = list(synced.root.glob("examples/*/*/pixi.lock"))
    assert locks
    for lock in locks:
        text = lock.read_text()
        assert "https://prefix.dev/flowlock/noarch/flowlock-core-" in text
        assert "file://" not in text
        assert "indexed_timestamp" not in text
        assert "flowlock.invalid" not in text
        platforms = set(re.findall(r"^      (\S+):$", text, re.MULTILINE))
        assert platforms == {"linux-64", "linux-aarch64", "osx-64", "osx-arm64", "win-64"}


def test_an_edit_makes_locks_stale_and_the_check_names_the_file_and_each_place(checkout: Make) -> None:
    copy = edited(checkout())
    before = git(copy, "status", "--porcelain", "examples")
    done = copy.flowlock("--profile", "conda-forge", "lock", "--check")
    assert done.code == 1
    assert copy.flowlock("--profile", "embedded", "lock", "--check").out == done.out
    lines = [line for line in done.out.splitlines() if line.startswith("  penguins/")]
    assert len(lines) == 10, done.out
    for line in lines:
        assert re.search(
            r"penguins/(default|test)/\S+: flowlock-core is pinned "
            r"to pyh\w+, but the source is now pyh\w+",
            line,
        ), line
        assert MODULE in line
    assert git(copy, "status", "--porcelain", "examples") == before
    check = copy.flowlock("sync", "--check")
    assert check.code == 1
    assert "penguins/default/linux-64: flowlock-core is pinned to" in check.err
    assert MODULE in check.err


def test_sync_offline_mends_exactly_the_lines_of_the_edited_package(checkout: Make) -> None:
    copy = edited(checkout())
    done = copy.flowlock("--offline", "sync")
    assert done.code == 0, done.err
    changed = git(copy, "diff", "-U0", "examples").splitlines()
    moved = [line for line in changed if re.match(r"[-+][^-+]", line)]
    assert moved
    ours = re.compile(r"[-+]\s+((-\s+)?conda: \S+/flowlock-core-\S+|(sha256|md5|size): \S+)")
    assert all(ours.fullmatch(line) for line in moved), moved
    told = copy.flowlock("diff")
    assert "flowlock-core" in told.out
    assert "flowlock-ext-tabular" not in told.out
    table = copy.flowlock("diff", "HEAD", "--markdown").out
    assert "flowlock-core" in table
    assert copy.flowlock("sync", "--check").code == 0


def test_the_check_covers_what_packages_are_developed_with(checkout: Make) -> None:
    copy = checkout()
    manifest = copy.root / "src/flowlock-core/pixi.toml"
    text = manifest.read_text()
    manifest.unlink()
    manifest.write_text(text.replace('pandas = ">=2.2"', 'pandas = ">=99"'))
    done = copy.flowlock("lock", "--check")
    assert done.code == 1
    assert "src/flowlock-core/default/linux-64: " in done.out
    assert "pandas >=99" in done.out
    assert "src/flowlock-ext-tabular/pixi.lock: current" in done.out
    assert "src/flowlock/pixi.toml is not locked: the metadata" in done.err
    assert copy.flowlock("lock", "--check", "penguins").code == 0
    check = copy.flowlock("sync", "--check")
    assert check.code == 1
    assert "pandas >=99" in check.err


def test_a_stale_lock_is_not_run_unless_it_is_trusted(checkout: Make, tmp_path: Path) -> None:
    copy = edited(checkout())
    refused = copy.flowlock("run", "penguins", "--results", tmp_path / "results")
    assert refused.code == 1
    assert "FL714" in refused.err
    assert "--frozen" in refused.err
    done = copy.flowlock("run", "penguins", "--results", tmp_path / "results", "--frozen")
    assert done.code == 0, done.err


def test_a_frozen_lock_installs_a_build_that_only_the_cache_still_has(checkout: Make, tmp_path: Path) -> None:
    copy = checkout()
    old = copy.state.workflow_lock("penguins").read_text()
    done = edited(copy).flowlock("sync")
    assert done.code == 0, done.err
    lock = copy.state.workflow_lock("penguins")
    assert lock.read_text() != old
    lock.write_text(old)
    done = copy.flowlock("--offline", "run", "penguins", "--frozen", "--results", tmp_path / "results")
    assert done.code == 0, done.err


def test_an_artifact_with_other_bytes_is_never_installed(checkout: Make, tmp_path: Path) -> None:
    copy = checkout()
    for folder in (copy.state.channel / "noarch", copy.state.artifacts):
        for artifact in folder.glob("flowlock-core-*.conda"):
            artifact.unlink()
            artifact.write_bytes(b"not this")
    # Other tests may have unpacked the sound ones.
    copy.state.unpacked_packages.unlink()
    done = copy.flowlock("--offline", "run", "penguins", "--frozen", "--results", tmp_path / "results")
    assert done.code == 1
    assert "FL705" in done.err
    assert not list(copy.state.environments().glob("*/*/*/*/bin"))


def test_an_environment_that_is_not_whole_is_made_again(checkout: Make, tmp_path: Path) -> None:
    copy = checkout()
    assert copy.flowlock("run", "penguins").code == 0
    prefix = next(copy.state.environments("embedded", "penguins", "default").glob("*/conda-meta")).parent
    victim, record = next(prefix.rglob("flowlock_core/task.py")), prefix / "conda-meta/flowlock.json"

    def cut() -> None:
        victim.unlink()
        victim.write_text("")

    for harm in (record.unlink, victim.unlink, cut):
        harm()
        done = copy.flowlock("run", "penguins", "--results", tmp_path / "results")
        assert done.code == 0, done.err
        assert victim.stat().st_size > 0
        assert record.is_file()


def test_exports_name_every_package_by_url_and_hash(synced: Checkout) -> None:
    explicit = synced.flowlock(
        "--profile", "conda-forge", "export", "conda-explicit", "penguins", "-p", "osx-arm64"
    )
    assert explicit.code == 0, explicit.err
    urls = [line for line in explicit.out.splitlines() if line.startswith("https://")]
    assert all("#sha256:" in url or "#" in url for url in urls)
    assert any("flowlock-penguins-workflow" in url for url in urls)
    mirror = synced.flowlock("export", "pixi-mirror", "--url", "http://127.0.0.1:8123")
    assert '"https://prefix.dev/flowlock" = ["http://127.0.0.1:8123"]' in mirror.out
    assert synced.flowlock("export", "environment-yml").code == 2
