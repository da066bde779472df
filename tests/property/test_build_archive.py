import json
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from flowlock.conda import archive
from flowlock.conda.members import Member, is_inside

EPOCH = datetime(2026, 11, 1, tzinfo=UTC)
# Parts of a path: whatever a file system takes, long ones and other scripts too.
PART = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=120
).filter(lambda part: part not in {".", ".."})
PATH = st.lists(PART, min_size=1, max_size=4).map("/".join).filter(is_inside)
FILE = st.builds(Member, path=PATH, data=st.binary(max_size=300), executable=st.booleans())
LINK = st.builds(Member, path=PATH, data=st.just(b""), link=PART)
INSIDE = st.lists(FILE | LINK, max_size=8, unique_by=lambda member: member.path)


def with_paths(members: list[Member]) -> list[Member]:
    """Return members, and the paths.json that tells their sizes."""
    paths = [{"_path": member.path, "size_in_bytes": len(member.data)} for member in members]
    return [*members, Member(path="info/paths.json", data=json.dumps({"paths": paths}).encode())]


MEMBERS = INSIDE.map(with_paths)


def uncompressed(data: bytes) -> bytes:
    import zstandard

    return zstandard.ZstdCompressor(level=1).compress(data)


@settings(max_examples=150, deadline=None)
@given(members=MEMBERS, data=st.data())
def test_what_is_written_reads_back_and_the_order_of_members_is_no_matter(
    members: list[Member], data: st.DataObject
) -> None:
    written = archive.write("x-1-0", members, epoch=EPOCH, compress=uncompressed)
    shuffled = data.draw(st.permutations(members))
    assert archive.write("x-1-0", shuffled, epoch=EPOCH, compress=uncompressed) == written
    with TemporaryDirectory() as folder:
        path = Path(folder, "x-1-0.conda")
        path.write_bytes(written)
        back = archive.read(path)
    assert sorted(back, key=lambda member: member.path) == sorted(members, key=lambda member: member.path)


@settings(max_examples=60, deadline=None)
@given(members=MEMBERS, at=st.floats(0, 1), junk=st.binary(max_size=3))
def test_a_cut_archive_is_an_error_or_whole_and_never_something_else(
    members: list[Member], at: float, junk: bytes
) -> None:
    from flowlock.errors import FlowlockError

    written = archive.write("x-1-0", members, epoch=EPOCH, compress=uncompressed)
    cut = written[: int(len(written) * at)] + junk
    with TemporaryDirectory() as folder:
        path = Path(folder, "x-1-0.conda")
        path.write_bytes(cut)
        try:
            back = archive.read(path)
        except FlowlockError:
            return
    assert sorted(back, key=lambda member: member.path) == sorted(members, key=lambda member: member.path)
