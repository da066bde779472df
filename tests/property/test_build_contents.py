from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from flowlock.builder.worker.canonical import canonical
from flowlock.conda.members import Member
from flowlock.conda.noarch import Noarch
from trees import TREE
from unit.builder.tiny import FACTS, MADE


@settings(max_examples=200, deadline=None)
@given(paths=TREE, noarch=st.sampled_from([*Noarch, None]))
def test_each_file_of_the_engine_s_archive_ships_or_is_named(paths: list[str], noarch: Noarch | None) -> None:
    members = [*MADE, *(Member(path=path, data=b"") for path in paths)]
    result = canonical(members, replace(FACTS, noarch=noarch))
    shipped = {member.path for member in result.members}
    named = {one.path for one in result.left_out}
    assert shipped.isdisjoint(named)
    assert {member.path for member in members} <= shipped | named
