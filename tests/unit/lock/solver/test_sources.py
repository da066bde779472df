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
    ("text", "message"),
    [
        ("", "is not JSON"),
        ('{"packages"', "is not JSON"),
        ("[" * 200_000, "is not JSON"),
        ('{"packages": {"a": ' + '{"a":' * 5000 + "1" + "}" * 5002, "is not JSON"),
        ("[]", "does not have the expected shape"),
        ('{"info": []}', "`info` is not an object"),
        ('{"packages": null}', "`packages` is not an object"),
        ('{"packages.conda": "x"}', "`packages.conda` is not an object"),
        ('{"packages.conda": {"a.conda": 5}}', "`packages.conda.a.conda` is not an object"),
    ],
)
def test_what_is_not_repodata_is_refused(tmp_path: Path, text: str, message: str) -> None:
    folder = written(tmp_path, text)
    with pytest.raises(FlowlockError, match=r"noarch/repodata\.json") as caught:
        list(entries(folder))
    assert message in caught.value.message
    assert caught.value.problems[0].code == "FL621"
    assert caught.value.kept == KEPT
    with pytest.raises(FlowlockError):
        snapshots([str(tmp_path)], ["https://example.org/release"])
