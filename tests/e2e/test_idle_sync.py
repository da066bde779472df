"""A sync that has nothing to do, and what makes the next one look again."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from checkout import Checkout
from idle import edited, idle, repeated

SOURCE = "src/flowlock-ext-tabular/flowlock_ext_tabular/summary.py"


@pytest.fixture(scope="module")
def kept(synced: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A synced checkout whose outcome is kept; each test leaves it as it was found."""
    copy = Checkout(root=tmp_path_factory.mktemp("idle") / "a cöpy")
    shutil.copytree(synced.root, copy.root, symlinks=True)
    yield copy
    shutil.rmtree(copy.root)


def outcome(checkout: Checkout) -> Path:
    return checkout.state.last_outcomes / "sync.json"


def artifact(checkout: Checkout) -> Path:
    return next(checkout.state.artifacts.glob("flowlock-ext-tabular-*.conda"))


def leave_a_dead_build(checkout: Checkout) -> Path:
    """Leave what a build has there when it is killed."""
    room = checkout.state.workers / "dead-build"
    room.mkdir()
    return room


def test_nothing_is_looked_at_again_while_nothing_changes(kept: Checkout) -> None:
    idle(kept, "sync")
    again = kept.flowlock("--json", "-v", "sync")
    assert repeated(again)
    assert [stage["status"] for stage in again.document["stages"]] == ["current"] * 5
    first = [line.split("  (")[0] for line in kept.flowlock("sync").err.splitlines()]
    outcome(kept).unlink()
    assert first == [line.split("  (")[0] for line in kept.flowlock("sync").err.splitlines()]


def test_other_options_and_other_settings_look_again(kept: Checkout) -> None:
    for argument in ("--check", "penguins", "--offline"):
        idle(kept, "sync")
        assert not repeated(kept.flowlock("-v", "sync", argument))
    idle(kept, "sync")
    assert not repeated(kept.flowlock("-v", "sync", SOME_SETTING="1"))
    idle(kept, "sync")
    assert repeated(kept.flowlock("-v", "sync", SHLVL="7", OLDPWD="/"))


def test_an_edit_with_size_and_time_as_before_is_built(kept: Checkout) -> None:
    idle(kept, "sync")
    edited(kept, SOURCE, b"The table to", b"the table to")
    done = kept.flowlock("-v", "sync", "--check")
    assert not repeated(done)
    assert "stale" in done.err
    edited(kept, SOURCE, b"the table to", b"The table to")


CHANGES: dict[str, Callable[[Checkout], object]] = {
    "an untracked file": lambda c: (c.root / "examples/penguins/notes.txt").write_text("new"),
    "a lock of ours": lambda c: c.state.workflow_lock("weather").unlink(),
    "an artifact that is gone": lambda c: artifact(c).unlink(),
    "a damaged index": lambda c: (c.state.channel / "noarch/repodata.json").write_text("{}"),
    "a damaged memo": lambda c: outcome(c).write_text("{}"),
    "the base channel": lambda c: shutil.rmtree(c.state.base_channels),
    "a build that was killed": leave_a_dead_build,
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_looked_at(kept: Checkout, change: str) -> None:
    idle(kept, "sync")
    CHANGES[change](kept)
    done = kept.flowlock("-v", "sync")
    assert done.code == 0, done.err
    assert not repeated(done)
    (kept.root / "examples/penguins/notes.txt").unlink(missing_ok=True)
    assert not (kept.state.workers / "dead-build").exists()


def test_a_file_that_changes_while_a_sync_runs_is_not_believed(kept: Checkout) -> None:
    idle(kept, "sync")
    outcome(kept).unlink()
    # As young as an edit that came after the sources were read.
    (kept.root / SOURCE).touch()
    kept.flowlock("sync")
    assert not repeated(kept.flowlock("-v", "sync"))
