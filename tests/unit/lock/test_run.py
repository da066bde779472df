import json
from pathlib import Path
from typing import Any

import pytest

from flowlock.errors import FlowlockError
from flowlock.lock.manifest import pixi
from flowlock.lock.result import CURRENT, STALE, UPDATED
from flowlock.lock.satisfy import CurrentBuild
from flowlock.lock.solver.sources import ChannelFolder
from unit.lock.universe import FORGE, RELEASE, channel, code_of, current, lock, ours, package, read, wanting


def pins(path: Path, environment: str = "default", platform: str = "linux-64") -> dict[str, str]:
    records = read(path).environments[environment].packages[platform]
    return {record.name: f"{record.version} {record.build}" for record in records}


def core(build: str, *depends: str, **fields: Any) -> dict[str, Any]:
    return package("core", "1.0", "python", *depends, build=build, **fields)


def own(build: str, why: str = "") -> dict[str, CurrentBuild]:
    return {"core": current("1.0", build, why)}


def test_a_lock_is_made_then_current_and_the_file_is_not_touched(place: Path, forge: ChannelFolder) -> None:
    wanted = wanting("numpy", "python")
    first = lock(wanted, place, [forge, ours(place.parent)])
    assert [one.status for one in first.locks] == [UPDATED]
    assert pins(place) == {"numpy": "2.0.0 h0_0", "python": "3.12.0 h0_0"}
    before = place.stat().st_mtime_ns, place.read_bytes()
    assert lock(wanted, place).locks[0].status == CURRENT
    assert lock(wanted, place, [forge, ours(place.parent)], upgrade=True).locks[0].status == CURRENT
    assert (place.stat().st_mtime_ns, place.read_bytes()) == before


def test_the_result_is_the_contracts_document(place: Path, forge: ChannelFolder) -> None:
    release = ours(place.parent)
    result = lock(wanting("python"), place, [forge, release])
    assert result.as_json() == {
        "locks": [
            {
                "path": "pixi.lock",
                "status": "updated",
                "reasons": ["demo: pixi.lock does not exist"],
                "changes": [
                    {
                        "package": "python",
                        "kind": "added",
                        "before": None,
                        "after": "3.12.0",
                        "environments": {"default": ["linux-64"]},
                    }
                ],
            }
        ]
    }
    json.dumps(result.as_json())


def test_our_packages_bear_the_release_channels_url_and_no_path(place: Path, forge: ChannelFolder) -> None:
    release = ours(place.parent, core("pyha_0"))
    lock(wanting("core"), place, [release, forge], own=own("pyha_0"))
    text = place.read_text()
    assert f"- conda: {RELEASE}/noarch/core-1.0-pyha_0.conda" in text
    assert "file://" not in text
    assert str(place.parent) not in text
    assert "indexed_timestamp" not in text


@pytest.mark.parametrize("moved", [{}, {"timestamp": 1}])
def test_an_edit_mends_exactly_the_pin_without_metadata(
    place: Path, forge: ChannelFolder, moved: dict[str, int]
) -> None:
    """The solver prefers a locked record even where no channel has it; an older timestamp changes nothing."""
    wanted = wanting("core", "numpy <2")
    lock(wanted, place, [ours(place.parent, core("pyha_0")), forge], own=own("pyha_0"))
    before = place.read_text().splitlines()
    edited = own("pyhb_0", why="core/task.py changed")

    checked = lock(wanted, place, own=edited, check=True)
    assert [str(reason) for reason in checked.locks[0].reasons] == [
        "demo/default/linux-64: core is pinned to pyha_0, but the source is now pyhb_0 (core/task.py changed)"
    ]
    assert not checked.ok
    assert place.read_text().splitlines() == before

    fresh = ours(place.parent, core("pyhb_0", **moved))
    result = lock(wanted, place, [fresh], own=edited)
    assert result.locks[0].status == UPDATED
    assert [(change.package, change.kind) for change in result.locks[0].changes] == [("core", "rebuilt")]
    after = place.read_text().splitlines()
    changed = [line for line in after if line not in before]
    assert all("core-1.0" in line or line.startswith(("  sha256", "  timestamp")) for line in changed)
    assert pins(place)["numpy"] == "1.26.0 h0_0"
    assert lock(wanted, place, [fresh], own=edited, check=True).ok


def test_a_relock_without_metadata_says_when_it_needs_some(place: Path, forge: ChannelFolder) -> None:
    lock(wanting("python <3.12"), place, [forge, ours(place.parent)])
    before = place.read_bytes()
    code, error = code_of(lambda: lock(wanting("python >=3.12"), place, [ours(place.parent)]))
    assert code == "FL622"
    assert "--repodata" in str(error.hint)
    assert place.read_bytes() == before


def test_update_moves_one_package_and_upgrade_moves_all(place: Path, tmp_path: Path) -> None:
    old = channel(tmp_path / "old", FORGE, [package("a", "1.0"), package("b", "1.0")])
    new = channel(tmp_path / "new", FORGE, [package("a", "1.1"), package("b", "1.1"), package("b", "1.0")])
    release, wanted = ours(tmp_path), wanting("a", "b")
    lock(wanted, place, [old, release])
    assert lock(wanted, place, [new, release]).locks[0].status == CURRENT
    lock(wanted, place, [new, release], update=("a",))
    assert pins(place) == {"a": "1.1 h0_0", "b": "1.0 h0_0"}
    lock(wanted, place, [new, release], upgrade=True)
    assert pins(place) == {"a": "1.1 h0_0", "b": "1.1 h0_0"}


def test_dry_run_tells_the_changes_and_writes_nothing(place: Path, forge: ChannelFolder) -> None:
    result = lock(wanting("python"), place, [forge, ours(place.parent)], dry_run=True)
    assert (result.locks[0].status, len(result.locks[0].changes)) == (STALE, 1)
    assert not place.exists()


def test_an_unsolvable_set_has_the_solvers_words_and_the_manifests_line(
    place: Path, forge: ChannelFolder
) -> None:
    text = (
        '[workspace]\nchannels = ["conda-forge"]\nplatforms = ["linux-64"]\n'
        '[dependencies]\nnumpy = "*"\npython = "<3.9"\n'
    )
    code, error = code_of(lambda: lock(pixi.read(text, "pixi.toml", label="demo"), place, [forge]))
    assert code == "FL623"
    assert "python <3.9" in str(error.detail)
    assert str(error.problems[0].location) == "pixi.toml:6:1"
    assert not place.exists()


def test_results_do_not_depend_on_the_order_of_specs_or_the_number_of_jobs(
    tmp_path: Path, forge: ChannelFolder
) -> None:
    release, specs = ours(tmp_path), ["numpy", "python", "unix-only"]
    texts = set()
    for number, (order, jobs) in enumerate([(specs, 1), (specs[::-1], 4), (specs[1:] + specs[:1], 2)]):
        place = tmp_path / f"{number}.lock"
        lock(wanting(*order, platforms=["linux-64", "osx-64"]), place, [forge, release], jobs=jobs)
        texts.add(place.read_text())
    assert len(texts) == 1


def test_a_native_package_that_was_not_built_for_a_platform_is_named(
    place: Path, forge: ChannelFolder
) -> None:
    release = ours(place.parent, core("h1_0", subdir="linux-64"), package("flow", "1.0", "core"))
    wanted = wanting("flow", platforms=["linux-64", "win-64"])
    code, error = code_of(lambda: lock(wanted, place, [release, forge], own={**own("h1_0"), "flow": FLOW}))
    assert code == "FL624"
    assert error.problems[0].message == "demo/default/win-64: core is built for linux-64, not for win-64"
    assert not place.exists()


FLOW = current("1.0", "h0_0")


def test_truncated_metadata_is_refused(place: Path, forge: ChannelFolder) -> None:
    file = forge.path / "noarch" / "repodata.json"
    file.write_text(file.read_text()[:-20])
    code, error = code_of(lambda: lock(wanting("python"), place, [forge, ours(place.parent)]))
    assert code == "FL621"
    assert "noarch/repodata.json" in error.message


def test_metadata_with_other_bytes_for_a_pinned_url_is_refused(place: Path, forge: ChannelFolder) -> None:
    release = ours(place.parent)
    lock(wanting("python"), place, [forge, release])
    before = place.read_bytes()
    lie = channel(place.parent / "lie", FORGE, [package("python", "3.12.0", sha256="0" * 63 + "1")])
    code, error = code_of(lambda: lock(wanting("python"), place, [lie, release], upgrade=True))
    assert code == "FL625"
    assert "python-3.12.0" in error.message
    assert place.read_bytes() == before


def test_an_index_that_does_not_tell_the_bytes_beside_it_is_refused(
    place: Path, forge: ChannelFolder
) -> None:
    release = ours(place.parent, core("pyha_0"))
    (release.path / "noarch" / "core-1.0-pyha_0.conda").write_bytes(b"other")
    code, _ = code_of(lambda: lock(wanting("core"), place, [release, forge], own=own("pyha_0")))
    assert code == "FL626"


def test_a_build_that_is_not_the_sources_is_refused(place: Path, forge: ChannelFolder) -> None:
    release = ours(place.parent, core("pyha_0"))
    code, error = code_of(lambda: lock(wanting("core"), place, [release, forge], own=own("pyhb_0")))
    assert code == "FL628"
    assert error.hint == "run `flowlock build` first"
    assert not place.exists()


def test_what_a_serving_channel_no_longer_holds_is_locked_anew(place: Path, tmp_path: Path) -> None:
    base = channel(tmp_path / "base", FORGE, [package("a", "2.0")], serves=True)
    lock(wanting("a"), place, [base, ours(tmp_path)])
    newer = channel(tmp_path / "newer", FORGE, [package("a", "1.0")], serves=True)
    checked = lock(wanting("a"), place, [newer], check=True)
    assert "the channel does not have it" in str(checked.locks[0].reasons[0])
    lock(wanting("a"), place, [newer, ours(tmp_path)])
    assert pins(place) == {"a": "1.0 h0_0"}


def test_only_chosen_environments_and_platforms_change(place: Path, tmp_path: Path) -> None:
    old = channel(tmp_path / "old", FORGE, [package("a", "1.0")])
    new = channel(tmp_path / "new", FORGE, [package("a", "1.1")])
    wanted, release = wanting("a", platforms=["linux-64", "osx-64"]), ours(tmp_path)
    lock(wanted, place, [old, release])
    lock(wanted, place, [new, release], upgrade=True, platforms=("osx-64",))
    assert pins(place) == {"a": "1.0 h0_0"}
    assert pins(place, platform="osx-64") == {"a": "1.1 h0_0"}
    code, _ = code_of(lambda: lock(wanted, place, [new], platforms=("win-64",)))
    assert code == "FL614"


SOLVE_GROUP = """\
[workspace]
channels = ["conda-forge"]
platforms = ["linux-64"]
[dependencies]
numpy = "*"
[feature.old.dependencies]
python = "<3.12"
unix-only = "*"
[environments]
default = { solve-group = "main" }
old = { features = ["old"], solve-group = "main" }
"""


def test_a_solve_group_shares_its_pins_and_each_environment_has_only_what_it_asks_for(
    place: Path, forge: ChannelFolder
) -> None:
    wanted = pixi.read(SOLVE_GROUP, "pixi.toml", label="demo")
    lock(wanted, place, [forge])
    assert pins(place) == {"numpy": "2.0.0 h0_0", "python": "3.11.0 h0_0"}
    assert pins(place, "old") == {**pins(place), "unix-only": "1.0 h0_0"}
    assert lock(wanted, place, check=True).ok


@pytest.mark.parametrize(
    "table", ["'2001-01-01'", "{ cutoff = '2001-01-01', exemptions = { numpy = '1.*' } }"]
)
def test_exclude_newer_leaves_out_what_came_later(tmp_path: Path, place: Path, table: str) -> None:
    early = 946_684_800_000
    forge = channel(
        tmp_path / "forge",
        FORGE,
        [
            package("python", "3.11.0", timestamp=early),
            package("python", "3.12.0"),
            package("numpy", "1.26.0", timestamp=early if table.startswith("'") else early * 2),
            package("numpy", "2.0.0"),
        ],
    )
    text = (
        f'[workspace]\nchannels = ["conda-forge"]\nplatforms = ["linux-64"]\nexclude-newer = {table}\n'
        '[dependencies]\nnumpy = "*"\npython = "*"\n'
    )
    wanted = pixi.read(text, "pixi.toml", label="demo")
    lock(wanted, place, [forge])
    assert pins(place) == {"numpy": "1.26.0 h0_0", "python": "3.11.0 h0_0"}
    assert lock(wanted, place, check=True).ok


def test_the_lowest_strategy_is_solved_and_recorded(place: Path, forge: ChannelFolder) -> None:
    text = (
        '[workspace]\nchannels = ["conda-forge"]\nplatforms = ["linux-64"]\nsolve-strategy = "lowest"\n'
        '[dependencies]\nnumpy = "*"\n'
    )
    lock(pixi.read(text, "pixi.toml", label="demo"), place, [forge])
    assert pins(place) == {"numpy": "1.26.0 h0_0", "python": "3.11.0 h0_0"}
    assert "    options:\n      strategy: lowest-version\n" in place.read_text()
    plain = pixi.read(text.replace('solve-strategy = "lowest"\n', ""), "pixi.toml", label="demo")
    (reason,) = lock(plain, place, check=True).locks[0].reasons
    assert str(reason) == "demo/default: locked with strategy lowest-version; the manifest has default"


def test_a_lock_with_wheels_is_left_alone(place: Path, forge: ChannelFolder) -> None:
    release = ours(place.parent)
    lock(wanting("python"), place, [forge, release])
    url = "https://files.example/b-1-py3-none-any.whl"
    head, middle, tail = place.read_text().partition("\npackages:\n")
    place.write_text(f"{head}\n      - pypi: {url}{middle}{tail}- pypi: {url}\n  name: b\n  version: '1'\n")
    before = place.read_bytes()
    checked = lock(wanting("python"), place, check=True)
    assert "has no PyPI or source packages" in str(checked.locks[0].reasons[0])
    code, _ = code_of(lambda: lock(wanting("python"), place, [forge, release]))
    assert code == "FL604"
    assert place.read_bytes() == before


def test_a_broken_lock_is_not_overwritten(place: Path, forge: ChannelFolder) -> None:
    place.write_text("version: 7\n<<<<<<< HEAD\n=======\n>>>>>>> other\n")
    before = place.read_bytes()
    code, _ = code_of(lambda: lock(wanting("python"), place, [forge, ours(place.parent)]))
    assert code == "FL602"
    assert place.read_bytes() == before


def test_a_missing_channel_is_refused_offline(place: Path) -> None:
    code, error = code_of(lambda: lock(wanting("python"), place))
    assert code == "FL622"
    assert RELEASE in error.message


def test_a_spec_that_is_none_is_told_with_its_line(place: Path, forge: ChannelFolder) -> None:
    text = (
        '[workspace]\nchannels = ["conda-forge"]\nplatforms = ["linux-64"]\n[dependencies]\nnumpy = ">>1"\n'
    )
    code, error = code_of(lambda: lock(pixi.read(text, "pixi.toml", label="demo"), place, [forge]))
    assert code == "FL611"
    assert str(error.problems[0].location) == "pixi.toml:5:1"


def test_repodata_stands_for_the_channel_that_has_no_folder(
    place: Path, tmp_path: Path, forge: ChannelFolder
) -> None:
    lock(wanting("python"), place, [ours(tmp_path)], repodata=(str(forge.path),))
    assert "https://conda.anaconda.org/conda-forge/noarch/python-3.12.0-h0_0.conda" in place.read_text()


def test_repodata_is_given_once_for_each_channel(place: Path, tmp_path: Path, forge: ChannelFolder) -> None:
    release = ours(tmp_path, core("pyha_0"))
    wanted = wanting("core", "python")
    code, error = code_of(lambda: lock(wanted, place, repodata=(str(forge.path),)))
    assert code == "FL620"
    assert "has no `info.base_url`" in error.message
    assert error.hint == (
        f"write --repodata CHANNEL={forge.path}; channels without metadata: {RELEASE}/, "
        "https://conda.anaconda.org/conda-forge/"
    )
    code, error = code_of(lambda: lock(wanted, place, repodata=(str(forge.path), str(release.path))))
    assert code == "FL620"
    lock(wanted, place, repodata=(f"conda-forge={forge.path}", f"{RELEASE}={release.path}"))
    assert pins(place) == {"core": "1.0 pyha_0", "python": "3.12.0 h0_0"}


def test_repodata_with_a_base_url_stands_for_that_channel(place: Path, tmp_path: Path) -> None:
    folder = channel(tmp_path / "named", FORGE, [package("python", "3.12.0")]).path
    file = folder / "noarch/repodata.json"
    document = json.loads(file.read_text())
    document["info"]["base_url"] = "https://conda.anaconda.org/conda-forge/noarch"
    file.write_text(json.dumps(document))
    release = ours(tmp_path)
    lock(wanting("python"), place, repodata=(str(folder), str(release.path)))
    assert pins(place) == {"python": "3.12.0 h0_0"}


def test_all_locks_are_written_or_none(tmp_path: Path, forge: ChannelFolder) -> None:
    from flowlock.lock import run
    from flowlock.lock.result import LockOptions, LockTarget
    from flowlock.report.reporter import Silent

    targets = [
        LockTarget(manifest=wanting(spec, label=label), path=tmp_path / label, shown=label)
        for label, spec in (("good", "python"), ("bad", "python <3"))
    ]
    release = ours(tmp_path)
    with pytest.raises(FlowlockError, match="bad/default/linux-64"):
        run.lock(targets, folders=[forge, release], own={}, options=LockOptions(), progress=Silent())
    assert not (tmp_path / "good").exists()


def test_virtual_packages_must_meet_what_records_ask_for(place: Path, forge: ChannelFolder) -> None:
    code, error = code_of(
        lambda: lock(wanting("unix-only", platforms=["win-64"]), place, [forge, ours(place.parent)])
    )
    assert code == "FL623"
    assert "__unix" in str(error.detail)
