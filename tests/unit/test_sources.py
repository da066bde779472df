import os
import subprocess
from pathlib import Path

import pytest

from flowlock.errors import FlowlockError
from flowlock.sources import Kind, snapshot, snapshots, stage


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
    assert snapshot(package).files["a.py"].kind is Kind.EXECUTABLE
    assert digest(package) != before
    (package / "link").symlink_to("a.py")
    assert snapshot(package).files["link"].kind is Kind.LINK


@pytest.mark.parametrize("target", ["../../outside", "/etc/passwd"])
def test_a_link_out_of_the_package_is_refused(package: Path, target: str) -> None:
    (package / "link").symlink_to(target)
    with pytest.raises(FlowlockError, match="cannot be built") as caught:
        snapshot(package)
    assert [problem.code for problem in caught.value.problems] == ["FL503"]


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


def test_a_file_that_changes_before_it_is_staged_is_an_error(package: Path, tmp_path: Path) -> None:
    sources = snapshot(package)
    (package / "a.py").write_text("other")
    (tmp_path / "staged").mkdir()
    with pytest.raises(FlowlockError, match="changed while it was being built"):
        stage(sources, tmp_path / "staged")


def test_many_folders_are_one_question_to_git(package: Path) -> None:
    other = package.parent / "other"
    other.mkdir()
    (other / "b.py").write_text("b")
    found = snapshots(package.parents[1], {package: (), other: ()})
    assert list(found[other].files) == ["b.py"]
    assert found[package].digest == digest(package)
