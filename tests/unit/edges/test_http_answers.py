"""What a server may send: bounded, read as a stream, and never believed in a header."""

import json
import time
import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from flowlock.edges import http
from flowlock.edges.http import Answer, AnswerKind, HttpRequest
from flowlock.edges.retry_policy import RetryPolicy
from flowlock.errors import FlowlockError
from flowlock.names import Sha256
from flowlock.release.targets.client import listed
from servers import raw
from servers.loopback import Response, answering
from servers.raw import reply

QUICK = RetryPolicy(tries=2, first_pause=0.001, longest_pause=0.002, longest_wait=1.0, connect=2.0, read=2.0)


def call(url: str, **options: object) -> Answer:
    request = HttpRequest(method="GET", url=url, **options)  # type: ignore[arg-type] # fields of Request
    return http.call(http.session(), request, retry_policy=QUICK)


def refusal(answer: bytes | Callable[[bytes], bytes], **options: object) -> str:
    """Return what is said of an answer; it names the server."""
    with raw.sending(answer if callable(answer) else lambda _: answer) as url:
        with pytest.raises(FlowlockError) as caught:
            call(url, **options)
        (problem,) = caught.value.problems
        assert url.removeprefix("http://") in problem.message
        return problem.message


def test_an_answer_of_its_whole_limit_is_read_and_one_more_byte_is_not() -> None:
    for size, kind in ((AnswerKind.TOKEN.limit, AnswerKind.TOKEN), (200, AnswerKind.FILE)):
        with answering(lambda _, size=size: Response(status=200, body=b"x" * size)) as url:  # type: ignore[misc] # bound for this turn
            assert call(url, kind=kind, limit=size).size == size
        message = refusal(reply(b"x" * (size + 1)), kind=kind, limit=size)
        assert "more than" in message
        assert "more than" in refusal(reply(b"", Content_Length=str(size + 1)), kind=kind, limit=size)


def test_a_body_without_end_is_left_and_nothing_of_it_is_kept() -> None:
    endless = reply() + b"x" * 50_000_000
    tracemalloc.start()
    refusal(endless, kind=AnswerKind.FILE, keep_body=False, limit=40_000_000)
    with raw.sending(lambda _: reply(b"no " * 10_000_000, status="404 Not Found")) as url:
        answer = call(url)
    peak = tracemalloc.get_traced_memory()[1] - len(endless)
    tracemalloc.stop()
    assert len(answer.body) == http.REFUSAL_LIMIT
    assert peak < 100_000_000


@pytest.mark.parametrize("length", ["abc", "-1", "1e3", "0x10", "5, 7", "²", "9" * 4000, "+5", " "])
def test_a_length_that_is_none_is_no_bug(length: str) -> None:
    data = reply(b"hello", Content_Length="5").replace(
        b"Content-Length: 5", b"Content-Length: " + length.encode()
    )
    with raw.sending(lambda _: data) as url:
        outcome = outcome_of(url)
    assert outcome == "200" or url.removeprefix("http://") in outcome


def outcome_of(url: str) -> str:
    """Return an answer's status, or what is said of one that cannot be used."""
    try:
        return str(call(url, kind=AnswerKind.TOKEN).status)
    except FlowlockError as error:
        return error.message


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry_After": "9" * 400},
        {"Retry_After": "²"},
        {"Retry_After": "Fri, 31 Dec 9999 23:59:59 -2359"},
        {"Retry_After": "-5"},
        {"Retry_After": "1e9"},
        {"Retry_After": "\xff\xfe"},
        {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "9" * 400},
        {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "soon"},
        {"X_RateLimit_Remaining": "²", "X_RateLimit_Reset": "²"},
    ],
)
def test_a_wait_that_is_none_is_no_bug_and_no_wait(headers: dict[str, str]) -> None:
    started = time.monotonic()
    assert "429" in refusal(reply(b"slow down", status="429 Too Many", **headers))
    assert "403" in refusal(
        reply(
            b"no",
            status="403 No",
            Retry_After="0",
            **{k: v for k, v in headers.items() if k != "Retry_After"},
        )
    )
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nonsense",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 99999 X\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"x" * 100_000 + b"\r\n\r\n",
        reply(b"zz\r\nhello\r\n", Transfer_Encoding="chunked"),
        reply(b"5\r\nhel", Transfer_Encoding="chunked"),
        reply(b"ffffffffffffffffff\r\nhello", Transfer_Encoding="chunked"),
        reply(b"hel", Content_Length="5"),
        reply(b"not gzip", Content_Encoding="gzip"),
        reply(b"", status="302 Found", Location="http://[::1"),
        reply(b"", status="302 Found", Location="file:///etc/passwd"),
        reply(b"", status="302 Found", Location="\xff\xfe://\x00"),
        reply(b"", status="302 Found", Location="http://127.0.0.1:99999/"),
        reply(b"", status="302 Found", Location="/again"),
    ],
)
def test_a_lie_of_a_server_is_a_problem_that_names_it(data: bytes) -> None:
    refusal(data)


def test_a_redirect_with_a_body_without_end_is_followed() -> None:
    def answer(head: bytes) -> bytes:
        if b"GET /there" in head:
            return reply(b"here", Content_Length="4")
        return reply(b"x" * 30_000_000, status="302 Found", Location="/there")

    with raw.sending(answer) as url:
        assert call(url).body == b"here"


def test_a_body_that_comes_byte_by_byte_is_left_in_the_end() -> None:
    def dripping(_: bytes) -> Iterator[bytes]:
        yield reply(Content_Length="1000")
        for _number in range(1000):
            time.sleep(0.02)
            yield b"x"

    impatient = RetryPolicy(tries=1, connect=2.0, read=0.3)
    started = time.monotonic()
    with raw.sending(dripping) as url, pytest.raises(FlowlockError, match="too slowly"):
        http.call(http.session(), HttpRequest(method="GET", url=url), retry_policy=impatient)
    assert time.monotonic() - started < 5


def test_what_a_server_says_is_printed_as_one_plain_line() -> None:
    message = refusal(reply(b"no\x1b[2J\r\nway\x00 \x9b out \xff", status="503 Away"))
    assert message.isprintable()
    assert "no way" in message


def index(**entry: object) -> bytes:
    return json.dumps({"packages": {}, "packages.conda": {"a-1.0-0.conda": entry}}).encode()


SOUND = {"name": "a", "version": "1.0", "build": "0", "build_number": 0, "sha256": "0" * 64}


def test_an_index_of_200_megabytes_is_read() -> None:
    filler: dict[str, object] = {
        f"b-1.0-{number}.conda": {"name": "b", "depends": ["c" * 900]} for number in range(200_000)
    }
    filler["a-1.0-0.conda"] = SOUND
    data = json.dumps({"packages": {}, "packages.conda": filler}).encode()
    assert len(data) > 190_000_000
    started = time.monotonic()
    served = listed(data, "https://host/noarch", "noarch", {"a"}, server="host")
    assert served["noarch/a-1.0-0.conda"].sha256 == Sha256("0" * 64)
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'{"packages": []}',
        b'{"packages.conda": {"a": "b"}}',
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b"\xff\xfe{}",
        index(**{**SOUND, "sha256": "zz"}),
        index(**{**SOUND, "sha256": 5}),
        index(**{**SOUND, "build_number": "many"}),
        index(**{**SOUND, "build_number": [0]}),
        index(**{**SOUND, "version": {"a": 1}}),
        index(**SOUND).replace(b"a-1.0-0.conda", b"../../a-1.0-0.conda"),
        b'{"packages.conda": {"a-1.0-0.conda": {"name": "a", "sha256": "'
        + b"0" * 64
        + b'", "build_number": '
        + b"9" * 10_000
        + b"}}}",
    ],
)
def test_an_index_that_lies_is_a_problem_that_names_the_server(data: bytes) -> None:
    with pytest.raises(FlowlockError) as caught:
        listed(data, "https://host/noarch", "noarch", {"a"}, server="the-server")
    assert caught.value.problems[0].code == "FL813"
    assert "the-server" in caught.value.message


def test_what_an_index_says_of_other_packages_is_not_read() -> None:
    data = json.dumps(
        {"packages.conda": {"x": {"name": ["b"]}, "y": {"sha256": 3}, "z": {"name": "b"}}}
    ).encode()
    assert listed(data, "https://host/noarch", "noarch", {"a"}, server="host") == {}
