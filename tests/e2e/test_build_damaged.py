"""A build with every file of its state damaged does what one without any state does."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from flowlock.edges import memo
from small import Small

DAMAGES = (b"", b"\xff" * 64, b"{}", b"[" * 100_000, b'{"packages.conda": {"a": []}}')
SHAPES: tuple[Mapping[str, Any], ...] = (
    {},
    {"files 2": 3},
    {"records": 5},
    {"passed": {"a": {}}},
    {"schema": 3, "identity": 1},
)


def state_files(small: Small) -> list[Path]:
    state = small.root / ".flowlock"
    kept = [path for path in (state / "cache").rglob("*.json") if path.is_file()]
    return [*kept, *(state / "channel").rglob("repodata.json")]


@pytest.mark.parametrize("number", range(len(DAMAGES)))
def test_damaged_state_counts_as_absent(small: Small, number: int) -> None:
    small.add_data("one")
    small.add_data("two", "2")
    small.build()
    small.build()
    before = small.contents()
    damaged = state_files(small)
    assert {"sources.json", "channel-index.json"} <= {path.name for path in damaged}
    for write in (
        lambda path: path.write_bytes(DAMAGES[number]),
        lambda path: memo.write(path, SHAPES[number]),
    ):
        for path in damaged:
            path.unlink(missing_ok=True)
            write(path)
        small.build()
        assert small.contents() == before
        assert small.reasons() == {"one": "current", "two": "current"}
