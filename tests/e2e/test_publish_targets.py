"""What every target promises, against a server of its kind."""

import base64
import json
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from flowlock.errors import FlowlockError
from flowlock.release.outcome import PublishResult
from flowlock.release.targets import artifact, attestation
from flowlock.release.targets.protocol import DeliveryStatus
from servers import real, venues
from servers.packages import package, pinned
from servers.prefix_dev import PrefixDev
from servers.venues import Venue, run

Opened = Callable[[], AbstractContextManager[Venue]]
CHANNELS = ("directory", "prefix", "quetz", "s3", "gitea")
EVERY = (*CHANNELS, "github", "gitea-releases")


@pytest.fixture
def venue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Venue]:
    opened: dict[str, Opened] = {
        "directory": lambda: nullcontext(venues.directory(tmp_path)),
        "prefix": venues.prefix,
        "github": venues.github,
        "gitea": venues.gitea,
        "gitea-releases": venues.gitea_releases,
        "quetz": lambda: venues.quetz(request.getfixturevalue("quetz_server")),
        "s3": lambda: venues.s3(request.getfixturevalue("moto_server")),
    }
    with opened[request.param]() as found:
        yield found


def statuses(result: PublishResult) -> dict[str, DeliveryStatus]:
    return {artifact.file: artifact.status for target in result.targets for artifact in target.artifacts}


def three(folder: Path) -> list[Path]:
    return [
        package(folder, "core", content=b"one"),
        package(folder, "ext", depends=["core >=1"], content=b"two"),
        package(folder, "flow-workflow", depends=["ext"], content=b"three"),
    ]


@pytest.mark.parametrize("venue", EVERY, indirect=True)
def test_a_publish_uploads_everything_and_a_rerun_finds_it_present(venue: Venue, tmp_path: Path) -> None:
    paths = three(tmp_path / "artifacts")
    first = run([venue], paths, tmp_path)
    assert first.ok, first.as_text()
    assert set(statuses(first).values()) == {DeliveryStatus.UPLOADED}
    after_first = venue.served()
    assert {place.rpartition("/")[2] for place in after_first} >= {path.name for path in paths}
    second = run([venue], paths, tmp_path)
    assert second.ok, second.as_text()
    assert set(statuses(second).values()) == {DeliveryStatus.PRESENT}
    assert venue.served() == after_first


@pytest.mark.parametrize("venue", EVERY, indirect=True)
def test_other_bytes_under_a_published_name_are_a_conflict_and_stay(venue: Venue, tmp_path: Path) -> None:
    first = package(tmp_path / "one", "core", content=b"reviewed")
    assert run([venue], [first], tmp_path, skip=frozenset()).ok
    before = venue.served()
    other = package(tmp_path / "two", "core", content=b"something else")
    result = run([venue], [other], tmp_path)
    assert not result.ok
    assert statuses(result)[other.name] is DeliveryStatus.CONFLICT
    assert venue.served() == before


@pytest.mark.parametrize("venue", CHANNELS, indirect=True)
def test_another_build_of_a_served_version_is_a_conflict_unless_its_number_is_higher(
    venue: Venue, tmp_path: Path
) -> None:
    assert run([venue], [package(tmp_path / "one", "core")], tmp_path).ok
    rival = package(tmp_path / "two", "core", build="pyhbbbbbbbb_0")
    result = run([venue], [rival], tmp_path)
    assert statuses(result) == {rival.name: DeliveryStatus.CONFLICT}
    assert "raise the version" in result.targets[0].artifacts[0].detail
    higher = package(tmp_path / "three", "core", build="pyhcccccccc_1")
    assert run([venue], [higher], tmp_path).ok


@pytest.mark.parametrize("venue", CHANNELS, indirect=True)
def test_a_dry_run_says_what_is_missing_and_changes_nothing(venue: Venue, tmp_path: Path) -> None:
    paths = three(tmp_path / "artifacts")
    assert run([venue], paths[:1], tmp_path).ok
    before = venue.served()
    result = run([venue], paths, tmp_path, dry_run=True)
    assert result.ok
    assert [statuses(result)[path.name] for path in paths] == [
        DeliveryStatus.PRESENT,
        DeliveryStatus.MISSING,
        DeliveryStatus.MISSING,
    ]
    assert venue.served() == before


@pytest.mark.parametrize("venue", EVERY[1:], indirect=True)
def test_a_missing_credential_is_named_before_anything_is_sent(
    venue: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {key: value for key, value in venue.environ.items() if key.endswith("_URL")}
    with pytest.raises(FlowlockError) as caught:
        run([venue], three(tmp_path / "artifacts"), tmp_path, environ=environ)
    (problem,) = caught.value.problems
    assert problem.code == "FL810"
    assert any(name in (problem.hint or "") for name in venue.environ)
    assert venue.served() == {}


@pytest.mark.parametrize("venue", ["prefix", "quetz", "github", "gitea", "gitea-releases"], indirect=True)
def test_a_credential_that_is_refused_is_final_and_never_shown(venue: Venue, tmp_path: Path) -> None:
    wrong = "wrong-secret-0123456789"
    environ = {key: value if key.endswith("_URL") else wrong for key, value in venue.environ.items()}
    try:
        shown = run([venue], three(tmp_path / "artifacts"), tmp_path, environ=environ).as_text()
    except FlowlockError as error:
        shown = " ".join(str(problem.as_json()) for problem in error.problems)
    assert "credential" in shown
    assert "401" in shown or "403" in shown
    assert wrong not in shown
    assert venue.served() == {}


@pytest.mark.parametrize(
    ("venue", "wrong"),
    [
        ("quetz", lambda target: target.replace("/get/flowlock", "/get/flowlok")),
        ("s3", lambda target: target.replace("//bucket", "//bukket")),
        ("github", lambda target: target.replace("octo/flow", "octo/flw")),
        ("gitea", lambda target: target.replace("/octo", "/okto")),
        ("gitea-releases", lambda target: target.replace("octo/flow", "octo/flw")),
    ],
    indirect=["venue"],
)
def test_a_wrong_channel_name_is_said_before_anything_is_sent(
    venue: Venue, wrong: Callable[[str], str], tmp_path: Path
) -> None:
    misspelt = Venue(target=wrong(venue.target), environ=venue.environ, served=venue.served)
    with pytest.raises(FlowlockError) as caught:
        run([misspelt], three(tmp_path / "artifacts"), tmp_path)
    assert "404" in caught.value.problems[0].message
    assert "check the name" in (caught.value.problems[0].hint or "")
    assert venue.served() == {}


def test_a_wrong_channel_at_prefix_dev_is_said_by_the_first_file_and_ends_the_release(tmp_path: Path) -> None:
    with venues.prefix() as known, venues.github() as github:
        wrong = known.target.replace("/flowlock", "/flowlok")
        misspelt = Venue(target=wrong, environ=known.environ, served=known.served)
        done = run([misspelt, github], three(tmp_path / "artifacts"), tmp_path)
        assert not done.ok
        assert set(statuses(done).values()) == {DeliveryStatus.FAILED}
        told = done.as_text()
        assert "404" in told
        assert "check the name" in told
        assert known.served() == github.served() == {}
        assert isinstance(known.server, PrefixDev)
        assert len([sent for sent in known.server.requests if sent.method == "POST"]) == 1


@pytest.mark.parametrize("kind", EVERY[1:])
def test_a_server_that_is_away_is_said_and_nothing_is_written(kind: str, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{real.free_port()}"
    targets = {
        "prefix": f"prefix:{url}/flowlock",
        "quetz": f"quetz:{url}/get/flowlock",
        "s3": "s3://bucket/channel",
        "github": "github:octo/flow",
        "gitea": f"gitea:{url}/octo",
        "gitea-releases": f"gitea:{url}/octo/flow",
    }
    environ = {
        **dict.fromkeys(
            ("PREFIX_API_KEY", "QUETZ_API_KEY", "GITHUB_TOKEN", "GITEA_TOKEN"), "token-0123456789"
        ),
        **dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "token-0123456789"),
        **dict.fromkeys(("AWS_ENDPOINT_URL", "GITHUB_API_URL"), url),
    }
    away = Venue(target=targets[kind], environ=environ, served=dict)
    with pytest.raises(FlowlockError, match="1 target") as caught:
        run([away], three(tmp_path / "artifacts"), tmp_path)
    assert "failed repeatedly" in caught.value.problems[0].message
    assert not (tmp_path / "state").exists()


def test_a_file_that_no_lock_pins_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    paths = three(tmp_path / "artifacts")
    foreign = package(tmp_path / "artifacts", "foreign")
    altered = package(tmp_path / "other", "core", content=b"not what was reviewed")
    venue = venues.directory(tmp_path)
    pins = [pinned(path) for path in paths]
    with pytest.raises(FlowlockError) as caught:
        run([venue], [altered, *paths[1:2], foreign], tmp_path, pins=pins)
    assert [problem.code for problem in caught.value.problems] == ["FL823", "FL822", "FL824"]
    assert venue.served() == {}


def test_the_engines_own_client_is_accepted_and_sends_the_same_parts(tmp_path: Path) -> None:
    import subprocess
    import sys

    stock, ours = package(tmp_path / "one", "core"), package(tmp_path / "two", "ext")
    with venues.prefix() as venue:
        state = venue.server
        assert isinstance(state, PrefixDev)
        server = venue.target.removeprefix("prefix:").removesuffix("/flowlock")
        # In a process of its own: both engines in one crash now and then at its end.
        script = (
            "import sys; from rattler_build.upload import upload_package_to_prefix as up; "
            "up([sys.argv[1]], sys.argv[2], 'flowlock', api_key=sys.argv[3])"
        )
        subprocess.run([sys.executable, "-c", script, stock, server, venues.PREFIX_TOKEN], check=True)
        assert run([venue], [ours], tmp_path).ok
        sent = [request for request in state.requests if request.method == "POST"]
        shapes = [_part_headers(request.body) for request in sent]
        assert shapes[0] == shapes[1]
        assert {request.path for request in sent} == {"/api/v1/upload/flowlock"}
        assert set(venue.served()) == {f"noarch/{stock.name}", f"noarch/{ours.name}"}


def _part_headers(body: bytes) -> list[str]:
    head = body.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return [line.partition(":")[0].lower() for line in head]


def test_trusted_publishing_exchanges_the_jobs_identity_for_a_token(tmp_path: Path) -> None:
    minted = "minted-token-0123456789"
    with venues.prefix() as venue:
        state = venue.server
        assert isinstance(state, PrefixDev)
        state.identity_tokens = {"identity-for-prefix.dev": minted}
        server = venue.target.removeprefix("prefix:").removesuffix("/flowlock")
        environ = {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{server}/actions/token?api-version=2",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "actions-request-token",
        }
        assert run([venue], three(tmp_path / "a"), tmp_path, environ=environ).ok
        state.identity_tokens = {}
        state.tokens.clear()
        with pytest.raises(FlowlockError) as caught:
            run([venue], three(tmp_path / "a"), tmp_path, environ=environ)
        assert "trusted publisher" in caught.value.problems[0].message
        assert "identity-for" not in str(caught.value.problems)


def bundle(statement: object) -> bytes:
    """Return a sigstore bundle's shape around a statement; nothing here can sign one."""
    payload = base64.b64encode(json.dumps(statement).encode()).decode()
    envelope = {"payload": payload, "payloadType": attestation.PAYLOAD_TYPE, "signatures": [{"sig": ""}]}
    return json.dumps(
        {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": envelope}
    ).encode()


def test_an_attestation_beside_the_file_goes_up_with_it(tmp_path: Path) -> None:
    path = package(tmp_path / "a", "core")
    with venues.prefix() as venue:
        channel = venue.target.removeprefix("prefix:")
        signed = bundle(attestation.statement(artifact.read(path), channel))
        path.with_name(path.name + ".sigstore.json").write_bytes(signed)
        assert run([venue], [path], tmp_path).ok
        state = venue.server
        assert isinstance(state, PrefixDev)
        assert state.attestations == {f"noarch/{path.name}": signed}


def test_an_attestation_of_another_file_or_channel_is_refused_before_the_upload(tmp_path: Path) -> None:
    path, other = package(tmp_path / "a", "core"), package(tmp_path / "b", "ext")
    with venues.prefix() as venue:
        channel = venue.target.removeprefix("prefix:")
        for wrong in (
            bundle(attestation.statement(artifact.read(other), channel)),
            bundle(attestation.statement(artifact.read(path), "https://elsewhere.test/flowlock")),
            b"not a bundle",
        ):
            path.with_name(path.name + ".sigstore.json").write_bytes(wrong)
            result = run([venue], [path], tmp_path)
            assert statuses(result) == {path.name: DeliveryStatus.FAILED}
            assert "sigstore.json" in result.as_text()
        assert venue.served() == {}


def test_a_server_that_stores_other_bytes_is_found_out(tmp_path: Path) -> None:
    with venues.prefix() as venue:
        state = venue.server
        assert isinstance(state, PrefixDev)
        state.corrupts = True
        result = run([venue], [package(tmp_path / "a", "core")], tmp_path)
        assert not result.ok
        assert "but serves" in result.targets[0].artifacts[0].detail


def test_the_objects_of_a_bucket_can_be_read_by_anyone_who_may_read_the_bucket(
    tmp_path: Path, moto_server: real.Running
) -> None:
    with venues.s3(moto_server) as venue:
        path = package(tmp_path / "a", "core", size=3_000_000)
        assert run([venue], [path], tmp_path).ok
        with urllib.request.urlopen(f"{venue.server}/noarch/{path.name}") as answer:  # noqa: S310 - loopback
            assert answer.read() == path.read_bytes()
