"""Folders of the machine that built an interpreter, taken out of its files."""

import pytest

from flowlock.base.build_folders import telling, without

FOLDERS = ["/home/ada/pythons/3.11.7", "/tmp/python-build.20260509.222/Python-3.11.7"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"\0/home/ada/pythons/3.11.7\0", b"\0/build////////////3.11.7\0"),
        (b"-L/home/ada/pythons/3.11.7/lib", b"-L/build////////////3.11.7/lib"),
        (b"'./home/ada/pythons/3.11.7'", b"'./build////////////3.11.7'"),
        (b"/home/ada/pythons/3.11.70", b"/home/ada/pythons/3.11.70"),
        (b"/home/ada/pythons/3.11.7-debug", b"/home/ada/pythons/3.11.7-debug"),
        (
            b"/tmp/python-build.20260509.222/Python-3.11.7/Modules",
            b"/build" + b"/" * 25 + b"Python-3.11.7/Modules",
        ),
    ],
)
def test_a_folder_becomes_another_path_of_its_length_with_the_same_end(before: bytes, after: bytes) -> None:
    assert without(FOLDERS, before) == after
    assert len(after) == len(before)


def test_folders_of_each_system_stay() -> None:
    assert telling(["", "/", "/usr", "/usr/local", "/install", "/usr/local/../local"]) == []
    assert telling(["/b/build/..", "/b/c", "/b/c/d"]) == ["/b/c/d", "/b/c"]
    assert without(["/usr", "/install"], b"/usr/bin/install -c /install") == b"/usr/bin/install -c /install"
