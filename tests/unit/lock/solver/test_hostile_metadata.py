"""Metadata that would make the engine panic, or that only a limit looks into, are refused at their place."""

import json
from pathlib import Path
from typing import Any

import pytest

from flowlock.errors import FlowlockError
from flowlock.lock.manifest.model import ExcludeNewer, ManifestRequirement
from flowlock.lock.solver import sources
from flowlock.lock.solver.metadata import ChannelMetadata
from flowlock.lock.solver.solve import SolveRequest, solve_environment
from flowlock.lock.solver.sources import ChannelFolder

URL = "https://example.org/release"
ENTRY = {"name": "a", "version": "1.0", "build": "h0_0", "build_number": 0, "subdir": "noarch", "depends": []}
EXEMPT = ManifestRequirement(name="a", spec="a >=1")
LIMIT = ExcludeNewer(cutoff=0, exempt=(EXEMPT,))


def channel(folder: Path, **more: Any) -> ChannelFolder:
    file = folder / "noarch" / sources.REPODATA
    file.parent.mkdir()
    info = {"subdir": "noarch", **more.pop("info", {})}
    document = {"info": info, "packages": {}, "packages.conda": {"a-1.0-h0_0.conda": {**ENTRY, **more}}}
    file.write_text(json.dumps(document, indent=1))
    return ChannelFolder(url=URL, path=folder)


def solve(folder: ChannelFolder, limit: ExcludeNewer | None = None) -> list[str]:
    request = SolveRequest(
        label="demo",
        subdir="linux-64",
        channels=(folder.url,),
        requirements=(EXEMPT,),
        virtual_packages=(),
        exclude_newer=limit,
    )
    with ChannelMetadata(folders=[folder]) as metadata:
        return [record.url for record in solve_environment(request, metadata)]


@pytest.mark.parametrize("base", ["", "../elsewhere", f"{URL}/noarch", "https://other.example:8000/x/"])
@pytest.mark.parametrize("limit", [None, LIMIT])
def test_sound_metadata_are_solved_from(tmp_path: Path, base: str, limit: ExcludeNewer | None) -> None:
    folder = channel(tmp_path, info={"base_url": base} if base else {})
    assert [url.rpartition("/")[2] for url in solve(folder, limit)] == ["a-1.0-h0_0.conda"]


@pytest.mark.parametrize("base", ["ht:tps://example.org/x", "mailto:x", "https://me:pw@example.org/x"])
@pytest.mark.parametrize("limit", [None, LIMIT])
def test_a_base_url_that_the_engine_would_panic_about_is_refused(
    tmp_path: Path, base: str, limit: ExcludeNewer | None, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = channel(tmp_path, info={"base_url": base})
    with pytest.raises(FlowlockError) as caught:
        solve(folder, limit)
    (problem,) = caught.value.problems
    assert problem.code == "FL636"
    assert str(problem.location) == f"{tmp_path / 'noarch/repodata.json'}:4:15"
    assert "panicked" not in capfd.readouterr().err


def test_a_base_url_behind_an_escaped_key_is_refused_too(tmp_path: Path) -> None:
    folder = channel(tmp_path, info={"base_url": "mailto:x"})
    file = tmp_path / "noarch" / sources.REPODATA
    file.write_text(file.read_text().replace("base_url", "base\\u005furl"))
    with pytest.raises(FlowlockError) as caught:
        solve(folder)
    assert caught.value.problems[0].code == "FL636"


@pytest.mark.parametrize(
    "change", [{"build": "[x]"}, {"build": "a b"}, {"build_number": -1}, {"build_number": 10**300}]
)
def test_an_entry_that_only_an_exemption_looks_into_is_told_at_its_place(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    folder = channel(tmp_path, **change)
    with pytest.raises(FlowlockError) as caught:
        solve(folder, LIMIT)
    (problem,) = caught.value.problems
    assert problem.code == "FL635"
    assert str(problem.location) == f"{tmp_path / 'noarch/repodata.json'}:7:23"


def test_an_empty_file_is_not_json(tmp_path: Path) -> None:
    folder = channel(tmp_path)
    (tmp_path / "noarch" / sources.REPODATA).write_text("")
    with pytest.raises(FlowlockError) as caught:
        solve(folder)
    assert caught.value.problems[0].code == "FL621"
