"""A GitHub release: gathered in a draft, resumed after any fault, public when it has everything."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowlock.errors import FlowlockError
from flowlock.release import ledger
from flowlock.release.targets.github import BODY_LIMIT
from flowlock.release.targets.protocol import DeliveryStatus
from servers import openapi, venues
from servers.github import GitHub
from servers.packages import package
from servers.venues import GITHUB_TOKEN, Venue, run


@pytest.fixture
def github() -> Iterator[Venue]:
    with venues.github() as venue:
        yield venue


def state(venue: Venue) -> GitHub:
    assert isinstance(venue.server, GitHub)
    return venue.server


def the_release(venue: Venue) -> dict[str, object]:
    (release,) = state(venue).releases.values()
    return release


def files(folder: Path) -> list[Path]:
    return [package(folder, name) for name in ("core", "ext")]


def test_the_release_has_packages_digests_and_ledger_and_becomes_public_last(
    github: Venue, tmp_path: Path
) -> None:
    paths = files(tmp_path / "a")
    channel = venues.directory(tmp_path)
    result = run([channel, github], paths, tmp_path, notes="### Added\n\n- Much.")
    assert result.ok, result.as_text()
    release = the_release(github)
    assert (release["draft"], release["prerelease"], release["tag_name"]) == (False, False, "v1.0.0")
    assert release["target_commitish"] == venues.COMMIT
    assert str(release["body"]).startswith("### Added\n\n- Much.")
    assert set(github.served()) == {*(path.name for path in paths), ledger.FILE, ledger.SUMS}
    requests = [(r.method, r.path) for r in state(github).requests if r.method not in {"GET", "HEAD"}]
    assert requests[0][0] == "POST"
    assert requests[-1][0] == "PATCH"
    sums = next(
        d for n, d in state(github).contents.items() if state(github).assets[n]["name"] == ledger.SUMS
    )
    lines = {name: digest for digest, _, name in (row.partition("  ") for row in sums.decode().splitlines())}
    assert lines == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    document = json.loads((tmp_path / "state" / ledger.FILE).read_text())
    assert {entry["target"] for entry in document["artifacts"]} == {channel.target}
    assert {entry["sha256"] for entry in document["artifacts"]} == set(lines.values())


def test_a_candidate_is_marked_as_one(github: Venue, tmp_path: Path) -> None:
    assert run([github], files(tmp_path / "a"), tmp_path, tag="v1.0.0-rc1").ok
    assert the_release(github)["prerelease"] is True


def test_the_release_waits_for_a_channel_that_lacks_something(github: Venue, tmp_path: Path) -> None:
    channel = venues.directory(tmp_path)
    package(tmp_path / "a chännel" / "noarch", "core", content=b"foreign")
    result = run([channel, github], files(tmp_path / "a"), tmp_path)
    assert not result.ok
    assert state(github).releases == {}
    assert {artifact.status for artifact in result.targets[1].artifacts} == {DeliveryStatus.FAILED}


def test_an_upload_that_left_an_empty_asset_is_repeated(github: Venue, tmp_path: Path) -> None:
    paths = files(tmp_path / "a")
    state(github).breaks = {path.name for path in paths}
    assert run([github], paths, tmp_path).ok
    assert {asset["state"] for asset in state(github).assets.values()} == {"uploaded"}
    assert len(state(github).assets) == 4


def test_a_draft_of_an_earlier_run_is_gone_on_with(github: Venue, tmp_path: Path) -> None:
    paths, known = files(tmp_path / "a"), state(github)
    assert run([github], paths, tmp_path).ok
    # As if the first run had been killed before its last file.
    the_release(github)["draft"] = True
    lost = next(number for number, asset in known.assets.items() if asset["name"] == paths[1].name)
    del known.assets[lost]
    second = run([github], paths, tmp_path)
    assert second.ok
    left = [
        artifact.file
        for artifact in second.targets[0].artifacts
        if artifact.status is DeliveryStatus.UPLOADED
    ]
    assert left == [paths[1].name]
    assert the_release(github)["draft"] is False


def test_rate_limits_are_waited_for(github: Venue, tmp_path: Path) -> None:
    state(github).limited = 3
    assert run([github], files(tmp_path / "a"), tmp_path).ok


def test_a_release_that_somebody_else_made_is_not_touched(github: Venue, tmp_path: Path) -> None:
    paths = files(tmp_path / "a")
    assert run([github], paths, tmp_path).ok
    the_release(github)["body"] = "written by hand"
    before = github.served()
    with pytest.raises(FlowlockError) as caught:
        run([github], [*paths, package(tmp_path / "a", "new")], tmp_path)
    assert caught.value.problems[0].code == "FL816"
    assert github.served() == before


@pytest.mark.parametrize("immutable", [True, False])
def test_a_public_release_is_never_added_to(*, immutable: bool, github: Venue, tmp_path: Path) -> None:
    state(github).immutable = immutable
    paths = files(tmp_path / "a")
    assert run([github], paths, tmp_path).ok
    before = github.served()
    new = package(tmp_path / "a", "new")
    result = run([github], [*paths, new], tmp_path)
    left = {a.file: a.detail for a in result.targets[0].artifacts if a.status is DeliveryStatus.CONFLICT}
    assert set(left) == {new.name, ledger.SUMS}
    assert ("immutable" if immutable else "public") in left[new.name]
    assert github.served() == before


def test_assets_that_are_not_of_this_tag_keep_the_draft_a_draft(github: Venue, tmp_path: Path) -> None:
    paths = files(tmp_path / "a")
    assert run([github], paths, tmp_path).ok
    release = the_release(github)
    release["draft"] = True
    next(iter(state(github).assets.values()))["name"] = "foreign.zip"
    result = run([github], paths, tmp_path)
    assert not result.ok
    assert "do not belong to this tag" in result.as_text()
    assert release["draft"] is True


def test_notes_are_cut_to_what_the_server_takes(github: Venue, tmp_path: Path) -> None:
    assert run([github], files(tmp_path / "a"), tmp_path, notes="é" * 200_000).ok
    body = str(the_release(github)["body"])
    assert len(body) <= BODY_LIMIT
    assert "the rest is in CHANGELOG.md" in body


def test_a_token_that_may_only_read_is_refused_before_anything_is_sent(github: Venue, tmp_path: Path) -> None:
    state(github).may_push = False
    with pytest.raises(FlowlockError) as caught:
        run([github], files(tmp_path / "a"), tmp_path)
    assert "the token has no write access" in caught.value.problems[0].message
    assert state(github).releases == {}


def test_every_exchange_is_as_github_describes_it(tmp_path: Path) -> None:
    inspector = openapi.Inspector()
    known = GitHub(token=GITHUB_TOKEN, repository=openapi.example_repository(), inspect=inspector)
    with venues.github(state=known) as venue:
        paths = files(tmp_path / "a")
        known.breaks = {paths[0].name}
        known.limited = 1
        assert run([venue], paths, tmp_path, notes="Notes").ok
        assert run([venue], paths, tmp_path, notes="Notes").ok
        the_release(venue)["draft"] = True
        for asset in known.assets.values():
            asset["digest"] = None
        assert run([venue], paths, tmp_path, notes="Notes").ok
    # The description's schema knows no `starter`, its prose (what to do about a 502) does.
    assert not [violation for violation in inspector.violations if "'starter'" not in violation]
    assert {method for method, _, _ in inspector.seen} == {"GET", "POST", "PATCH", "DELETE"}
