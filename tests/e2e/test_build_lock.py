"""Build environments are locked: builds get exactly the records that a lock pins."""

import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest

from flowlock.builder.environments.locked import RecordFiles
from flowlock.builder.plan.result import BuildResult, BuildStatus
from flowlock.builder.plan.snapshot import read_snapshot
from flowlock.builder.plan.targets import targets
from flowlock.builder.run import build
from flowlock.commands import build_lock as locking
from flowlock.commands import cache as caches
from flowlock.commands.build_stage import BuildSettings, build_named
from flowlock.commands.session import Profile, Session
from flowlock.conda import platforms
from flowlock.edges.state_folder import StateFolder
from flowlock.errors import FlowlockError
from flowlock.lock.lockfile import document
from flowlock.lock.result import CURRENT, STALE, UPDATED, LockOptions
from flowlock.report.reporter import Silent
from flowlock.workspace import load
from servers.loopback import Request, Response, answering
from shared import ROOT, SNAPSHOT, needs_snapshot
from small import Small


def session(root: Path, profile: Profile) -> Session:
    return Session(workspace=load(root), profile=profile, offline=True, progress=Silent())


def embedded(small: Small) -> Session:
    """Give a workspace the tools' channel as its base."""
    found = session(small.root, Profile.EMBEDDED)
    tools = Path(url2pathname(urlsplit(small.channel_url).path))
    if not found.workspace.state.running_base.exists():
        shutil.copytree(tools, found.workspace.state.running_base, copy_function=os.link)
    return found


def build_locked(small: Small) -> BuildResult:
    found = embedded(small)
    return build(
        read_snapshot(found.workspace),
        environments=["file:///nowhere"],
        lock=lambda known: locking.ready(found, known, relock=False),
        progress=Silent(),
    )


def lock_of(small: Small) -> Path:
    return small.state.build_lock


def test_builds_get_the_locked_records_and_nothing_else(small: Small) -> None:
    small.add("alpha", script='"${{ PYTHON }}" -c "import hatchling, sys; print(sys.version)"')
    small.add("beta", host="alpha")
    build_locked(small)
    pinned = document.read(lock_of(small).read_text(), "build.lock")
    assert {"python", "hatchling", "uv"} <= names_in(lock_of(small))
    assert all("invalid/base" in record.url and record.sha256 for _, _, record in pinned.records())
    assert build_locked(small).current
    # Open channels give the same bytes.
    before = small.contents()
    shutil.rmtree(small.state.artifacts)
    small.build()
    assert small.contents() == before


@pytest.mark.parametrize("damage", [b"a: [\n", b"\xff", b""])
def test_the_embedded_profile_s_lock_is_made_again_when_it_is_damaged(small: Small, damage: bytes) -> None:
    small.add("alpha")
    build_locked(small)
    lock, before = lock_of(small), lock_of(small).read_bytes()
    lock.write_bytes(damage)
    assert build_locked(small).current
    assert lock.read_bytes() == before


def test_a_damaged_lock_of_the_embedded_profile_is_made_again_on_demand(small: Small) -> None:
    small.add("alpha")
    lock = lock_of(small)
    lock.parent.mkdir(parents=True)
    lock.write_text("a: [\n")
    (one,) = locking.lock(replace(embedded(small), offline=False), LockOptions()).locks
    assert one.status == UPDATED
    assert {"python", "hatchling"} <= names_in(lock)


def test_the_committed_lock_is_left_as_it_is_when_it_is_damaged(small: Small) -> None:
    small.add("alpha")
    committed = small.root / "recipes/build.lock"
    committed.write_text("a: [\n")
    found = session(small.root, Profile.CONDA_FORGE)
    actions = (
        lambda: locking.ready(found, targets(found.workspace), relock=True),
        lambda: locking.lock(found, LockOptions()),
        lambda: locking.check(found, targets(found.workspace)),
    )
    for action in actions:
        with pytest.raises(FlowlockError, match=r"the lock cannot be read") as caught:
            action()
        assert str(caught.value.problems[0].location).startswith("recipes/build.lock:")
    assert committed.read_text() == "a: [\n"


def test_a_channel_that_does_not_answer_is_said_with_the_profile_that_needs_none(tmp_path: Path) -> None:
    with answering(lambda _: Response(status=404)) as url:
        record = replace(
            next(document.read((ROOT / "recipes/build.lock").read_text(), "build.lock").records())[2],
            url=f"{url}/noarch/knots-1.0-0.conda",
        )
        store = RecordFiles(mirrors={}, state=StateFolder(path=tmp_path), offline=False, progress=Silent())
        with pytest.raises(FlowlockError, match="cannot download from") as caught:
            store.fetch([record])
    assert "`--profile embedded` needs no conda channel" in (caught.value.hint or "")


def test_another_record_builds_again_to_see_that_the_bytes_stay(small: Small) -> None:
    small.add("alpha")
    build_locked(small)
    before = small.contents()
    folder = embedded(small).workspace.state.running_base
    spare = next(record for record in pins(small) if record.startswith("pluggy"))
    other = spare.replace(".conda", "x.conda").replace("_0x", "_1")
    index = folder / "noarch/repodata.json"
    listed = json.loads(index.read_text())
    record = listed["packages.conda"].pop(spare)
    listed["packages.conda"][other] = {
        **record,
        "build_number": 1,
        "build": re.sub("_0$", "_1", record["build"]),
    }
    index.unlink()
    index.write_text(json.dumps(listed))
    (folder / "noarch" / spare).rename(folder / "noarch" / other)
    result = build_locked(small)
    assert [(str(one.status), one.reason) for one in result.packages] == [
        ("built", "build environment changed")
    ]
    assert small.contents() == before
    assert other in pins(small)


def names_in(lock: Path) -> set[str]:
    return {record.name for _, _, record in document.read(lock.read_text(), "build.lock").records()}


def pins(small: Small) -> list[str]:
    held = document.read(lock_of(small).read_text(), "build.lock")
    return [record.file_name for _, _, record in held.records()]


def test_a_locked_file_with_other_bytes_is_never_used(small: Small) -> None:
    small.add("alpha")
    folder = embedded(small).workspace.state.running_base
    file = next(folder.glob("noarch/hatchling-*.conda"))
    file.unlink()
    file.write_bytes(b"something else")
    with pytest.raises(FlowlockError, match="does not exist with the bytes"):
        build_locked(small)


@needs_snapshot
def test_the_committed_lock_is_made_for_every_platform_and_held_against_the_pins(small: Small) -> None:
    small.add("alpha")
    settings = small.root / "flowlock.toml"
    settings.write_text(
        settings.read_text().replace("[build]", '[build]\nplatforms = ["linux-64", "win-64", "osx-arm64"]')
    )
    found = session(small.root, Profile.CONDA_FORGE)
    with pytest.raises(FlowlockError, match=r"recipes/build\.lock does not exist"):
        locking.ready(found, targets(found.workspace), relock=False)
    locking.lock(found, LockOptions(repodata=(str(SNAPSHOT),)))
    held = document.read((small.root / "recipes/build.lock").read_text(), "build.lock")
    assert set(held.environments["default"].packages) == {"linux-64", "osx-arm64", "win-64"}
    assert locking.check(found, targets(found.workspace)) == []
    assert locking.lock(found, LockOptions(check=True)).locks[0].status == CURRENT

    if platforms.current() in {"linux-64", "win-64", "osx-arm64"}:
        away = replace(found, offline=True)
        ready = locking.ready(away, targets(found.workspace), relock=False)
        with pytest.raises(FlowlockError, match=r"not been downloaded yet.*hatchling-1\.30\.1-") as caught:
            ready.channel_set("alpha", small.state.path / "offer")
        assert caught.value.problems[0].code == "FL413"

    settings.write_text(settings.read_text().replace("uv ==0.11.21", "uv ==0.11.99"))
    recipe = small.recipe("alpha")
    recipe["requirements"]["host"][2] = "uv ==0.11.99"
    small.write_recipe("alpha", recipe)
    stale = session(small.root, Profile.EMBEDDED)
    problems = [problem.message for problem in locking.check(stale, targets(stale.workspace))]
    assert len(problems) == 3
    assert all("uv ==0.11.99" in problem for problem in problems)
    again = replace(found, workspace=load(small.root))
    assert locking.lock(again, LockOptions(check=True)).locks[0].status == STALE
    with pytest.raises(FlowlockError, match=r"recipes/build\.lock is out of date"):
        locking.ready(again, targets(again.workspace), relock=False)


def test_this_repository_s_own_lock_is_current() -> None:
    found = session(ROOT, Profile.CONDA_FORGE)
    assert locking.check(found, targets(found.workspace)) == []
    held = document.read((ROOT / "recipes/build.lock").read_text(), "build.lock")
    assert set(held.environments["default"].packages) == set(found.workspace.build_platforms)
    assert all(record.sha256 for _, _, record in held.records())


def test_what_is_elsewhere_is_downloaded_once_checked_and_built_from_without_a_network(
    small: Small, tools: str
) -> None:
    served = Path(url2pathname(urlsplit(tools).path))
    asked: list[str] = []
    damaged: set[str] = set()

    def answer(request: Request) -> Response:
        path = served / request.path.lstrip("/")
        asked.append(path.name)
        if not path.is_file():
            return Response(status=404)
        return Response(status=200, body=b"altered" if path.name in damaged else path.read_bytes())

    for name in ("alpha", "beta"):
        small.add(name)
    # The package cache is empty: both builds fill it.
    shutil.rmtree(small.packages)
    settings = small.root / "flowlock.toml"
    here = f'[build]\nplatforms = ["{platforms.current()}"]'
    with answering(answer) as url:
        text = settings.read_text().replace("[channels]", f'[channels]\nothers = ["{url}"]')
        settings.write_text(text.replace("[build]", here))
        online = replace(session(small.root, Profile.CONDA_FORGE), offline=False)
        locking.lock(online, LockOptions())
        held = document.read((small.root / "recipes/build.lock").read_text(), "build.lock")
        pinned = sorted(record.file_name for _, _, record in held.records())
        damaged.update(name for name in pinned if name.startswith("hatchling-"))
        with pytest.raises(FlowlockError, match=r"hatchling-.* does not have the expected sha256"):
            build_named(online, (), BuildSettings(jobs=2))
        damaged.clear()
        made = build_named(online, (), BuildSettings(jobs=2))
        assert {one.status for one in made.packages} == {BuildStatus.BUILT}
    assert {name: asked.count(name) for name in pinned if not name.startswith("hatchling-")} == {
        name: 1 for name in pinned if not name.startswith("hatchling-")
    }
    shutil.rmtree(small.state.artifacts)
    # Nobody answers any more, and nobody is asked.
    again = build_named(online, (), BuildSettings(jobs=2))
    assert {one.status for one in again.packages} == {BuildStatus.BUILT}
    downloads = [entry for entry in caches.ls(online).entries if entry.kind == "download"]
    assert sorted(f"{entry.name}.conda" for entry in downloads) == pinned
    assert {entry.needed_by for entry in downloads} == {"recipes/build.lock"}
