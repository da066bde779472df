"""The state of many files as one digest."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from flowlock.edges.file_states import FileStates


def state(folder: Path, **options: list[str]) -> str:
    states = FileStates()
    states.add_tree(str(folder), **options)
    return states.digest


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "träe"
    (folder / "below").mkdir(parents=True)
    (folder / "one").write_text("1")
    (folder / "below" / "two").write_text("2")
    (folder / "link").symlink_to("below/two")
    (folder / "nowhere").symlink_to("absent")
    return folder


def test_what_does_not_change_has_one_state(tree: Path) -> None:
    assert state(tree) == state(tree)
    assert state(tree / "absent") == state(tree / "another")


def edited_with_its_times_set_back(tree: Path) -> None:
    before = (tree / "one").stat()
    (tree / "one").write_text("3")
    os.utime(tree / "one", ns=(before.st_atime_ns, before.st_mtime_ns))


def replaced_by_a_link(tree: Path) -> None:
    (tree / "one").unlink()
    (tree / "one").symlink_to("below/two")


CHANGES: dict[str, Callable[[Path], object]] = {
    "edited": lambda tree: (tree / "one").write_text("11"),
    "edited, of the same size, with its times set back": edited_with_its_times_set_back,
    "its mode changed": lambda tree: (tree / "one").chmod(0o600),
    "removed": lambda tree: (tree / "below" / "two").unlink(),
    "added": lambda tree: (tree / "below" / "three").touch(),
    "an empty folder added": lambda tree: (tree / "empty").mkdir(),
    "renamed": lambda tree: (tree / "one").rename(tree / "uno"),
    "replaced by a link": replaced_by_a_link,
    "what a link leads to appeared": lambda tree: (tree / "absent").touch(),
    "a name that is not UTF-8": lambda tree: Path(os.fsdecode(os.fsencode(tree) + b"/\xff")).touch(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_shows(tree: Path, change: str) -> None:
    before = state(tree)
    CHANGES[change](tree)
    assert state(tree) != before


def test_what_is_left_out_does_not_count(tree: Path) -> None:
    left_out = [str(tree / name) for name in ("one", "link", "below")]
    before = state(tree, without=left_out)
    (tree / "one").write_text("another")
    (tree / "below" / "two").unlink()
    assert state(tree, without=left_out) == before
    assert state(tree, without=left_out[:1]) != before


def test_the_last_change_is_the_one_that_the_system_noted(tree: Path) -> None:
    states = FileStates()
    states.add_tree(str(tree))
    earlier = states.changed_ns
    assert earlier == max(path.lstat().st_ctime_ns for path in tree.rglob("*") if not path.is_dir())
    os.utime(tree / "one", ns=(0, 0))
    states.add(str(tree / "one"))
    assert states.changed_ns >= earlier
    (tree / "below" / "two").unlink()
    digest = states.digest
    states.count_changes([str(tree / "below")])
    assert states.changed_ns == (tree / "below").lstat().st_ctime_ns
    assert states.digest == digest


def test_of_an_installed_file_with_several_links_the_modification_time_counts(tmp_path: Path) -> None:
    file = tmp_path / "installed" / "module.py"
    file.parent.mkdir()
    file.write_text("one")
    os.link(file, tmp_path / "cached")

    def states(*, installed: bool) -> FileStates:
        found = FileStates()
        found.add_folder(str(file.parent), installed=installed)
        return found

    before = {installed: states(installed=installed).digest for installed in (True, False)}
    os.link(file, tmp_path / "another environment")
    assert states(installed=True).digest == before[True]
    assert states(installed=False).digest != before[False]
    assert states(installed=True).changed_ns == file.stat().st_mtime_ns
    file.write_text("two")
    assert states(installed=True).digest != before[True]


def test_of_an_installed_file_with_one_name_the_change_time_counts(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text("one")

    def digest() -> str:
        found = FileStates()
        found.add(str(file), installed=True)
        return found.digest

    before, status = digest(), file.stat()
    file.write_text("two")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert digest() != before
