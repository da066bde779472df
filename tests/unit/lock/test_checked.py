from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from flowlock.lock.checked import CheckedLocks
from flowlock.lock.manifest.model import simple
from flowlock.lock.result import LockOptions, LockTarget
from flowlock.lock.satisfy import CurrentBuild
from flowlock.names import Sha256
from unit.lock.universe import FORGE, RELEASE, channel, current, package

OWN = {"ours": current("1.0", "h1_0")}
ARCHIVE = f"{RELEASE}/noarch/ours-1.0-h0_0.conda"
TEXT = f"version: 7\npackages:\n- conda: {ARCHIVE}\n  sha256: 00\n"


class Place:
    """A lock, the folder of a channel, and what our packages make."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.own = folder, OWN
        self.path = folder / "pixi.lock"
        self.path.write_text(TEXT)
        self.served = channel(folder / "ours", RELEASE, [package("ours")], serves=True)
        manifest = simple("alone", channels=[FORGE], platforms=["linux-64"], specs=["knots"])
        self.target = LockTarget(manifest=manifest, path=self.path, shown="pixi.lock")

    @property
    def checked(self) -> CheckedLocks:
        return CheckedLocks(self.folder / "checked.json", [self.served], self.own)

    def ask_for_more(self) -> None:
        manifest = simple("alone", channels=[FORGE], platforms=["linux-64"], specs=["knots >=2"])
        self.target = replace(self.target, manifest=manifest)

    def serve_more(self) -> None:
        self.served = channel(self.folder / "ours", RELEASE, [package("ours"), package("new")], serves=True)

    def serve_as_snapshot(self) -> None:
        self.served = replace(self.served, serves=False)

    def make(self, build: CurrentBuild) -> None:
        self.own = {"ours": build}

    def make_bytes(self, sha256: str) -> None:
        build = self.own["ours"]
        self.make(replace(build, artifact=replace(build.artifact, sha256=Sha256(sha256))))


@pytest.fixture
def kept(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    assert not place.checked.are_current([place.target])
    place.checked.keep([place.target])
    assert place.checked.are_current([place.target])
    return place


CHANGES: dict[str, Callable[[Place], object]] = {
    "the lock": lambda place: place.path.write_text(TEXT + "\n"),
    "no lock": lambda place: place.path.unlink(),
    "the manifest": Place.ask_for_more,
    "the channel": Place.serve_more,
    "what a channel is": Place.serve_as_snapshot,
    "our build": lambda place: place.make(current("1.0", "h2_0")),
    "our version": lambda place: place.make(current("1.1", "h1_0")),
    "our bytes": lambda place: place.make_bytes("b" * 64),
    "the record": lambda place: (place.folder / "checked.json").write_text("{}"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_decides_it_is_compared_again_after_a_change(kept: Place, change: str) -> None:
    CHANGES[change](kept)
    assert not kept.checked.are_current([kept.target])


def test_a_lock_that_was_never_there_is_not_current(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.path.unlink()
    place.checked.keep([place.target])
    assert not place.checked.are_current([place.target])


def test_a_package_that_the_lock_does_not_pin_decides_nothing(kept: Place) -> None:
    kept.own = {**OWN, "our": current("1.0", "h1_0"), "ours-more": current("1.0", "h1_0")}
    assert kept.checked.are_current([kept.target])


SPELLINGS = {
    "in quotes": f'packages:\n- conda: "{ARCHIVE}"\n',
    "in braces": f"packages: [{{conda: {ARCHIVE}, sha256: 00}}]\n",
    "before a comment": f"packages:\n- conda: {ARCHIVE} # ours\n",
    "on a line as Windows ends it": f"packages:\r\n- conda: {ARCHIVE}\r\n  sha256: 00\r\n",
    "with escapes": f"packages:\n- conda: {RELEASE}/noarch/our%73-1.0-h0_0.conda\n",
    "under another name of a file": f"packages:\n- conda: {RELEASE}/noarch/a.conda\n  name: ours\n",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_pin_counts_however_yaml_has_it(tmp_path: Path, spelling: str) -> None:
    place = Place(tmp_path)
    place.path.write_bytes(f"version: 7\n{SPELLINGS[spelling]}".encode())
    place.checked.keep([place.target])
    assert place.checked.are_current([place.target])
    place.make(current("1.0", "h2_0"))
    assert not place.checked.are_current([place.target])


def test_a_lock_that_is_no_text_is_left_to_its_reader(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.path.write_bytes(b"- conda: https://host/\xff-1.0-0.conda\n")
    assert not place.checked.are_current([place.target])


def test_why_a_build_differs_decides_nothing(kept: Place) -> None:
    kept.make(replace(OWN["ours"], why="a file changed"))
    assert kept.checked.are_current([kept.target])


@pytest.mark.parametrize(
    "options",
    [
        LockOptions(),
        LockOptions(dry_run=True),
        LockOptions(check=True, offline=True, jobs=3, cache=Path("here")),
    ],
)
def test_a_plain_call_only_compares(options: LockOptions) -> None:
    assert options.only_compares


@pytest.mark.parametrize(
    "options",
    [
        LockOptions(upgrade=True),
        LockOptions(upgrade_format=True),
        LockOptions(update=("knots",)),
        LockOptions(repodata=("folder",)),
        LockOptions(platforms=("linux-64",)),
        LockOptions(environments=("default",)),
    ],
)
def test_a_call_with_a_choice_does_more_than_compare(options: LockOptions) -> None:
    assert not options.only_compares


MANIFEST = simple("alone", channels=[FORGE], platforms=["linux-64"], specs=["knots"])


@pytest.mark.parametrize(
    "options",
    [
        LockOptions(check=True),
        LockOptions(check=True, environments=("default",), platforms=("linux-64",)),
        LockOptions(platforms=("linux-64",)),
    ],
)
def test_parts_of_a_lock_that_is_current_are_current(options: LockOptions) -> None:
    assert options.only_compares_parts([MANIFEST])


@pytest.mark.parametrize(
    "options",
    [
        LockOptions(check=True, environments=("nosuch",)),
        LockOptions(check=True, platforms=("win-64",)),
        LockOptions(platforms=("linux-64",), update=("knots",)),
    ],
)
def test_parts_that_do_not_exist_or_should_move_are_looked_at(options: LockOptions) -> None:
    assert not options.only_compares_parts([MANIFEST])
