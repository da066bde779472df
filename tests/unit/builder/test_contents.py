"""Which files of a package ship, and that every other one is named with a reason."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from flowlock.builder.contents import installed
from flowlock.builder.contents.shipped import ExclusionReason
from flowlock.builder.worker.canonical import canonical
from flowlock.conda.members import Member
from flowlock.conda.noarch import Noarch
from unit.builder.tiny import FACTS, MADE

OWN = "site-packages/tiny-1.0.dist-info"
INFO = [member for member in MADE if member.is_info]


def judged(
    *paths: str, noarch: Noarch | None = Noarch.PYTHON, metadata: bytes = b"Name: x\n"
) -> dict[str, str]:
    """Return each path with why it does not ship, "" if it does."""
    members = [Member(path=path, data=metadata if path.endswith("METADATA") else b"x") for path in paths]
    result = canonical([*INFO, *members], replace(FACTS, noarch=noarch))
    shipped = {member.path for member in result.members}
    reasons = {one.path: str(one.reason) for one in result.left_out}
    assert shipped.isdisjoint(reasons)
    return {path: "" if path in shipped else reasons[path] for path in paths}


@pytest.mark.parametrize(
    "path",
    [
        "site-packages/x/_vendor/foo-1.0.dist-info/top_level.txt",
        "site-packages/x/_vendor/foo-1.0.dist-info/direct_url.json",
        "site-packages/x/samples/a.dist-info/table.csv",
        "share/x.dist-info/table.csv",
        "share/site-packages/x-1.dist-info/direct_url.json",
        # No distribution: it has no METADATA.
        "site-packages/data.dist-info/table.csv",
        "site-packages/x/samples/old.pyc",
        "site-packages/x/__pycache__/notes.txt",
        "site-packages/x/__pycache__/gone.cpython-311.pyc",
    ],
)
def test_only_the_distribution_s_own_dist_info_and_bytecode_are_cleaned(path: str) -> None:
    assert judged(path, "site-packages/x/__init__.py", f"{OWN}/METADATA")[path] == ""


def test_what_a_dist_info_is_cleaned_of_is_named_with_the_reason() -> None:
    names = ("METADATA", "RECORD", "direct_url.json", "REQUESTED", "top_level.txt", "sboms/a.json")
    found = judged(*(f"{OWN}/{name}" for name in names))
    assert list(found.values()) == [
        "",
        "",
        ExclusionReason.TRACE,
        ExclusionReason.TRACE,
        ExclusionReason.SETUPTOOLS,
        ExclusionReason.DIST_INFO,
    ]


def test_a_vendored_record_stays_as_it_is() -> None:
    path = "site-packages/x/_vendor/foo-1.0.dist-info/RECORD"
    folder = path.removesuffix("/RECORD")
    more = [Member(path=path, data=b"foo.py,,\n"), Member(path=f"{folder}/METADATA", data=b"Name: foo\n")]
    made = {member.path: member for member in canonical([*MADE, *more], FACTS).members}
    assert made[path].data == b"foo.py,,\n"


@pytest.mark.parametrize("noarch", [Noarch.PYTHON, None])
def test_bytecode_of_a_source_that_ships_is_left_out(noarch: Noarch | None) -> None:
    site = "site-packages" if noarch else "lib/python3.12/site-packages"
    compiled = [f"{site}/x/__pycache__/a.cpython-312.pyc", f"{site}/x/__pycache__/a.cpython-312.opt-1.pyc"]
    found = judged(f"{site}/x/a.py", *compiled, noarch=noarch)
    assert [found[path] for path in compiled] == [ExclusionReason.BYTECODE] * 2


def test_a_generic_package_ships_all_that_was_installed() -> None:
    paths = [
        "share/x/a.py",
        "share/x/__pycache__/a.cpython-312.pyc",
        "site-packages/tiny-1.0.dist-info/METADATA",
        "site-packages/tiny-1.0.dist-info/direct_url.json",
        "lib/python3.12/site-packages/tiny-1.0.dist-info/METADATA",
        "lib/python3.12/site-packages/tiny-1.0.dist-info/REQUESTED",
    ]
    assert set(judged(*paths, noarch=Noarch.GENERIC).values()) == {""}


def test_a_native_package_s_own_dist_info_lies_in_its_python_s_folder() -> None:
    paths = [
        "lib/python3.12/site-packages/tiny-1.0.dist-info/METADATA",
        "lib/python3.12/site-packages/tiny-1.0.dist-info/direct_url.json",
        "site-packages/tiny-1.0.dist-info/METADATA",
        "site-packages/tiny-1.0.dist-info/direct_url.json",
    ]
    assert list(judged(*paths, noarch=None).values()) == ["", ExclusionReason.TRACE, "", ""]


@pytest.mark.parametrize("name", ["Größe.txt", "许可证", "a b.txt"])
def test_licences_whose_names_are_not_ascii_ship(name: str) -> None:
    metadata = f"Name: x\nLicense-File: {name}\nLicense-File: LICENSES/{name}\n".encode()
    paths = (f"{OWN}/METADATA", f"{OWN}/{name}", f"{OWN}/licenses/LICENSES/{name}")
    assert set(judged(*paths, metadata=metadata).values()) == {""}


def test_metadata_that_is_not_utf_8_is_no_traceback() -> None:
    assert judged(f"{OWN}/METADATA", metadata=b"License-File: \xff\xfe\n") == {f"{OWN}/METADATA": ""}


def test_a_record_that_is_not_utf_8_is_an_error() -> None:
    from flowlock.errors import FlowlockError

    more = [Member(path=f"{OWN}/METADATA", data=b""), Member(path=f"{OWN}/RECORD", data=b"\xff")]
    with pytest.raises(FlowlockError, match="RECORD cannot be read"):
        canonical([*INFO, *more], FACTS)


def test_what_describes_the_build_is_named_too() -> None:
    (omitted,) = (one for one in canonical(MADE, FACTS).left_out if one.path.startswith("info/"))
    assert (omitted.path, omitted.reason) == ("info/hash_input.json", ExclusionReason.BUILD)


@pytest.mark.parametrize(
    "text", ["", "x", "[]", "{}", '{"paths_data": 5}', '{"paths_data": {"paths": [5]}}', "[" * 200_000]
)
def test_a_script_s_file_among_the_records_of_packages_is_a_file_like_others(
    tmp_path: Path, text: str
) -> None:
    record = {"files": ["a.txt"], "paths_data": {"paths": [{"_path": "a.txt"}]}}
    (tmp_path / "conda-meta").mkdir()
    (tmp_path / "conda-meta/tool-1.0-0.json").write_text(json.dumps(record))
    (tmp_path / "conda-meta/mine.json").write_text(text)
    (tmp_path / "conda-meta/gone.json").symlink_to("nowhere")
    (tmp_path / "a.txt").write_text("a")
    assert installed.read(tmp_path).new == {"conda-meta/mine.json", "conda-meta/gone.json"}
