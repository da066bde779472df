"""A noarch Python package as a wheel."""

import csv
import json
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from flowlock.conda import archive
from flowlock.conda.members import Member
from flowlock.conda.wheel import WheelFile, wheel_of

EPOCH = datetime(2026, 11, 1, tzinfo=UTC)
INFO = "site-packages/some_tasks-1.0.dist-info"
FILES = (
    Member(path="site-packages/some_tasks/__init__.py", data=b"x = 1\n"),
    Member(path="site-packages/some_tasks/a table.csv", data=b"a,b\n"),
    Member(path=f"{INFO}/METADATA", data=b"Metadata-Version: 2.4\nName: some-tasks\nVersion: 1.0\n"),
    Member(path=f"{INFO}/WHEEL", data=b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
    Member(path=f"{INFO}/RECORD", data=b"of the package"),
    Member(path=f"{INFO}/INSTALLER", data=b"conda\n"),
    Member(path="python-scripts/tool", data=b"#!python\n", executable=True),
    Member(path="share/some/data.txt", data=b"data"),
)


def wheel(folder: Path, files: Sequence[Member] = FILES) -> WheelFile | None:
    index = {"name": "some-tasks", "version": "1.0", "timestamp": int(EPOCH.timestamp() * 1000)}
    paths = [{"_path": one.path, "size_in_bytes": len(one.data)} for one in files]
    documents = {"info/index.json": index, "info/paths.json": {"paths": paths}}
    metadata = [Member(path=name, data=json.dumps(one).encode()) for name, one in documents.items()]
    path = folder / "some-tasks-1.0-pyh0_0.conda"
    path.write_bytes(archive.write(path.stem, [*metadata, *files], epoch=EPOCH))
    return wheel_of(path)


def test_a_wheel_has_each_file_at_its_place_and_a_record_of_its_own(tmp_path: Path) -> None:
    made = wheel(tmp_path)
    assert made is not None
    assert made.file == "some_tasks-1.0-py3-none-any.whl"
    (tmp_path / made.file).write_bytes(made.data)
    with zipfile.ZipFile(tmp_path / made.file) as opened:
        names = opened.namelist()
        record = opened.read("some_tasks-1.0.dist-info/RECORD").decode()
        script = opened.getinfo("some_tasks-1.0.data/scripts/tool")
        assert opened.read("some_tasks-1.0.data/data/share/some/data.txt") == b"data"
    assert [row[0] for row in csv.reader(record.splitlines())] == names
    assert names[-3:] == [f"some_tasks-1.0.dist-info/{name}" for name in ("METADATA", "WHEEL", "RECORD")]
    assert not any(name.endswith("INSTALLER") for name in names)
    assert script.external_attr >> 16 == 0o100755
    assert script.date_time == (2026, 11, 1, 0, 0, 0)


def test_the_same_package_gives_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    assert wheel(tmp_path) == wheel(tmp_path / "elsewhere", [*FILES[::-1]])


def test_a_package_that_no_wheel_can_be_of_has_none(tmp_path: Path) -> None:
    link = Member(path="site-packages/link", data=b"", link="some_tasks")
    second = Member(path="site-packages/other-2.0.dist-info/METADATA", data=b"Name: other\n")
    assert wheel(tmp_path, [*FILES, link]) is None
    assert wheel(tmp_path, [*FILES, second]) is None
    assert wheel(tmp_path, [FILES[0]]) is None
