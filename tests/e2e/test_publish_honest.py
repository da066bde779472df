"""What a publish reports was seen in the bytes that are served, and is recorded whatever ends the run."""

import json
from pathlib import Path

import pytest

from flowlock.edges.retry_policy import RetryPolicy
from flowlock.errors import FlowlockError
from flowlock.release import ledger
from flowlock.release.outcome import PublishResult
from flowlock.release.targets.protocol import DeliveryStatus
from flowlock.report.reporter import Silent
from servers import venues
from servers.github import GitHub
from servers.loopback import Request, Response, answering
from servers.packages import package
from servers.prefix_dev import PrefixDev
from servers.venues import Venue, run

IMPATIENT = RetryPolicy(tries=2, first_pause=0.001, longest_pause=0.002, connect=2.0, read=5.0)


def outcomes(result: PublishResult) -> dict[str, tuple[DeliveryStatus, str]]:
    return {
        artifact.file: (artifact.status, artifact.detail)
        for target in result.targets
        for artifact in target.artifacts
    }


def two(folder: Path) -> list[Path]:
    return [package(folder, "core"), package(folder, "ext", depends=["core"])]


def prefix_dev(venue: Venue) -> PrefixDev:
    assert isinstance(venue.server, PrefixDev)
    return venue.server


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_package_is_present_only_if_its_bytes_are_served(*, dry_run: bool, tmp_path: Path) -> None:
    path = package(tmp_path / "a", "core")
    with venues.prefix() as venue:
        prefix_dev(venue).corrupts = True
        assert run([venue], [path], tmp_path, skip=frozenset({"confirm"})).ok
        result = run([venue], [path], tmp_path, dry_run=dry_run)
        assert not result.ok
        status, detail = outcomes(result)[path.name]
        assert status is DeliveryStatus.CONFLICT
        assert "but the served file has" in detail


def test_a_package_that_is_listed_but_not_served_is_uploaded_again(tmp_path: Path) -> None:
    path = package(tmp_path / "a", "core")
    with venues.prefix() as venue:
        assert run([venue], [path], tmp_path).ok
        prefix_dev(venue).channels["flowlock"].clear()
        planned = run([venue], [path], tmp_path, dry_run=True)
        assert outcomes(planned)[path.name][0] is DeliveryStatus.MISSING
        assert outcomes(run([venue], [path], tmp_path))[path.name][0] is DeliveryStatus.UPLOADED
        assert venue.served()


def test_an_asset_is_present_only_if_its_bytes_are_served(tmp_path: Path) -> None:
    paths = two(tmp_path / "a")
    with venues.github() as venue:
        assert run([venue], paths, tmp_path).ok
        server = venue.server
        assert isinstance(server, GitHub)
        number = min(server.contents)
        server.contents[number] = b"something else"
        result = run([venue], paths, tmp_path)
        assert outcomes(result)[server.assets[number]["name"]][0] is DeliveryStatus.CONFLICT
        assert not result.ok


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"message": "Validation Failed", "errors": ["the file is too big"]}', "too big"),
        (b'{"message": "Only members may", "errors": "Only members"}', "Only members"),
        (b'{"message": "No reason", "errors": null}', "No reason"),
        (b'{"errors": [{"code": "custom", "message": "is immutable"}]}', "is immutable"),
        (b'{"errors": [null, [], 3]}', "null"),
        (b'["a list"]', "a list"),
        (b'"a text"', "a text"),
        (b"not JSON at all", "not JSON"),
        (b"[" * 100_000, "[[["),
        (b"", "422"),
    ],
)
def test_a_422_of_any_shape_is_a_refusal_with_its_reason(body: bytes, reason: str, tmp_path: Path) -> None:
    path = package(tmp_path / "a", "core")
    with venues.github(state=GitHub(token=venues.GITHUB_TOKEN, refusal=body)) as venue:
        status, detail = outcomes(run([venue], [path], tmp_path))[path.name]
        assert status is DeliveryStatus.FAILED
        assert "422" in detail
        assert reason in detail


def damaged(folder: Path) -> None:
    (folder / "noarch").mkdir(parents=True)
    (folder / "noarch/zeta-1.0-0.conda").write_bytes(b"not an archive")


def misplaced(folder: Path) -> None:
    package(folder / "linux-64", "zeta")


def renamed(folder: Path) -> None:
    package(folder / "noarch", "alpha").rename(folder / "noarch/zeta-1.0-0.conda")


def older(folder: Path) -> None:
    (folder / "noarch").mkdir(parents=True)
    (folder / "noarch/zeta-1.0-0.tar.bz2").write_bytes(b"")


@pytest.mark.parametrize("spoil", [damaged, misplaced, renamed, older])
def test_a_foreign_package_that_cannot_be_indexed_is_named_before_anything_is_copied(
    spoil: object, tmp_path: Path
) -> None:
    venue = venues.directory(tmp_path)
    channel = Path(venue.target.removeprefix("directory:"))
    assert callable(spoil)
    spoil(channel)
    before = sorted(path.relative_to(channel) for path in channel.rglob("*"))
    with pytest.raises(FlowlockError) as caught:
        run([venue], two(tmp_path / "a"), tmp_path)
    (problem,) = caught.value.problems
    assert problem.code == "FL850"
    assert "zeta" in problem.message
    assert sorted(path.relative_to(channel) for path in channel.rglob("*")) == before


def entries(folder: Path) -> list[str]:
    document = json.loads((folder / "state" / ledger.FILE).read_text())
    return [entry["place"].rpartition("/")[2] for entry in document["artifacts"]]


def test_a_ledger_is_written_when_a_channel_fails_after_the_uploads(tmp_path: Path) -> None:
    paths = two(tmp_path / "a")
    state = PrefixDev(tokens={venues.PREFIX_TOKEN})

    def failing(request: Request) -> Response:
        if state.writes and request.method == "GET" and request.path.endswith("repodata.json"):
            return Response(status=418, body=b"no more")
        return state.answer(request)

    with answering(failing) as url:
        environ = {"PREFIX_API_KEY": venues.PREFIX_TOKEN}
        venue = Venue(target=f"prefix:{url}/flowlock", environ=environ, served=dict)
        result = run([venue], paths, tmp_path, retry_policy=IMPATIENT)
    assert not result.ok
    assert "418" in result.as_text()
    assert sorted(entries(tmp_path)) == [path.name for path in paths]


def test_a_ledger_is_written_when_a_publish_is_interrupted(tmp_path: Path) -> None:
    class Interrupting(Silent):
        def working(self, text: str) -> None:
            if "1 of 2" in text:
                raise KeyboardInterrupt

    paths = two(tmp_path / "a")
    with venues.prefix() as venue, pytest.raises(KeyboardInterrupt):
        run([venue], paths, tmp_path, progress=Interrupting())
    assert entries(tmp_path) == [paths[0].name]


def test_a_dry_run_and_a_refused_credential_write_no_ledger(tmp_path: Path) -> None:
    paths = two(tmp_path / "a")
    with venues.prefix() as venue:
        assert run([venue], paths, tmp_path, dry_run=True).ok
        with pytest.raises(FlowlockError):
            run([venue], paths, tmp_path, environ={})
    assert not (tmp_path / "state").exists()
