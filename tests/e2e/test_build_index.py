"""Our index against those of other indexers: conda-index, and py-rattler's."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from small import Small

COMPARED = (
    "name",
    "version",
    "build",
    "build_number",
    "depends",
    "constrains",
    "license",
    "md5",
    "noarch",
    "sha256",
    "size",
    "subdir",
    "timestamp",
)


def records(folder: Path) -> dict[str, Any]:
    document = json.loads((folder / "noarch/repodata.json").read_text())
    return {
        file: {key: record.get(key) or None for key in COMPARED}
        for file, record in document["packages.conda"].items()
    }


# All that conda-index takes from conda, which no Python package index has, when it writes just repodata.json.
CONDA = {
    "__init__.py": "",
    "base/__init__.py": "",
    "base/constants.py": "PLATFORM_DIRECTORIES = ('noarch', 'linux-64')",
    "models/__init__.py": "",
    "models/version.py": "from rattler import Version as VersionOrder",
}


def by_conda_index(channel: Path) -> None:
    conda = channel.parent / "conda index's/conda"
    for name, text in CONDA.items():
        (conda / name).parent.mkdir(parents=True, exist_ok=True)
        (conda / name).write_text(text)
    options = ["--no-current-repodata", "--no-channeldata", "--no-rss", "--threads", "1"]
    subprocess.run(
        [sys.executable, "-m", "conda_index", *options, channel],
        env={**os.environ, "PYTHONPATH": str(conda.parent)},
        check=True,
        capture_output=True,
    )


def by_py_rattler(channel: Path) -> None:
    from rattler.index import index_fs

    asyncio.run(index_fs(channel, force=True))


@pytest.mark.parametrize("index", [by_conda_index, by_py_rattler])
def test_our_index_says_what_another_indexer_says_of_the_same_files(
    small: Small, tmp_path: Path, index: Callable[[Path], None]
) -> None:
    small.add("alpha", needs="requests python-dateutil")
    small.add_data("beta")
    small.add("gamma", needs="alpha")
    small.build()
    other = tmp_path / "other"
    (other / "noarch").mkdir(parents=True)
    for path in small.archives():
        shutil.copy(path, other / "noarch")
    index(other)
    ours = records(small.state.channel)
    assert len(ours) == 3
    assert ours == records(other)
    # What no other index may say either: when it was made.
    text = (small.state.channel / "noarch/repodata.json").read_text()
    assert "indexed_timestamp" not in text
