import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from flowlock.edges.distributions import installed


def add(folder: Path, info: str, metadata: str) -> None:
    (folder / info).mkdir(parents=True)
    (folder / info / "METADATA").write_text(f"Metadata-Version: 2.1\n{metadata}")


def test_what_the_standard_library_finds_is_found_under_the_same_name() -> None:
    theirs: dict[str, str] = {}
    for one in distributions():
        # The first on the path counts: tests that use parts may have left a second one behind it.
        theirs.setdefault(canonicalize_name(one.metadata["Name"]), one.version)
    assert {name: one.version for name, one in installed().items()} == theirs


def test_the_first_on_the_path_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, version in (("a", "1.0"), ("b", "2.0")):
        add(tmp_path / folder, f"Two_Words-{version}.dist-info", f"Name: Two.Words\nVersion: {version}\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "none"), str(tmp_path / "a"), str(tmp_path / "b")])
    assert {name: one.version for name, one in installed().items()} == {"two-words": "1.0"}
