"""Whatever a server redirects to or names: no header of ours and no byte of a package goes to another one."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from flowlock.edges import downloads
from flowlock.edges.retry_policy import RetryPolicy
from flowlock.errors import FlowlockError
from flowlock.report.reporter import Silent
from servers.github import GitHub
from servers.loopback import Request, Response, answering
from servers.packages import package
from servers.prefix_dev import PrefixDev
from servers.venues import Venue, run

SECRET = "planted-0123456789-secret-abcdef"  # noqa: S105 - opens nothing
# What any client sends to any server.
NEUTRAL = {"host", "user-agent", "accept", "accept-encoding", "connection"}
STATUSES = (301, 302, 303, 307, 308)
QUICK = RetryPolicy(tries=2, first_pause=0.001, longest_pause=0.002, connect=2.0, read=5.0)


@dataclass(kw_only=True)
class Elsewhere:
    """A second server that keeps everything it is sent, and answers reads with `data`."""

    url: str = ""
    data: bytes = b"{}"
    seen: list[Request] = field(default_factory=list)

    def answer(self, request: Request) -> Response:
        self.seen.append(request)
        return Response(status=200, body=self.data)

    def got_nothing_of_ours(self) -> None:
        for request in self.seen:
            assert request.method in {"GET", "HEAD"}
            assert request.body == b""
            assert set(request.headers) <= NEUTRAL, request.headers
            assert SECRET[:6] not in f"{request.target} {request.headers}"


@contextmanager
def elsewhere() -> Iterator[Elsewhere]:
    other = Elsewhere()
    with answering(other.answer) as url:
        other.url = url
        yield other


def redirecting(
    answer: Callable[[Request], Response], other: Elsewhere, status: int, wanted: Callable[[Request], bool]
) -> Callable[[Request], Response]:
    """Return a server that redirects what is wanted, and answers the rest."""

    def redirect(request: Request) -> Response:
        if wanted(request):
            location = f"{other.url}{request.target}"
            return Response(status=status, headers={"Location": location, "Set-Cookie": f"ours={SECRET}"})
        return answer(request)

    return redirect


def careless(request: Request) -> Response:
    """A server that takes everything, and has nothing yet."""
    absent = request.method == "HEAD" or request.path.endswith((".json", ".zst", ".conda"))
    if request.method in {"GET", "HEAD"}:
        return Response(status=404 if absent else 200, body=b"{}")
    return Response(status=201)


def servers() -> dict[str, Callable[[Request], Response]]:
    return {
        "prefix": PrefixDev(tokens={SECRET}).answer,
        "github": GitHub(token=SECRET).answer,
        "quetz": careless,
        "s3": careless,
    }


def venue(kind: str, url: str) -> Venue:
    targets = {
        "prefix": f"prefix:{url}/flowlock",
        "quetz": f"quetz:{url}/get/flowlock",
        "s3": "s3://bucket/channel",
        "github": "github:octo/flow",
    }
    environ = {
        **dict.fromkeys(("PREFIX_API_KEY", "QUETZ_API_KEY", "GITHUB_TOKEN"), SECRET),
        **dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"), SECRET),
        **dict.fromkeys(("AWS_ENDPOINT_URL", "GITHUB_API_URL"), url),
    }
    return Venue(target=targets[kind], environ=environ, served=dict)


WANTED: Mapping[str, Callable[[Request], bool]] = {
    "everything": lambda _: True,
    "what reads": lambda request: request.method in {"GET", "HEAD"},
    "what writes": lambda request: request.method not in {"GET", "HEAD"},
    "indices": lambda request: request.path.endswith(".json"),
}


@pytest.mark.parametrize("wanted", WANTED)
@pytest.mark.parametrize("kind", servers())
def test_no_redirect_takes_anything_of_ours_to_another_server(kind: str, wanted: str, tmp_path: Path) -> None:
    paths = [package(tmp_path / "a", "core"), package(tmp_path / "a", "ext", depends=["core"])]
    for status in STATUSES:
        with elsewhere() as other:
            redirect = redirecting(servers()[kind], other, status, WANTED[wanted])
            with answering(redirect) as url:
                try:
                    result = run([venue(kind, url)], paths, tmp_path, retry_policy=QUICK, deadline=0.2)
                    told = result.as_text()
                except FlowlockError as error:
                    told = " ".join(problem.message for problem in error.problems)
            assert SECRET[:6] not in told
            other.got_nothing_of_ours()


def test_reads_follow_a_redirect_and_uploads_name_the_server_that_they_were_not_sent_to(
    tmp_path: Path,
) -> None:
    path = package(tmp_path / "a", "core")
    with elsewhere() as other:
        state = PrefixDev(tokens={SECRET})
        redirect = redirecting(state.answer, other, 302, WANTED["indices"])
        other.data = b'{"packages": {}, "packages.conda": {}}'
        with answering(redirect) as url:
            assert run([venue("prefix", url)], [path], tmp_path, skip=frozenset({"confirm"})).ok
        assert other.seen
        other.seen.clear()
        with answering(redirecting(state.answer, other, 307, WANTED["what writes"])) as url:
            state.channels["flowlock"].clear()
            state.described.clear()
            result = run([venue("prefix", url)], [path], tmp_path)
        assert not result.ok
        assert other.url.removeprefix("http://") in result.as_text()
        assert not other.seen


def test_an_upload_that_is_redirected_on_its_own_server_arrives(tmp_path: Path) -> None:
    path = package(tmp_path / "a", "core")
    state = PrefixDev(tokens={SECRET})

    def moved(request: Request) -> Response:
        if request.method == "POST" and not request.query:
            return Response(status=308, headers={"Location": f"{request.target}?force=false"})
        return state.answer(request)

    with answering(moved) as url:
        assert run([venue("prefix", url)], [path], tmp_path).ok
    assert state.writes


def test_an_upload_url_of_another_server_is_refused_before_anything_is_sent_there(tmp_path: Path) -> None:
    with elsewhere() as other:
        state = GitHub(token=SECRET)

        def lying(request: Request) -> Response:
            response = state.answer(request)
            for release in state.releases.values():
                release["upload_url"] = f"{other.url}/uploads{{?name,label}}"
            if request.method == "POST":
                return state.answer(replace(request, method="GET", body=b""))
            return response

        with answering(lying) as url:
            for _ in range(2):
                result = run([venue("github", url)], [package(tmp_path / "a", "core")], tmp_path)
                assert not result.ok
        assert "not its own server" in result.as_text()
        assert not other.seen


def test_the_identity_of_a_job_is_sent_to_nobody_else(tmp_path: Path) -> None:
    path = package(tmp_path / "a", "core")
    for wanted in (lambda r: "actions" in r.path, lambda r: "mint" in r.path):
        with elsewhere() as other:
            state = PrefixDev(tokens=set(), identity_tokens={"identity-for-prefix.dev": SECRET})
            for status in STATUSES:
                with answering(redirecting(state.answer, other, status, wanted)) as url:
                    environ = {
                        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{url}/actions/token",
                        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "actions-request-token",
                    }
                    with pytest.raises(FlowlockError):
                        run([venue("prefix", url)], [path], tmp_path, environ=environ)
                assert all("authorization" not in request.headers for request in other.seen)
                other.got_nothing_of_ours()


def test_the_user_info_of_an_index_is_sent_to_that_index_only(tmp_path: Path) -> None:
    data = b"a wheel"
    with elsewhere() as other:
        other.data = data
        first: list[Request] = []

        def redirect(request: Request) -> Response:
            first.append(request)
            return Response(status=302, headers={"Location": f"{other.url}/file.whl"})

        with answering(redirect) as url:
            pin = downloads.PinnedFile(
                file="file.whl",
                url=url.replace("//", f"//user:{SECRET}@") + "/file.whl",
                sha256=hashlib.sha256(data).hexdigest(),
            )
            places = downloads.download([pin], tmp_path, offline=False, progress=Silent())
    assert places[pin].read_bytes() == data
    assert first[0].headers["authorization"].startswith("Basic ")
    other.got_nothing_of_ours()


@pytest.mark.parametrize(
    ("kind", "url"),
    [
        ("prefix", "http://packages.example.org"),
        ("quetz", "http://packages.example.org"),
        ("github", "http://api.example.org"),
        ("s3", "http://buckets.example.org"),
        ("prefix", "http://127.0.0.1.example.org"),
        ("prefix", "http://192.168.0.7:8080"),
    ],
)
def test_a_credential_is_never_sent_unencrypted_to_another_machine(
    kind: str, url: str, tmp_path: Path
) -> None:
    with pytest.raises(FlowlockError) as caught:
        run([venue(kind, url)], [package(tmp_path / "a", "core")], tmp_path, retry_policy=QUICK)
    assert {problem.code for problem in caught.value.problems} == {"FL854"}
