import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard

from flowlock.builder.worker.canonical import ArchiveFacts, canonical
from flowlock.conda import archive
from flowlock.conda.members import Member
from flowlock.conda.noarch import Noarch
from flowlock.errors import FlowlockError
from unit.builder.tiny import FACTS, MADE

EPOCH = datetime(2026, 11, 1, tzinfo=UTC)


def members() -> dict[str, Member]:
    return {member.path: member for member in canonical(MADE, FACTS).members}


def test_what_tells_of_this_build_does_not_ship() -> None:
    assert sorted(members()) == [
        "info/about.json",
        "info/index.json",
        "info/paths.json",
        "info/recipe/recipe.yaml",
        "site-packages/tiny-1.0.dist-info/METADATA",
        "site-packages/tiny-1.0.dist-info/RECORD",
        "site-packages/tiny.py",
    ]
    assert json.loads(members()["info/about.json"].data) == {"summary": "Tiny"}
    assert json.loads(members()["info/index.json"].data)["timestamp"] == EPOCH.timestamp() * 1000


def test_record_and_paths_state_the_files_as_they_ship() -> None:
    found = members()
    record = found["site-packages/tiny-1.0.dist-info/RECORD"].data.decode()
    assert [row.split(",")[0] for row in record.splitlines()] == [
        "tiny-1.0.dist-info/METADATA",
        "tiny.py",
        "tiny-1.0.dist-info/RECORD",
    ]
    for entry in json.loads(found["info/paths.json"].data)["paths"]:
        data = found[entry["_path"]].data
        assert entry["sha256"] == hashlib.sha256(data).hexdigest()
        assert entry["size_in_bytes"] == len(data)


ABOUT = {
    key: f"its {key}"
    for key in (
        *("home", "license", "license_family", "summary", "description", "doc_url", "dev_url", "license_url"),
        *("channels", "conda_version", "env_vars", "extra"),
    )
}
INFO_MADE = {
    "info/about.json": json.dumps(ABOUT),
    "info/link.json": '{"package_metadata_version": 1, "noarch": {"type": "python"}}',
    "info/run_exports.json": '{"weak": ["tiny"]}',
    "info/licenses/MIT.txt": "MIT",
    "info/tests/tests.yaml": "- script: [true]",
    "info/licenses/.gitkeep": "",
    "info/git": "a commit",
    "info/recipe/recipe.yaml": "the engine's",
    "info/recipe/variant_config.yaml": "{}",
}


def test_of_what_describes_the_package_that_ships_which_is_the_same_for_every_build() -> None:
    made = [*MADE, *(Member(path=path, data=text.encode()) for path, text in INFO_MADE.items())]
    result = canonical(made, FACTS)
    found = {member.path: member.data for member in result.members if member.is_info}
    assert sorted(found) == [
        "info/about.json",
        "info/index.json",
        "info/licenses/MIT.txt",
        "info/link.json",
        "info/paths.json",
        "info/recipe/recipe.yaml",
        "info/run_exports.json",
        "info/tests/tests.yaml",
    ]
    assert sorted(json.loads(found["info/about.json"])) == [
        *("description", "dev_url", "doc_url", "home", "license", "license_family", "license_url", "summary")
    ]
    for path in ("info/link.json", "info/run_exports.json"):
        document = json.loads(INFO_MADE[path])
        assert found[path].decode() == json.dumps(document, indent=2, sort_keys=True) + "\n"
    assert found["info/recipe/recipe.yaml"] == FACTS.recipe.encode()
    assert found["info/tests/tests.yaml"] == INFO_MADE["info/tests/tests.yaml"].encode()
    assert {file.path for file in result.left_out if file.path.startswith("info/")} == {
        *("info/licenses/.gitkeep", "info/git", "info/recipe/recipe.yaml"),
        *("info/recipe/variant_config.yaml", "info/hash_input.json"),
    }


def test_documents_are_written_in_one_way() -> None:
    made = [*MADE, Member(path="info/link.json", data='{"b":{"d":1,"c":"é"},"a":[]}'.encode())]
    found = {member.path: member.data for member in canonical(made, FACTS).members}
    assert found["info/link.json"].decode() == '{\n  "a": [],\n  "b": {\n    "c": "é",\n    "d": 1\n  }\n}\n'


def test_no_file_that_describes_the_package_is_executable() -> None:
    made = [*MADE, Member(path="info/licenses/MIT.txt", data=b"MIT", executable=True)]
    found = {member.path: member for member in canonical(made, FACTS).members}
    assert not found["info/licenses/MIT.txt"].executable


def with_paths(*entries: Mapping[str, object]) -> list[Member]:
    """Return MADE, of whose files the engine says this."""
    paths = Member(path="info/paths.json", data=json.dumps({"paths": entries}).encode())
    return [*(member for member in MADE if member.path != paths.path), paths]


PREFIXED = {"_path": "site-packages/tiny.py", "prefix_placeholder": "/build/x", "file_mode": "text"}


def test_paths_keep_what_the_engine_found_of_prefixes_and_say_what_links_are() -> None:
    found = {"_path": "site-packages/tiny.py", "no_link": True, "size_in_bytes": 99, "sha256": "old"}
    made = [*with_paths({**PREFIXED, **found}), Member(path="bin/link", data=b"", link="tiny")]
    members = {m.path: m for m in canonical(made, replace(FACTS, noarch=None)).members}
    document = json.loads(members["info/paths.json"].data)
    assert document["paths_version"] == 1
    entries = {entry["_path"]: entry for entry in document["paths"]}
    assert list(entries) == sorted(entries)
    assert entries["site-packages/tiny.py"] == {
        **PREFIXED,
        "no_link": True,
        "path_type": "hardlink",
        "sha256": hashlib.sha256(b"x = 1\n").hexdigest(),
        "size_in_bytes": 6,
    }
    assert entries["bin/link"]["path_type"] == "softlink"


def test_a_noarch_package_that_holds_the_path_of_its_build_environment_is_refused() -> None:
    other = {**PREFIXED, "_path": "site-packages/a.py"}
    plain = {"_path": "site-packages/plain.py", "prefix_placeholder": None}
    with pytest.raises(FlowlockError, match=r"into site-packages/a\.py, site-packages/tiny\.py$") as caught:
        canonical(with_paths(PREFIXED, plain, other), FACTS)
    assert caught.value.problems[0].code == "FL512"
    for made, facts in ((with_paths(plain), FACTS), (with_paths(PREFIXED), replace(FACTS, noarch=None))):
        assert "site-packages/tiny.py" in {member.path for member in canonical(made, facts).members}


@pytest.mark.parametrize("missing", ["info/index.json", "info/paths.json"])
def test_an_archive_without_either_document_of_the_engine_is_refused(missing: str) -> None:
    with pytest.raises(FlowlockError, match=r"no index\.json or paths\.json") as caught:
        canonical([member for member in MADE if member.path != missing], FACTS)
    assert caught.value.problems[0].code == "FL534"
    bare = [member for member in MADE if member.path in ("info/index.json", "info/paths.json")]
    assert "info/index.json" in {member.path for member in canonical(bare, FACTS).members}


@pytest.mark.parametrize("data", [b"\xff,,\n", b'"tiny.py,,\n'])
def test_a_record_that_cannot_be_read_is_an_error_with_its_place(data: bytes) -> None:
    path = f"{DIST_INFO}/RECORD"
    made = [*(member for member in MADE if member.path != path), Member(path=path, data=data)]
    with pytest.raises(FlowlockError, match=f"{path} cannot be read") as caught:
        canonical(made, FACTS)
    assert caught.value.problems[0].code == "FL534"


DIST_INFO = "site-packages/tiny-1.0.dist-info"


def shipped(*names: str, metadata: str = "Name: tiny\n") -> list[str]:
    """Return which of these files of a dist-info ship, and are in its RECORD."""
    rows = "".join(f"tiny-1.0.dist-info/{name},,\n" for name in (*names, "RECORD"))
    texts = {**dict.fromkeys(names, "text"), "METADATA": metadata, "RECORD": rows}
    more = [Member(path=f"{DIST_INFO}/{name}", data=text.encode()) for name, text in texts.items()]
    made = {member.path: member for member in canonical([*MADE, *more], FACTS).members}
    record = made[f"{DIST_INFO}/RECORD"].data.decode()
    found = [name for name in names if f"{DIST_INFO}/{name}" in made]
    assert found == [name for name in names if f"tiny-1.0.dist-info/{name}," in record]
    return found


def test_licences_ship_wherever_in_a_dist_info_they_are() -> None:
    names = ["LICENSE", "LICENCE.txt", "license.md", "COPYING.LESSER", "NOTICE", "AUTHORS.rst"]
    names += ["LICENSES/MIT.txt", "licenses/LICENSE"]
    assert shipped(*names, "top_level.txt", "direct_url.json", "REQUESTED") == names


def test_licences_that_only_the_metadata_names_ship() -> None:
    metadata = "Name: tiny\nLicense-File: EUPL.txt\nLicense-File: docs/terms.txt\n\nLicense-File: REQUESTED\n"
    assert shipped("EUPL.txt", "terms.txt", "REQUESTED", metadata=metadata) == ["EUPL.txt", "terms.txt"]


NATIVE = "lib/python3.12/site-packages"


def record(*files: str, folder: str, rows: str) -> list[str]:
    """Return the rows of a RECORD in `folder`, in an archive that holds these files too."""
    path = f"{folder}/more-1.0.dist-info/RECORD"
    metadata = Member(path=f"{folder}/more-1.0.dist-info/METADATA", data=b"Name: more\n")
    more = [metadata, Member(path=path, data=rows.encode())]
    more += [Member(path=file, data=b"x") for file in files]
    noarch = None if folder == NATIVE else Noarch.PYTHON
    facts = replace(FACTS, noarch=noarch)
    made = {member.path: member for member in canonical([*MADE, *more], facts).members}
    return made[path].data.decode().splitlines()


def test_record_lists_what_ships_outside_of_site_packages() -> None:
    rows = "../../../bin/tool,sha256=old,1\n../../../share/more/a b.txt,,\nmore.py,,\n../../../bin/gone,,\n"
    files = ["bin/tool", "share/more/a b.txt", f"{NATIVE}/more.py", "bin/another"]
    digest = "sha256=LXEWQrcmsEQBYnyp-6wy9chTD7GQPMTbAiWHF5IaSIE"
    assert record(*files, folder=NATIVE, rows=rows) == [
        f"../../../bin/tool,{digest},1",
        f"../../../share/more/a b.txt,{digest},1",
        f"more.py,{digest},1",
        "more-1.0.dist-info/RECORD,,",
    ]


def test_record_names_a_file_once_and_in_one_way() -> None:
    rows = f"./more.py,,\n../site-packages/more.py,,\nmore.py,,\n../../../{NATIVE}/more.py,,\n"
    found = record(f"{NATIVE}/more.py", folder=NATIVE, rows=rows)
    assert [row.split(",")[0] for row in found] == ["more.py", "more-1.0.dist-info/RECORD"]


def test_record_of_a_noarch_package_does_not_guess_where_site_packages_will_lie() -> None:
    rows = "../../../bin/tool,,\n../bin/tool/../../../bin/tool,,\n/bin/tool,,\nmore.py,,\n"
    found = record("bin/tool", "site-packages/more.py", folder="site-packages", rows=rows)
    assert [row.split(",")[0] for row in found] == ["more.py", "more-1.0.dist-info/RECORD"]


def test_an_archive_reads_back_and_is_owned_by_nobody_at_no_other_time(tmp_path: Path) -> None:
    given = [
        Member(path="bin/run", data=b"#!/bin/sh\n", executable=True),
        Member(path="lib/" + "long/" * 40 + "ünïcode", data=b"x" * 100_000),
        Member(path="lib/link", data=b"", link="run"),
        Member(path="info/index.json", data=b"{}"),
        Member(path="info/paths.json", data=b'{"paths": [{"size_in_bytes": 100000}]}'),
    ]
    data = archive.write("x-1-0", given, epoch=EPOCH)
    assert data == archive.write("x-1-0", list(reversed(given)), epoch=EPOCH)
    path = tmp_path / "x-1-0.conda"
    path.write_bytes(data)
    assert sorted(archive.read(path), key=lambda m: m.path) == sorted(given, key=lambda m: m.path)
    assert archive.read_info(path)["info/index.json"] == b"{}"
    with zipfile.ZipFile(path) as opened:
        assert {entry.date_time for entry in opened.infolist()} == {(2026, 11, 1, 0, 0, 0)}
        for name in opened.namelist()[1:]:
            tar = zstandard.ZstdDecompressor().decompress(opened.read(name))
            with tarfile.open(fileobj=io.BytesIO(tar)) as listed:
                for entry in listed:
                    assert (entry.mtime, entry.uid, entry.gid) == (EPOCH.timestamp(), 0, 0)
                    assert entry.mode in (0o644, 0o755)
                    assert not entry.uname + entry.gname


@pytest.mark.parametrize("link", ["/etc/passwd", "../../etc/passwd", "x/../../../../y", "x//../../../y"])
def test_a_link_that_leaves_the_package_is_refused(link: str) -> None:
    made = [*MADE, Member(path="share/users", data=b"", link=link)]
    with pytest.raises(FlowlockError, match="point outside the package: share/users"):
        canonical(made, FACTS)


def test_a_link_within_the_package_ships() -> None:
    made = [*MADE, Member(path="share/doc/users", data=b"", link="../../site-packages/tiny.py")]
    assert "share/doc/users" in {member.path for member in canonical(made, FACTS).members}


def linked(**links: str) -> list[Member]:
    """Return MADE and links; `__` in a name stands for `/`."""
    return [*MADE, *(Member(path=k.replace("__", "/"), data=b"", link=v) for k, v in links.items())]


@pytest.mark.parametrize(
    "links",
    [
        {"x__y__a": "../..", "x__y__b": "a/../secret"},
        {"x__y__a": "../..", "x__y__b": "a/x/y/a/../secret"},
        {"x__up": "..", "x__upper": "up/x/up", "b": "x/upper/../secret"},
        {"x__y__a": "../..", "x__y__a__b": "../secret"},
        {"x__a": ".", "x__y__b": "../a/../../../secret"},
        {"a": "x/y", "b": "/etc/passwd", "c": "a/../../b"},
        {**{f"n{n}": f"n{n + 1}" for n in range(100)}, "n100": "x/top/../secret", "x__top": ".."},
    ],
)
def test_a_link_that_leaves_the_package_through_another_is_refused(links: dict[str, str]) -> None:
    with pytest.raises(FlowlockError, match="point outside the package") as caught:
        canonical(linked(**links), FACTS)
    assert caught.value.problems[0].code == "FL513"


@pytest.mark.parametrize(
    "links",
    [
        {"x__y__a": "../..", "x__y__b": "a/secret"},
        {"deep": "x/y/z", "b": "deep/../../other"},
        {"lib64": "lib", "lib__libx.so": "libx.so.1", "share__libx": "../lib64/libx.so"},
        {"x__dots": "...", "x__same": "./././dots//y"},
        {"a": "a"},
        {"a": "b/../c", "b": "a/x", "c": "b"},
        {f"n{n}": f"n{n + 1}/n{n + 1}" for n in range(100)},
    ],
)
def test_links_that_stay_in_the_package_or_lead_nowhere_ship(links: dict[str, str]) -> None:
    shipped = {
        member.path: member.link for member in canonical(linked(**links), FACTS).members if member.link
    }
    assert sorted(shipped.values()) == sorted(links.values())


@pytest.mark.parametrize("damage", [b"", b"PK", b"not a zip"])
def test_a_damaged_archive_is_an_error(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "x-1-0.conda"
    path.write_bytes(damage)
    for reader in (archive.read, archive.read_info):
        with pytest.raises(FlowlockError, match="not a complete"):
            reader(path)


def test_an_archive_that_leaves_its_place_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x-1-0.conda"
    members = [Member(path="../../evil", data=b""), Member(path="info/paths.json", data=b'{"paths": []}')]
    path.write_bytes(archive.write("x-1-0", members, epoch=EPOCH))
    with pytest.raises(FlowlockError, match="is outside the archive"):
        archive.read(path)


def test_another_zstandard_is_refused_with_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zstandard, "__version__", "0.99.0")
    with pytest.raises(FlowlockError, match=r"0\.99\.0 compresses archives differently"):
        archive.compressor()


def test_an_archive_without_metadata_of_its_own_kind_is_refused() -> None:
    with pytest.raises(FlowlockError, match=r"no index\.json or paths\.json"):
        canonical([], ArchiveFacts(recipe="", epoch=EPOCH, noarch=Noarch.PYTHON))
