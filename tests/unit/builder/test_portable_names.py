import pytest

from flowlock.builder.contents.portable_names import collisions, warnings, windows_takes
from flowlock.errors import Severity


@pytest.mark.parametrize(
    ("paths", "colliding"),
    [
        (["a/Data.csv", "a/data.csv"], [["a/Data.csv", "a/data.csv"]]),
        (["A/data.csv", "a/data.csv"], [["A/data.csv", "a/data.csv"]]),
        (["caf\u00e9.txt", "cafe\u0301.txt"], [["cafe\u0301.txt", "caf\u00e9.txt"]]),
        (["a/Data", "a/data/x"], [["a/Data", "a/data"]]),
        # Two folders become one, and each file stays.
        (["A/one", "a/two"], []),
        (["a/data.csv", "b/Data.csv"], []),
    ],
)
def test_names_collide_by_case_and_by_normal_form(paths: list[str], colliding: list[list[str]]) -> None:
    assert list(collisions(paths)) == colliding


@pytest.mark.parametrize(
    "path",
    ["a:b", "x/con", "NUL.txt", "com1.tar.gz", "dot.", "space ", "x ", "que?ry", "b\\c", "\x01", "lpt² .x"],
)
def test_windows_cannot_have_these_names(path: str) -> None:
    assert not windows_takes(path)


@pytest.mark.parametrize("path", ["console.txt", "x/.hidden", "a b/c d.txt", "com0", "null", "é"])
def test_windows_can_have_these_names(path: str) -> None:
    assert windows_takes(path)


def test_each_kind_is_one_warning_that_names_the_files() -> None:
    names = [*(f"{n}.txt" for n in range(3)), "A.txt", "a.txt", "nul", "aux"]
    collision, reserved = warnings("x", names)
    assert collision.severity is reserved.severity is Severity.WARNING
    assert "A.txt and a.txt" in collision.message
    assert reserved.message == "x: Windows does not allow these names: aux, nul"
    assert warnings("x", ["a.txt", "b/c.txt"]) == []
