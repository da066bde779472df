"""Builds side by side: they link to the same unpacked packages, and see nothing of each other."""

import shutil
from pathlib import Path

import pytest

from flowlock.build.sandbox import available
from flowlock.errors import FlowlockError
from shared import require_part
from small import Small

# The build's own interpreter appends to a file of its environment.
WRITE_IN_PLACE = (
    """"${{ PYTHON }}" -c 'import json; open(json.__file__, "a").write("\\nraise SystemExit(3)\\n")'"""
)
# As installers and `sed -i` do: another file takes the name.
WRITE_AND_RENAME = (
    """"${{ PYTHON }}" -c 'import json, os; new = open(json.__file__ + "x", "w"); """
    """new.write(open(json.__file__).read() + "\\nraise SystemExit(3)\\n"); new.close(); """
    """os.replace(new.name, json.__file__)'"""
)


@pytest.fixture
def unshared(small: Small) -> Small:
    """A workspace whose unpacked packages no other test links to."""
    small.add("alpha")
    own = small.packages.with_name("own")
    shutil.copytree(small.packages, own, symlinks=True)
    shutil.rmtree(small.packages)
    own.rename(small.packages)
    return small


def json_module(small: Small) -> Path:
    return next(small.packages.glob("pkgs/python-*/lib/python*/json/__init__.py"))


def test_environments_are_links_to_the_unpacked_packages(small: Small) -> None:
    require_part(found=available() is not None, part="a bubblewrap that works")
    small.add("alpha", script='test "$(stat -c %h "$PREFIX/bin/uv")" -gt 1')
    small.build()


def test_a_build_sees_nothing_of_the_one_beside_it(small: Small) -> None:
    require_part(found=available() is not None, part="a bubblewrap that works")
    workers = small.root / ".flowlock/workers"
    for name in ("alpha", "beta"):
        small.add_data(name, script=f"sleep 1; test \"$(find '{workers}' -name job.json | wc -l)\" = 1")
    small.build(jobs=2)


def test_a_script_that_writes_into_a_shared_file_is_refused_and_harms_no_other_build(unshared: Small) -> None:
    undisturbed = unshared.build("alpha").packages[0].sha256
    before = json_module(unshared).read_bytes()
    unshared.add("broken", script=WRITE_IN_PLACE)
    with pytest.raises(FlowlockError) as caught:
        unshared.build("broken")
    assert caught.value.problems[0].code == "FL535"
    assert "json/__init__.py" in caught.value.problems[0].message
    assert json_module(unshared).read_bytes() != before
    shutil.rmtree(unshared.root / ".flowlock/cache/artifacts")
    assert unshared.build("alpha").packages[0].sha256 == undisturbed
    assert json_module(unshared).read_bytes() == before


def test_a_build_beside_it_that_links_to_the_written_file_is_refused_too(unshared: Small) -> None:
    unshared.add("broken", script=WRITE_IN_PLACE)
    unshared.add("slow", script="sleep 3")
    with pytest.raises(FlowlockError) as caught:
        unshared.build("broken", "slow", jobs=2)
    assert [problem.code for problem in caught.value.problems] == ["FL535", "FL535"]


def test_a_script_that_writes_a_new_file_under_the_name_harms_nobody(unshared: Small) -> None:
    before = json_module(unshared).read_bytes()
    unshared.add("tidy", script=WRITE_AND_RENAME.replace("raise SystemExit(3)", "x = 1"))
    unshared.build("tidy")
    assert json_module(unshared).read_bytes() == before


def test_what_a_killed_build_left_written_is_mended(unshared: Small) -> None:
    unshared.build("alpha")
    module = json_module(unshared)
    before = module.read_bytes()
    module.write_bytes(before + b"\nraise SystemExit(3)\n")
    unshared.add("beta")
    unshared.build()
    assert json_module(unshared).read_bytes() == before
