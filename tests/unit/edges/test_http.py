"""Retries, waits, secrets, and requests that are signed as AWS's documentation shows."""

import pickle
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from flowlock.edges import http, secret
from flowlock.edges.credentials import Header
from flowlock.edges.http import Answer, HttpRequest
from flowlock.edges.retry_policy import RetryPolicy, retry_after
from flowlock.edges.secret import Secret
from flowlock.errors import FlowlockError
from flowlock.release.targets.sigv4 import EMPTY, Signer
from servers.loopback import Request as Asked
from servers.loopback import Response, answering

PLANTED = "planted-secret-0123456789"
QUICK = RetryPolicy(tries=4, first_pause=0.001, longest_pause=0.002, longest_wait=5.0)
NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)


def sequence(*statuses: int, **headers: str) -> tuple[Callable[[Asked], Response], list[Asked]]:
    left, seen = list(statuses), list[Asked]()

    def answer(request: Asked) -> Response:
        seen.append(request)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Response(status=left.pop(0) if len(left) > 1 else left[0], headers=named, body=b"said")

    return answer, seen


def call(url: str, **options: object) -> Answer:
    request = HttpRequest(method="POST", url=url, body=b"data", credential=Header(secret=Secret(PLANTED)))
    return http.call(http.session(), request, retry_policy=QUICK, **options)  # type: ignore[arg-type] # options of call


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 520])
def test_what_passes_is_tried_again(status: int) -> None:
    answer, seen = sequence(status, status, 201)
    with answering(answer) as url:
        assert call(url).status == 201
    assert len(seen) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422])
def test_what_is_final_is_asked_once(status: int) -> None:
    answer, seen = sequence(status)
    with answering(answer) as url:
        assert call(url).status == status
    assert len(seen) == 1


def test_a_403_that_is_a_rate_limit_passes() -> None:
    left = [Response(status=403, headers={"Retry-After": "0"}), Response(status=200)]
    with answering(lambda _: left.pop(0)) as url:
        assert call(url).status == 200


def test_an_upload_that_had_succeeded_is_not_repeated() -> None:
    answer, seen = sequence(502, 409)
    with answering(answer) as url:
        assert call(url, landed=lambda: Answer(status=201, headers={})).status == 201
    assert len(seen) == 1


def test_a_fault_that_stays_says_what_the_last_one_was() -> None:
    answer, seen = sequence(503)
    with answering(answer) as url, pytest.raises(FlowlockError, match="responded with 503: said") as caught:
        call(url)
    assert len(seen) == QUICK.tries
    assert "run the same command again" in (caught.value.problems[0].hint or "")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "Tue, 01 Dec 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Tue, 01 Dec 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW.timestamp()) + 9)}, 9.0),
        ({"x-ratelimit-remaining": "5", "x-ratelimit-reset": "99"}, None),
        ({}, None),
    ],
)
def test_a_server_says_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


def test_a_server_that_asks_for_more_patience_than_there_is_has_refused() -> None:
    answer, seen = sequence(429, retry_after="3600")
    with answering(answer) as url, pytest.raises(FlowlockError, match="429"):
        call(url)
    assert len(seen) == 1


def test_what_netrc_has_is_never_sent(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = f"{tmp_path}/netrc"
    with open(netrc, "w", encoding="utf-8") as stream:  # noqa: PTH123 - tmp_path as text
        stream.write("default login somebody password else\n")
    monkeypatch.setenv("NETRC", netrc)
    answer, seen = sequence(200)
    with answering(answer) as url:
        call(url)
        http.call(http.session(), HttpRequest(method="GET", url=url))
    assert [asked.headers.get("authorization") for asked in seen] == [f"Bearer {PLANTED}", None]


def test_a_secret_is_a_mask_wherever_it_is_shown() -> None:
    hidden = Secret(PLANTED)
    header = Header(secret=hidden)
    shown = [repr(hidden), str(hidden), f"{hidden:>40}", "%s" % hidden, repr(header), repr([hidden])]  # noqa: UP031 - every way to show
    assert not any(PLANTED in text for text in shown)
    with pytest.raises(TypeError):
        pickle.dumps(hidden)
    assert hidden.hide_in(f"Bearer {PLANTED}!") == "Bearer ***!"


def test_a_server_that_quotes_the_secret_is_not_quoted() -> None:
    def echo(request: Asked) -> Response:
        return Response(status=503, body=f"no {request.headers['authorization']}".encode())

    with answering(echo) as url, pytest.raises(FlowlockError) as caught:
        call(url)
    shown = "".join(traceback.format_exception(caught.value)) + str(caught.value.problems)
    assert PLANTED not in shown
    assert "***" in shown


def test_a_missing_secret_says_where_it_is_looked_for() -> None:
    with pytest.raises(FlowlockError) as caught:
        secret.require(("A_TOKEN", "B_TOKEN"), "https://host", "the target", {"A_TOKEN": " "})
    hint = caught.value.problems[0].hint or ""
    assert "A_TOKEN or B_TOKEN" in hint
    assert "keyring set https://host flowlock" in hint


def test_requests_are_signed_as_awss_documentation_shows() -> None:
    # "Signature Calculations for the Authorization Header", example GET Object.
    signer = Signer(
        key="AKIAIOSFODNN7EXAMPLE",
        secret=Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        region="us-east-1",
        now=datetime(2013, 5, 24, tzinfo=UTC),
    )
    request = SimpleNamespace(
        method="GET",
        url="https://examplebucket.s3.amazonaws.com/test.txt",
        headers={"Range": "bytes=0-9", "x-amz-content-sha256": EMPTY},
    )
    signer.sign(request)
    assert request.headers["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )
    assert "wJalrXUtnFEMI" not in repr(signer)
