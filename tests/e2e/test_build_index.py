"""Our index against that of another indexer: py-rattler's, since conda-index needs conda itself."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

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


def test_our_index_says_what_another_indexer_says_of_the_same_files(small: Small, tmp_path: Path) -> None:
    from rattler.index import index_fs

    small.add("alpha", needs="requests python-dateutil")
    small.add_data("beta")
    small.add("gamma", needs="alpha")
    small.build()
    other = tmp_path / "other"
    (other / "noarch").mkdir(parents=True)
    for path in small.archives():
        shutil.copy(path, other / "noarch")
    asyncio.run(index_fs(other, force=True))
    ours = records(small.root / ".flowlock/channel")
    assert len(ours) == 3
    assert ours == records(other)
    # What no other index may say either: when it was made.
    text = (small.root / ".flowlock/channel/noarch/repodata.json").read_text()
    assert "indexed_timestamp" not in text
