"""A channel's metadata: whatever is not repodata is refused before anything is taken from it."""

import json
from pathlib import Path

import pytest

from flowlock.errors import FlowlockError
from flowlock.lock.solver.sources import KEPT, ChannelFolder, entries, snapshots

ENTRY = {"name": "a", "version": "1", "build": "0"}


def written(folder: Path, text: str) -> ChannelFolder:
    file = folder / "noarch" / "repodata.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return ChannelFolder(url="https://example.org/release", path=folder)


def test_entries_of_both_formats_are_listed(tmp_path: Path) -> None:
    document = {"packages": {"a.tar.bz2": ENTRY}, "packages.conda": {"a.conda": ENTRY}, "more": [1]}
    folder = written(tmp_path, json.dumps(document))
    assert list(entries(folder)) == [("noarch", "a.tar.bz2", ENTRY), ("noarch", "a.conda", ENTRY)]


@pytest.mark.parametrize(
    ("text", "told", "message"),
    [
        ("", "FL621 1:1", "is not JSON"),
        ('{\n"packages"', "FL621 2:10", "is not JSON"),
        ("[" * 200_000, "FL637 1:202", "nested deeper than 200 levels"),
        (
            '{"packages": {"a": ' + '{"a":' * 5000 + "1" + "}" * 5002,
            "FL637 1:1015",
            "nested deeper than 200 levels",
        ),
        ('{"x":' + "9" * 5000 + "}", "FL637 1:4307", "a number has more than 4,300 digits"),
        ("[]", "FL621 1:1", "does not have the expected shape"),
        ('{"info": []}', "FL634 1:10", "`info` is not an object"),
        ('{"packages": null}', "FL634 1:14", "`packages` is not an object"),
        ('{\n "packages.conda": "x"}', "FL634 2:20", "`packages.conda` is not an object"),
        ('{"packages.conda": {\n"a.conda": 5}}', "FL635 2:12", "Input should be a valid dictionary"),
    ],
)
def test_what_is_not_repodata_is_refused(tmp_path: Path, text: str, told: str, message: str) -> None:
    folder = written(tmp_path, text)
    with pytest.raises(FlowlockError, match=r"noarch/repodata\.json") as caught:
        list(entries(folder))
    assert message in caught.value.message
    code, _, place = told.partition(" ")
    (problem,) = caught.value.problems
    assert problem.code == code
    assert str(problem.location) == f"{tmp_path / 'noarch/repodata.json'}:{place}"
    assert caught.value.kept == KEPT
    with pytest.raises(FlowlockError):
        snapshots([str(tmp_path)], ["https://example.org/release"])


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("a.conda", {"name": 5}, "name: Input should be a valid string"),
        ("a.conda", {"version": None}, "version: Input should be"),
        ("a.conda", {"build": ["0"]}, "build: Input should be"),
        ("a.conda", {"depends": "python"}, "depends: Input should be a valid list"),
        ("a.conda", {"constrains": {}}, "constrains: Input should be a valid list"),
        ("a.conda", {"sha256": "0" * 63}, "sha256: "),
        ("a.conda", {"extra_depends": "x"}, "extra_depends"),
        ("a.conda", {"extra_depends": {"x": "y"}}, "extra_depends"),
        ("a.conda", {"md5": {}}, "md5: "),
        ("a.conda", {"sha256": 5}, "sha256: "),
        ("../a.conda", {}, "not the name of an archive"),
        ("a\\a.conda", {}, "not the name of an archive"),
        ("a", {}, "not the name of an archive"),
    ],
)
def test_an_entry_that_no_package_has_is_told_at_its_place(
    tmp_path: Path, name: str, change: dict[str, object], message: str
) -> None:
    document = {
        "packages": {"b.tar.bz2": ENTRY},
        "packages.conda": {"c.conda": ENTRY, name: {**ENTRY, **change}},
    }
    folder = written(tmp_path, json.dumps(document, indent=1))
    with pytest.raises(FlowlockError) as caught:
        list(entries(folder))
    (problem,) = caught.value.problems
    assert problem.code == "FL635"
    assert message in problem.message
    assert problem.location is not None
    assert problem.location.line in range(15, 24)


@pytest.mark.parametrize(
    "base", [5, "ftp://example.org/x", "https://me:secret@example.org/x", "https://x/ y", "javascript:x"]
)
def test_a_base_url_that_is_none_is_refused(tmp_path: Path, base: object) -> None:
    written(tmp_path, json.dumps({"info": {"base_url": base}}, indent=1))
    with pytest.raises(FlowlockError) as caught:
        snapshots([str(tmp_path)], ["https://example.org/release"])
    (problem,) = caught.value.problems
    assert problem.code == "FL636"
    assert "secret" not in str(problem)
    assert str(problem.location).endswith("repodata.json:3:15")


@pytest.mark.parametrize(
    ("base", "channel"),
    [
        ("https://example.org:8000/x/noarch/", "https://example.org:8000/x/"),
        ("file:///srv/x/noarch", "file:///srv/x/"),
        ("../elsewhere", "https://example.org/release"),
        ("", "https://example.org/release"),
    ],
)
def test_a_base_url_names_the_channel_unless_it_is_relative(tmp_path: Path, base: str, channel: str) -> None:
    written(tmp_path, json.dumps({"info": {"base_url": base}}))
    (folder,) = snapshots([str(tmp_path)], ["https://example.org/release"])
    assert folder.url == channel
