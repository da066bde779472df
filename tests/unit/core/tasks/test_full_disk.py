"""Where the disk is full, a task leaves the file of an earlier run as it was."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from executions import running_into
from flowlock_core.errors import TaskError
from flowlock_core.tasks.io import persist_text, save_table

FULL = 20_000


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file grow further."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FULL, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def save(name: str, size: int) -> None:
    if name.endswith("txt"):
        persist_text("x" * size, name)
    else:
        save_table(pd.DataFrame({"a": np.random.default_rng(1).random(size)}), name)


@pytest.mark.parametrize("name", ["t.txt", "t.csv", "t.tsv", "t.json", "t.parquet"])
def test_what_cannot_be_written_wholly_is_not_written(name: str, tmp_path: Path) -> None:
    with running_into(tmp_path):
        save(name, 3)
    before = (tmp_path / name).read_bytes()
    with running_into(tmp_path), full_disk(), pytest.raises(TaskError) as caught:
        save(name, 3 * FULL)
    assert caught.value.code == "FL734"
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {name: before}
