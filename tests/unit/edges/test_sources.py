import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flowlock.edges import memo, stat_cache
from flowlock.edges.sources import GitFileKind, snapshot, snapshots, stage
from flowlock.errors import FlowlockError


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    root = tmp_path / "a répo"
    folder = root / "src" / "pkg"
    folder.mkdir(parents=True)
    git(root, "init", "-q")
    (root / ".gitattributes").write_text("* text=auto\n*.bin binary\n")
    (root / ".gitignore").write_text("*.log\n")
    (folder / "a.py").write_bytes(b"one\ntwo\n")
    (folder / "data.bin").write_bytes(b"\x00\r\n\x01")
    (folder / "noise.log").write_text("litter")
    (folder / "tests").mkdir()
    (folder / "tests" / "t.py").write_text("t")
    return folder


def digest(folder: Path, cache: Path | None = None) -> str:
    return snapshot(folder, cache_file=cache).digest


def test_sources_are_what_git_would_list_less_the_excludes(package: Path) -> None:
    assert list(snapshot(package).files) == ["a.py", "data.bin", "tests/t.py"]
    assert list(snapshot(package, ["tests"]).files) == ["a.py", "data.bin"]
    assert list(snapshot(package, ["*.py"]).files) == ["data.bin"]


def test_the_digest_depends_on_neither_place_nor_time(package: Path) -> None:
    before = digest(package)
    os.utime(package / "a.py", (1, 1))
    git(package.parents[1], "add", "-A")
    assert digest(package) == before
    moved = package.parents[1].rename(package.parents[2] / "elsewhere")
    assert digest(moved / "src" / "pkg") == before


def test_a_crlf_checkout_has_the_digest_of_the_lf_one(package: Path, tmp_path: Path) -> None:
    before = digest(package)
    (package / "a.py").write_bytes(b"one\r\ntwo\r\n")
    assert digest(package) == before
    target = tmp_path / "staged"
    target.mkdir()
    stage(snapshot(package), target)
    assert (target / "a.py").read_bytes() == b"one\ntwo\n"
    assert (target / "data.bin").read_bytes() == b"\x00\r\n\x01"


def test_line_ends_that_git_keeps_are_kept(package: Path) -> None:
    (package / "b.bin").write_bytes(b"text\r\n")
    with_crlf = digest(package)
    (package / "b.bin").write_bytes(b"text\n")
    assert digest(package) != with_crlf


def test_the_exec_bit_and_links_are_part_of_the_source(package: Path) -> None:
    before = digest(package)
    (package / "a.py").chmod(0o755)
    assert snapshot(package).files["a.py"].kind is GitFileKind.EXECUTABLE
    assert digest(package) != before
    (package / "link").symlink_to("a.py")
    assert snapshot(package).files["link"].kind is GitFileKind.LINK


@pytest.mark.parametrize("target", ["../../outside", "/etc/passwd"])
def test_a_link_out_of_the_package_is_refused(package: Path, target: str) -> None:
    (package / "link").symlink_to(target)
    with pytest.raises(FlowlockError, match="cannot be built") as caught:
        snapshot(package)
    assert [problem.code for problem in caught.value.problems] == ["FL503"]


@pytest.mark.parametrize("name", [b"\xff.py", b"\xe9t\xe9/a.py"])
def test_a_name_that_is_not_utf_8_is_refused(package: Path, name: bytes) -> None:
    path = package / os.fsdecode(name)
    path.parent.mkdir(exist_ok=True)
    path.write_text("x")
    with pytest.raises(FlowlockError, match="cannot be built") as caught:
        snapshot(package)
    assert [problem.code for problem in caught.value.problems] == ["FL502"]
    assert list(snapshot(package.parent, ["pkg"]).files) == []


def clone(folder: Path) -> Path:
    """Make a repository of its own with one file that is committed."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q")
    (folder / "b.py").write_text("b")
    git(folder, "add", ".")
    git(folder, "-c", "user.name=Test", "-c", "user.email=test@example.org", "commit", "-q", "-m", "One")
    return folder


def submodule(folder: Path) -> Path:
    clone(folder)
    git(folder.parent, "add", folder.name)
    return folder


def submodule_not_checked_out(folder: Path) -> Path:
    submodule(folder)
    shutil.rmtree(folder)
    folder.mkdir()
    return folder


def begun(folder: Path) -> Path:
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "b.py").write_text("b")
    return folder


MAKERS = [clone, submodule, submodule_not_checked_out, begun]


@pytest.mark.parametrize("make", MAKERS)
def test_a_repository_inside_a_package_is_refused(package: Path, make: Callable[[Path], Path]) -> None:
    root = package.parents[1]
    make(package / "vendor [1]")
    with pytest.raises(FlowlockError, match="cannot be built") as caught:
        snapshots(root, {package: ["vendor", "vendor [1]/*.py"]})
    (problem,) = caught.value.problems
    assert problem.code == "FL504"
    assert "src/pkg/vendor [1] is a nested git repository" in problem.message


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("exclude", ["vendor", "vendor/", "vendor/*", "ven*", "*"])
def test_a_repository_that_is_excluded_does_not_matter(
    package: Path, make: Callable[[Path], Path], exclude: str
) -> None:
    make(package / "vendor")
    assert "vendor" not in snapshot(package, [exclude]).files


@pytest.mark.parametrize("make", MAKERS)
def test_a_repository_elsewhere_in_the_workspace_does_not_matter(
    package: Path, make: Callable[[Path], Path]
) -> None:
    before = digest(package)
    root = package.parents[1]
    for place in (root / "elsewhere", package.parent / "pkg-beside"):
        make(place)
    assert snapshots(root, {package: ()})[package].digest == before


@pytest.mark.parametrize("folder", ["src/sub", "src/sub/inner"])
def test_a_package_in_a_repository_of_its_own_is_refused(package: Path, folder: str) -> None:
    root = package.parents[1]
    submodule(root / "src/sub")
    (root / folder).mkdir(exist_ok=True)
    with pytest.raises(FlowlockError) as caught:
        snapshots(root, {root / folder: (), package: ()})
    assert [(one.code, one.message.split()[0]) for one in caught.value.problems] == [("FL504", "src/sub")]


def test_a_repository_whose_files_are_tracked_here_lacks_nothing(package: Path) -> None:
    git(package, "add", "tests")
    git(package / "tests", "init", "-q")
    (package / "tests/new.py").write_text("new")
    assert list(snapshot(package).files) == ["a.py", "data.bin", "tests/new.py", "tests/t.py"]


def test_a_folder_where_a_tracked_file_was_is_no_repository(package: Path) -> None:
    git(package, "add", ".")
    (package / "a.py").unlink()
    (package / "a.py").mkdir()
    (package / "a.py/inner.py").write_text("x")
    assert list(snapshot(package).files) == ["a.py/inner.py", "data.bin", "tests/t.py"]


def test_an_edit_that_keeps_size_and_modification_time_is_seen(package: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache.json"
    path = package / "a.py"
    before = digest(package, cache)
    status = path.stat()
    path.write_bytes(b"ONE\nTWO\n")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert digest(package, cache) != before


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"schema": 1, "files": []}', '{"schema": 1, "files": {"x": 1}}']
)
def test_a_damaged_cache_is_an_empty_one(package: Path, tmp_path: Path, content: str) -> None:
    cache = tmp_path / "cache.json"
    cache.write_text(content)
    assert digest(package, cache) == digest(package)


@pytest.fixture
def cache(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a cache that holds the digests of the package's files, young as they are."""
    monkeypatch.setattr(stat_cache, "SETTLED_NS", -1)
    cache = tmp_path / "cache.json"
    snapshot(package, cache_file=cache)
    assert "/src/pkg/a.py" in cache.read_text()
    return cache


@pytest.mark.parametrize("value", ["null", "1", '"text"', "[]", '["file"]', '["pipe", "x", null]'])
def test_a_value_that_was_edited_into_the_cache_is_not_believed(
    package: Path, cache: Path, value: str
) -> None:
    known = snapshot(package).files["a.py"]
    before = cache.read_text()
    cache.write_text(before.replace(f'["file","{known.sha256}",null]', value))
    assert cache.read_text() != before
    assert digest(package, cache) == digest(package)


def test_a_digit_that_flips_in_the_cache_is_not_believed(package: Path, cache: Path) -> None:
    known = snapshot(package).files["a.py"].sha256
    flipped = known[:-1] + ("0" if known[-1] != "0" else "1")
    cache.write_text(cache.read_text().replace(known, flipped))
    assert digest(package, cache) == digest(package)


def test_a_kept_digest_that_is_wrong_stops_one_build_and_not_the_next(
    package: Path, cache: Path, tmp_path: Path
) -> None:
    """The cache is whole, but what it says of one file is not so."""
    document = memo.read(cache, dict[str, dict[str, list[Any]]])
    assert document is not None
    document[stat_cache.FILES][str(package / "a.py")][1][1] = "0" * 64
    memo.write(cache, document)
    with pytest.raises(FlowlockError, match=r"a\.py changed during the build"):
        stage(snapshot(package, cache_file=cache), tmp_path / "first")
    stage(snapshot(package, cache_file=cache), tmp_path / "second")
    assert (tmp_path / "second/a.py").read_bytes() == b"one\ntwo\n"


def test_a_file_that_changes_before_it_is_staged_is_an_error(package: Path, tmp_path: Path) -> None:
    sources = snapshot(package)
    (package / "a.py").write_text("other")
    (tmp_path / "staged").mkdir()
    with pytest.raises(FlowlockError, match="changed during the build"):
        stage(sources, tmp_path / "staged")


def test_many_folders_are_one_question_to_git(package: Path) -> None:
    other = package.parent / "other"
    other.mkdir()
    (other / "b.py").write_text("b")
    found = snapshots(package.parents[1], {package: (), other: ()})
    assert list(found[other].files) == ["b.py"]
    assert found[package].digest == digest(package)
