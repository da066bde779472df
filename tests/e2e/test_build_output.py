"""`build --output`: a folder to hand to another machine or a CI job."""

import asyncio
import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from flowlock.errors import FlowlockError
from flowlock.release.targets import artifact
from small import Small


def test_the_folder_is_a_channel_with_digests_that_a_client_and_a_release_read(
    small: Small, tmp_path: Path
) -> None:
    small.add_data("alpha")
    small.add_data("beta")
    output = tmp_path / "to hand over"
    small.build(output=output)
    first = contents(output)
    assert {path for path in first if path.endswith(".conda")} == {
        path.relative_to(small.state.channel).as_posix() for path in small.archives()
    }
    assert {"SHA256SUMS", "manifest.json", "noarch/repodata.json", "linux-64/repodata.json"} <= first.keys()
    if shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=output, check=True)
    listed = json.loads((output / "manifest.json").read_text())["packages"]
    assert [(one["name"], one["version"]) for one in listed] == [("alpha", "1.0"), ("beta", "1.0")]
    for one in listed:
        assert first[f"{one['subdir']}/{one['file']}"] == one["sha256"]
    assert {item.sha256 for item in map(artifact.read, artifact.find(output))} == {
        one["sha256"] for one in listed
    }
    assert solved(output) == ["alpha", "beta"]

    (small.root / "src/alpha/data.txt").write_text("two")
    small.build(output=output)
    assert len([path for path in contents(output) if path.endswith(".conda")]) == 2
    (small.root / "src/alpha/data.txt").write_text("one")
    small.build(output=output)
    assert contents(output) == first


def test_a_folder_with_something_else_is_refused_and_left_alone(small: Small, tmp_path: Path) -> None:
    small.add_data("alpha")
    folder = tmp_path / "thesis"
    folder.mkdir()
    small.build(output=folder)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/chapter.txt").write_text("years of work")
    (tmp_path / "file").write_text("more of it")
    for name in ("other", "file"):
        with pytest.raises(FlowlockError, match=r"contains other files|is a file"):
            small.build(output=tmp_path / name)
    assert (tmp_path / "other/chapter.txt").read_text() == "years of work"
    assert (tmp_path / "file").read_text() == "more of it"


def test_what_was_put_into_an_earlier_output_is_named_before_anything_is_built(
    small: Small, tmp_path: Path
) -> None:
    small.add_data("alpha")
    output = tmp_path / "out"
    small.build(output=output)
    additions = (
        "README.md",
        "notes/mine.txt",
        ".git/HEAD",
        "noarch/other-1.0-0.conda",
        "noarch/repodata.txt",
    )
    for name in additions:
        (output / name).parent.mkdir(exist_ok=True)
        (output / name).write_text("mine")
    (output / "linked").symlink_to(tmp_path)
    (output / "empty").mkdir()
    before = contents(output)
    (small.root / "src/alpha/data.txt").write_text("two")
    with pytest.raises(FlowlockError) as caught:
        small.build(output=output)
    assert caught.value.problems[0].code == "FL550"
    assert (
        "contains other files: .git/, README.md, empty/, linked/, noarch/other-1.0-0.conda and 2 more"
        in str(caught.value)
    )
    assert contents(output) == before
    assert small.reasons() == {"alpha": "source changed (data.txt)"}


def test_a_manifest_and_sums_of_another_tool_give_no_leave_to_replace(small: Small, tmp_path: Path) -> None:
    small.add_data("alpha")
    thesis = tmp_path / "thesis"
    thesis.mkdir()
    (thesis / "chapter.txt").write_text("years of work")
    (thesis / "manifest.json").write_text('{"packages": []}')
    (thesis / "SHA256SUMS").write_text(f"{'0' * 64}  chapter.txt\n{'0' * 64}  manifest.json\n")
    for manifest in ('{"packages": []}', "[]", "{"):
        (thesis / "manifest.json").write_text(manifest)
        with pytest.raises(FlowlockError, match=r"thesis contains other files: .*chapter\.txt"):
            small.build(output=thesis)
    assert (thesis / "chapter.txt").read_text() == "years of work"


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def solved(channel: Path) -> list[str]:
    import rattler

    records = asyncio.run(
        rattler.solve([rattler.Channel(channel.as_uri())], ["alpha", "beta"], platforms=["noarch"])
    )
    return sorted(record.name.normalized for record in records)
