"""Gitea, by a stand-in: what its registry and its releases answer, and what a publish makes of it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from flowlock.errors import FlowlockError
from flowlock.release import ledger
from flowlock.release.outcome import PublishResult
from flowlock.release.targets import make
from flowlock.release.targets.protocol import Context, DeliveryStatus
from servers import gitea as stand_in
from servers import venues
from servers.gitea import Gitea
from servers.loopback import Request, Response, answering, as_json
from servers.packages import package
from servers.venues import GITEA_TOKEN, Venue, run
from shared import ROOT


@pytest.fixture
def channel() -> Iterator[Venue]:
    with venues.gitea() as venue:
        yield venue


@pytest.fixture
def releases() -> Iterator[Venue]:
    with venues.gitea_releases() as venue:
        yield venue


def state(venue: Venue) -> Gitea:
    assert isinstance(venue.server, Gitea)
    return venue.server


def files(folder: Path) -> list[Path]:
    return [package(folder, name) for name in ("core", "ext")]


def statuses(result: PublishResult) -> dict[str, DeliveryStatus]:
    return {artifact.file: artifact.status for target in result.targets for artifact in target.artifacts}


def sent(venue: Venue, method: str) -> list[str]:
    return [request.path for request in state(venue).requests if request.method == method]


# Where things go.


@pytest.mark.parametrize(
    ("location", "folder"),
    [
        ("/octo", ""),
        ("/octo/", ""),
        ("/api/packages/octo/conda", ""),
        ("/api/packages/octo/conda/stable", "stable/"),
    ],
)
def test_a_channel_is_named_by_its_owner_or_as_conda_users_name_it(
    location: str, folder: str, channel: Venue, tmp_path: Path
) -> None:
    server = channel.target.removesuffix("/octo")
    paths = files(tmp_path / "a")
    result = run([replace(channel, target=f"{server}{location}")], paths, tmp_path)
    assert result.ok, result.as_text()
    assert set(channel.served()) == {f"{folder}noarch/{path.name}" for path in paths}


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("git.test/octo", "FL801"),
        ("https://git.test", "FL801"),
        ("https://git.test/api/packages/octo/pypi/a b", "FL801"),
        ("ssh://git.test/octo/flow", "FL801"),
        ("https://git.test/octo/flow?tab=1", "FL801"),
        ("https://ada:secret@git.test/octo/flow", "FL853"),
    ],
)
def test_a_location_that_names_neither_is_refused(location: str, code: str, tmp_path: Path) -> None:
    with pytest.raises(FlowlockError) as caught:
        make(f"gitea:{location}", {}, Context(root=tmp_path, tag="v1.0.0"))
    assert caught.value.problems[0].code == code
    assert "secret" not in str(caught.value)


def test_in_actions_the_releases_are_those_of_the_jobs_repository(releases: Venue, tmp_path: Path) -> None:
    url = releases.target.removeprefix("gitea:").removesuffix("/octo/flow")
    environ = {**releases.environ, "GITHUB_SERVER_URL": url, "GITHUB_REPOSITORY": "octo/flow"}
    assert run([replace(releases, target="gitea")], files(tmp_path / "a"), tmp_path, environ=environ).ok
    assert len(state(releases).releases) == 1


# What the registry answers.

FINAL = (400, 401, 403, 404, 413, 418, 422)
PASSING = (429, 500, 502, 503, 504)


@pytest.mark.parametrize("status", FINAL)
def test_a_final_refusal_of_a_package_is_reported_with_the_servers_words(
    status: int, channel: Venue, tmp_path: Path
) -> None:
    known = state(channel)

    def answer(request: Request) -> Response:
        if request.method == "PUT":
            known.requests.append(request)
            return as_json(status, {"reason": "Because", "message": f"said with {status}"})
        return known.answer(request)

    with answering(answer) as url:
        result = run([replace(channel, target=f"gitea:{url}/octo")], files(tmp_path / "a"), tmp_path, jobs=1)
    assert not result.ok
    assert set(statuses(result).values()) == {DeliveryStatus.FAILED}
    assert f"{status}: " in result.as_text()
    assert f"said with {status}" in result.as_text()
    # What concerns the place ends the uploads; what concerns a file does not.
    assert len(sent(channel, "PUT")) == (1 if status in {401, 403, 404} else 2)


@pytest.mark.parametrize("status", PASSING)
def test_a_passing_fault_is_tried_again(status: int, channel: Venue, tmp_path: Path) -> None:
    known, left = state(channel), {"PUT": 3, "GET": 3}

    def answer(request: Request) -> Response:
        if left[request.method]:
            left[request.method] -= 1
            return as_json(status, {"message": "soon"}, Retry_After="0")
        return known.answer(request)

    with answering(answer) as url:
        assert run([replace(channel, target=f"gitea:{url}/octo")], files(tmp_path / "a"), tmp_path).ok
    assert left == {"PUT": 0, "GET": 0}


@pytest.mark.parametrize(
    ("quota", "requests", "hint"),
    [
        (stand_in.TOTAL_SIZE, 1, "have the quota raised"),
        (stand_in.TOTAL_COUNT, 1, "have the quota raised"),
        (stand_in.TYPE_SIZE, 2, "LIMIT_SIZE_CONDA"),
    ],
)
def test_a_quota_of_the_owner_ends_the_uploads_and_that_of_a_file_does_not(
    quota: str, requests: int, hint: str, channel: Venue, tmp_path: Path
) -> None:
    state(channel).quota = quota
    paths = files(tmp_path / "a")
    result = run([channel], paths, tmp_path, jobs=1)
    assert set(statuses(result).values()) == {DeliveryStatus.FAILED}
    assert quota in result.as_text()
    assert hint in result.as_text()
    assert len(sent(channel, "PUT")) == requests
    state(channel).quota = None
    assert run([channel], paths, tmp_path).ok


def test_a_token_that_may_only_read_is_told_with_the_first_file(channel: Venue, tmp_path: Path) -> None:
    state(channel).may_write_packages = False
    result = run([channel], files(tmp_path / "a"), tmp_path, jobs=1)
    assert "write:package" in result.as_text()
    assert len(sent(channel, "PUT")) == 1


def test_a_duplicate_is_judged_by_its_bytes_though_the_index_does_not_list_it(
    channel: Venue, tmp_path: Path
) -> None:
    same, other = files(tmp_path / "a")
    known = state(channel)
    known.packages[f"noarch/{same.name}"] = same.read_bytes()
    known.packages[f"noarch/{other.name}"] = package(tmp_path / "b", "ext", content=b"other").read_bytes()
    result = run([channel], [same, other], tmp_path, deadline=0.0)
    details = {artifact.file: artifact.detail for artifact in result.targets[0].artifacts}
    assert "not in the index" in details[same.name]
    assert "different bytes" in details[other.name]
    assert statuses(result)[other.name] is DeliveryStatus.CONFLICT
    assert known.writes == []


def test_a_package_whose_constraints_the_index_would_lose_is_not_sent(channel: Venue, tmp_path: Path) -> None:
    plain = package(tmp_path / "a", "core")
    bound = package(tmp_path / "a", "ext", more={"constrains": ["numpy <2"]})
    result = run([channel], [plain, bound], tmp_path)
    assert statuses(result) == {plain.name: DeliveryStatus.UPLOADED, bound.name: DeliveryStatus.FAILED}
    assert "without its `constrains`" in result.as_text()
    assert len(sent(channel, "PUT")) == 1


def test_a_server_that_stores_other_bytes_is_found_out(channel: Venue, tmp_path: Path) -> None:
    state(channel).corrupts = True
    result = run([channel], files(tmp_path / "a"), tmp_path)
    assert not result.ok
    assert "but serves" in result.as_text()


# What the releases do.


def test_the_release_gathers_everything_and_becomes_public_last(
    channel: Venue, releases: Venue, tmp_path: Path
) -> None:
    paths = files(tmp_path / "a")
    result = run([channel, releases], paths, tmp_path, notes="### Added\n\n- Much.")
    assert result.ok, result.as_text()
    (release,) = state(releases).releases.values()
    assert (release["draft"], release["prerelease"], release["tag_name"]) == (False, False, "v1.0.0")
    assert release["target_commitish"] == venues.COMMIT
    assert str(release["body"]).startswith("### Added\n\n- Much.")
    assert set(releases.served()) == {*(path.name for path in paths), ledger.FILE, ledger.SUMS}
    changes = [request for request in state(releases).requests if request.method != "GET"]
    assert (changes[0].method, changes[-1].method) == ("POST", "PATCH")
    text = (tmp_path / "state" / ledger.FILE).read_text()
    assert {entry["target"] for entry in json.loads(text)["artifacts"]} == {channel.target}
    assert GITEA_TOKEN not in text


def test_a_candidate_is_marked_as_one(releases: Venue, tmp_path: Path) -> None:
    assert run([releases], files(tmp_path / "a"), tmp_path, tag="v1.0.0-rc1").ok
    (release,) = state(releases).releases.values()
    assert release["prerelease"] is True


def test_a_pushed_tag_becomes_the_release_and_is_found_on_any_page(releases: Venue, tmp_path: Path) -> None:
    known = state(releases)
    known.rows = 2
    common = {"body": "by hand", "draft": False, "html_url": "https://git.test/r", "target_commitish": "main"}
    known.releases = {
        number: {"id": number, "tag_name": f"v0.{number}.0", "is_tag": False, **common}
        for number in range(100, 105)
    }
    known.releases[1] = {"id": 1, "tag_name": "v1.0.0", "is_tag": True, **common}
    paths = files(tmp_path / "a")
    for _ in range(2):
        assert run([releases], paths, tmp_path).ok
    assert known.releases[1]["draft"] is False
    assert len(known.releases) == 6


def test_an_upload_that_lands_after_it_was_given_up_leaves_one_asset(releases: Venue, tmp_path: Path) -> None:
    paths = files(tmp_path / "a")
    state(releases).late = {path.name: None for path in paths}
    assert run([releases], paths, tmp_path).ok
    names = [asset["name"] for asset in state(releases).attachments.values()]
    assert sorted(names) == sorted([*(path.name for path in paths), ledger.FILE, ledger.SUMS])
    assert len(sent(releases, "DELETE")) == 2


def test_a_draft_of_an_earlier_run_is_completed_with_a_newer_ledger(releases: Venue, tmp_path: Path) -> None:
    paths, known = files(tmp_path / "a"), state(releases)
    assert run([releases], paths, tmp_path).ok
    (release,) = known.releases.values()
    # As if the first run had been killed before its last file, and another channel was added since.
    release["draft"] = True
    lost = next(number for number, asset in known.attachments.items() if asset["name"] == paths[1].name)
    del known.attachments[lost]
    second = run([venues.directory(tmp_path), releases], paths, tmp_path)
    assert second.ok, second.as_text()
    uploaded = [
        artifact.file
        for artifact in second.targets[1].artifacts
        if artifact.status is DeliveryStatus.UPLOADED
    ]
    assert uploaded == [paths[1].name, ledger.FILE]
    assert release["draft"] is False
    assert len(known.attachments) == 4


def test_a_public_release_is_never_added_to(releases: Venue, tmp_path: Path) -> None:
    paths = files(tmp_path / "a")
    assert run([releases], paths, tmp_path).ok
    before = releases.served()
    new = package(tmp_path / "a", "new")
    result = run([releases], [*paths, new], tmp_path)
    assert statuses(result)[new.name] is DeliveryStatus.CONFLICT
    assert releases.served() == before


def test_a_release_that_somebody_else_made_is_not_touched(releases: Venue, tmp_path: Path) -> None:
    paths = files(tmp_path / "a")
    assert run([releases], paths, tmp_path).ok
    (release,) = state(releases).releases.values()
    release["body"] = "written by hand"
    with pytest.raises(FlowlockError) as caught:
        run([releases], paths, tmp_path)
    assert caught.value.problems[0].code == "FL816"


def test_a_type_of_file_that_the_server_forbids_keeps_the_draft_a_draft(
    releases: Venue, tmp_path: Path
) -> None:
    state(releases).allowed_types = (".zip",)
    result = run([releases], files(tmp_path / "a"), tmp_path)
    assert not result.ok
    assert "forbidden file extension" in result.as_text()
    (release,) = state(releases).releases.values()
    assert release["draft"] is True


def set_read_only(known: Gitea) -> None:
    known.may_push = False


def set_without_releases(known: Gitea) -> None:
    known.has_releases = False


@pytest.mark.parametrize(
    ("change", "message"),
    [(set_read_only, "no write access"), (set_without_releases, "has no releases")],
)
def test_a_repository_that_takes_no_release_is_reported_before_anything_is_sent(
    change: Callable[[Gitea], None], message: str, releases: Venue, tmp_path: Path
) -> None:
    change(state(releases))
    channel = venues.directory(tmp_path)
    with pytest.raises(FlowlockError, match="not ready") as caught:
        run([channel, releases], files(tmp_path / "a"), tmp_path)
    assert message in caught.value.problems[0].message
    assert channel.served() == {}


# Killed anywhere, and run again.


class Killing(Gitea):
    """Kills the process that sends a certain request: before it is carried out, or before it is answered."""

    method: str
    ending: str
    carried_out: bool
    process: subprocess.Popen[bytes] | None = None

    def answer(self, request: Request) -> Response:
        hit = request.method == self.method and request.path.endswith(self.ending)
        if not hit or self.process is None:
            return super().answer(request)
        if self.carried_out:
            super().answer(request)
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = None
        return Response(status=503)


@pytest.mark.parametrize(
    ("method", "ending", "carried_out"),
    [
        ("GET", "/api/v1/packages/octo", True),
        ("GET", "/noarch/repodata.json", True),
        ("PUT", "ext-1.0.0-pyhaaaaaaaa_0.conda", False),
        ("PUT", "ext-1.0.0-pyhaaaaaaaa_0.conda", True),
        ("POST", "/releases", False),
        ("POST", "/releases", True),
        ("POST", "/assets", False),
        ("POST", "/assets", True),
        ("PATCH", "/releases/1", False),
        ("PATCH", "/releases/1", True),
    ],
)
def test_a_publish_that_is_killed_at_any_stage_is_completed_by_the_next_one(
    method: str, ending: str, tmp_path: Path, *, carried_out: bool
) -> None:
    paths = files(tmp_path / "artifacts")
    known = Killing(token=GITEA_TOKEN)
    known.method, known.ending, known.carried_out = method, ending, carried_out
    with venues.gitea(state=known) as channel, venues.gitea_releases(state=known) as releases:
        document = {
            "targets": [channel.target, releases.target],
            "environ": dict(channel.environ),
            "artifacts": str(tmp_path / "artifacts"),
            "folder": str(tmp_path),
        }
        known.lock.acquire()
        command = [sys.executable, "-m", "servers.publisher", json.dumps(document)]
        kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        environ = {**kept, "PYTHONPATH": str(ROOT / "tests")}
        with subprocess.Popen(command, cwd=ROOT / "tests", env=environ) as process:
            known.process = process
            known.lock.release()
            assert process.wait() == -signal.SIGKILL
        result = run([channel, releases], paths, tmp_path)
        assert result.ok, result.as_text()
        assert set(channel.served()) == {f"noarch/{path.name}" for path in paths}
        assert set(releases.served()) == {*(path.name for path in paths), ledger.FILE, ledger.SUMS}
        assert len(known.attachments) == 4
        (release,) = known.releases.values()
        assert release["draft"] is False
