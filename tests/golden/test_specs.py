"""Golden specs: valid ones with their package, invalid and doubtful ones with what is said of them.

`pytest tests/golden --refresh-golden` writes what is expected anew.
"""

from pathlib import Path

import pytest

from flowlock.report import renderings as render
from specs import GOLDEN, package_of, problems_of

VALID = sorted(path.parent.name for path in GOLDEN.glob("valid/*/spec.yaml"))
INVALID = sorted(path.parent.name for path in GOLDEN.glob("invalid/*/spec.yaml"))
WARNED = sorted(path.parent.name for path in GOLDEN.glob("warned/*/spec.yaml"))


def compare(path: Path, found: str, *, refresh: bool) -> None:
    if refresh:
        path.write_text(found, encoding="utf-8", newline="\n")
    assert path.read_text(encoding="utf-8") == found


def read(path: Path) -> str:
    return path.read_bytes().decode("utf-8")


@pytest.mark.parametrize("name", VALID)
def test_a_valid_spec_compiles_to_the_golden_package(name: str, *, refresh_golden: bool) -> None:
    package = package_of(read(GOLDEN / "valid" / name / "spec.yaml"))
    found = "".join(f"=== {path}\n{text}" for path, text in package.items())
    compare(GOLDEN / "valid" / name / "package.txt", found, refresh=refresh_golden)


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_spec_is_told_so_in_the_golden_words(name: str, *, refresh_golden: bool) -> None:
    text = read(GOLDEN / "invalid" / name / "spec.yaml")
    problems = problems_of(text)
    assert problems
    found = render.as_text(problems, {"spec.yaml": text}) + "\n"
    compare(GOLDEN / "invalid" / name / "expected.txt", found, refresh=refresh_golden)


@pytest.mark.parametrize("name", WARNED)
def test_a_doubtful_spec_compiles_with_the_golden_warnings(name: str, *, refresh_golden: bool) -> None:
    text = read(GOLDEN / "warned" / name / "spec.yaml")
    assert package_of(text)
    found = render.as_text(problems_of(text), {"spec.yaml": text}) + "\n"
    compare(GOLDEN / "warned" / name / "expected.txt", found, refresh=refresh_golden)


def test_there_are_enough_of_them() -> None:
    assert len(VALID) >= 25
    assert len(INVALID) >= 60
