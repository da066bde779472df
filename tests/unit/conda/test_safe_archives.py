"""Archives are checked once for their digest, and those that are safe by the way they are made never."""

import bz2
import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flowlock.conda import archive
from flowlock.conda.installable import refuse_unsafe_members
from flowlock.conda.members import Member
from flowlock.conda.safe_archives import SafeArchives, refuse_unsafe_archives
from flowlock.edges.stat_cache import StatCache
from flowlock.errors import FlowlockError
from unit.conda.archives import STEM, conda, file, paths_json, tar

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def test_an_archive_is_checked_again_only_if_its_bytes_are_others(tmp_path: Path) -> None:
    safe = SafeArchives(tmp_path / "safe.json")
    path = conda(tmp_path, tar(file("a", b"0123456789")))
    refuse_unsafe_archives([path], safe=safe, digests=StatCache(None))
    digest = StatCache(None).sha256(path)
    assert digest in SafeArchives(tmp_path / "safe.json")

    hostile = conda(tmp_path, tar(file("a")), tar(paths_json("../a")))
    assert hostile == path
    for _ in range(2):
        with pytest.raises(FlowlockError, match="outside the environment"):
            refuse_unsafe_archives([path], safe=safe, digests=StatCache(None))
        assert StatCache(None).sha256(path) not in SafeArchives(tmp_path / "safe.json")
    # What is known to be safe is not opened.
    safe.add([StatCache(None).sha256(path)])
    refuse_unsafe_archives([path], safe=safe, digests=StatCache(None))


def test_bytes_that_are_safe_as_one_format_are_read_as_the_other(tmp_path: Path) -> None:
    sound = conda(tmp_path, tar(file("a", b"0123456789")))
    hostile = bz2.compress(tar(file("a"), paths_json("../a")))
    # A zip is read from its end, and what follows the end of a bz2 stream is not.
    both = tmp_path / "both.conda"
    with zipfile.ZipFile(sound) as opened, io.BytesIO(hostile) as stream:
        stream.seek(0, io.SEEK_END)
        with zipfile.ZipFile(stream, "a") as appended:
            for name in opened.namelist():
                appended.writestr(name, opened.read(name))
        both.write_bytes(stream.getvalue())
    old = tmp_path / "both.tar.bz2"
    old.write_bytes(both.read_bytes())
    safe = SafeArchives(tmp_path / "safe.json")
    refuse_unsafe_archives([both], safe=safe, digests=StatCache(None))
    with pytest.raises(FlowlockError, match="outside the environment"):
        refuse_unsafe_archives([old], safe=safe, digests=StatCache(None))


def test_a_sound_archive_beside_a_hostile_one_is_not_taken_for_checked(tmp_path: Path) -> None:
    for name in ("sound", "hostile"):
        (tmp_path / name).mkdir()
    sound = conda(tmp_path / "sound", tar(file("a", b"0123456789")))
    hostile = conda(tmp_path / "hostile", tar(file("a")), tar(paths_json("../a")))
    safe = SafeArchives(None)
    with pytest.raises(FlowlockError, match="outside the environment"):
        refuse_unsafe_archives([sound, hostile], safe=safe, digests=StatCache(None))
    assert StatCache(None).sha256(hostile) not in safe


@pytest.mark.parametrize(
    ("paths", "code"),
    [
        (["../a"], "FL517"),
        (["/a"], "FL517"),
        (["C:/a"], "FL517"),
        (["x\\..\\a"], "FL517"),
        (["x//a"], "FL519"),
        (["a", "a"], "FL519"),
        (["Info/paths.json"], "FL519"),
    ],
)
def test_members_that_readers_refuse_are_refused_before_they_are_written(
    tmp_path: Path, paths: list[str], code: str
) -> None:
    members = [Member(path=path, data=b"") for path in paths]
    metadata = [Member(path=entry.name, data=data) for entry, data in (paths_json(*paths),)]
    path = tmp_path / f"{STEM}.conda"
    with pytest.raises(FlowlockError) as caught:
        refuse_unsafe_members([*members, *metadata], path)
    assert [problem.code for problem in caught.value.problems] == [code]
    path.write_bytes(archive.write(STEM, [*members, *metadata], epoch=EPOCH))
    with pytest.raises(FlowlockError):
        archive.read(path)


def test_members_below_a_link_and_commands_elsewhere_are_refused_before_they_are_written() -> None:
    path = Path(f"{STEM}.conda")
    link = Member(path="x", data=b"", link="/etc")
    with pytest.raises(FlowlockError, match="below the link"):
        refuse_unsafe_members([link, Member(path="x/a", data=b"")], path)
    commands = json.dumps({"noarch": {"entry_points": ["../evil = a:b"]}}).encode()
    with pytest.raises(FlowlockError, match="outside the environment"):
        refuse_unsafe_members([Member(path="info/link.json", data=commands)], path)
    refuse_unsafe_members([link, Member(path="y/a", data=b"")], path)
