"""Answers of servers that are damaged: in their bytes, their bodies, or in what status and headers say."""

import json
import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from flowlock.edges.forge import ForgeRepository
from flowlock.edges.forge_client import ForgeClient
from flowlock.edges.http import AnswerKind
from flowlock.edges.retry_policy import RetryPolicy
from flowlock.release.targets.client import Client, listed
from flowlock.release.targets.protocol import Context
from kind import Kind, Place, Problems
from mutations import Syntax
from servers import raw
from sound_files import OBJECTS, REPODATA

QUICK = RetryPolicy(tries=1, first_pause=0.001, longest_pause=0.002, longest_wait=0.1, connect=2.0, read=0.3)
SERVER = "the server"
STATUSES = (
    *("200 OK", "201 Created", "204 No Content", "206 Partial Content", "299 Odd", "304 Not Modified"),
    *("400 Bad Request", "401 Unauthorized", "403 Forbidden", "404 Not Found", "409 Conflict", "410 Gone"),
    *("413 Too Large", "422 Unprocessable", "418 \x1b[31mTeapot", "429 Too Many Requests"),
    *("500 Internal Server Error", "502 Bad Gateway", "503 Service Unavailable", "599 Odd", "999 Odd"),
    *("301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"),
)
LOCATIONS = ("/", "//", "http://127.0.0.1:1/", "ftp://example.org/", "http://", "\\", "http://me:pw@[::1", "")
HEADERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Content-Length", ("0", "5", "-1", "1e3", "9" * 18, "9" * 5000, "5, 7", "\xb2", "+5", "")),
    ("Content-Encoding", ("gzip", "br", "identity", "zstd, gzip", "\x85", "")),
    ("Content-Type", ("text/html", "application/json; charset=utf-16", "x" * 5000, "", "\xff")),
    ("Retry-After", ("0", "-5", "9" * 400, "soon", "Fri, 31 Dec 9999 23:59:59 GMT", "nan", "1e400")),
    ("X-RateLimit-Remaining", ("0", "-1", "x")),
    ("X-Total-Count", ("0", "-1", "9" * 5000, "x", "\xb2")),
    ("X-RateLimit-Reset", ("0", "9" * 400, "x", "-1")),
    ("Transfer-Encoding", ("chunked", "gzip, chunked", "x")),
    ("Set-Cookie", ("a=b; Domain=.example.org", "x" * 5000)),
)
BODIES = (b"", b"<html>log in</html>", b"null", b"[]", b"\xff\xfe", b'{"message": "\x1b[31mno"}', b"5\r\nabc")


def answers(_folder: Path) -> Iterator[Kind]:
    """An index, and objects of the GitHub API."""
    readers: list[tuple[str, Callable[[Client, str], None]]] = [(REPODATA, _read_index)]
    readers += [(json.dumps(content), partial(_read_object, kind)) for kind, content in OBJECTS]
    context = Context(root=Path(), tag="v1.0.0", retry_policy=QUICK)
    for body, read in readers:
        data = body.encode()
        head = raw.reply(b"", Content_Type="application/json", Retry_After="1", X_RateLimit_Remaining="5")
        sound = head.replace(b"\r\n\r\n", b"\r\nContent-Length: %d\r\n\r\n" % len(data)) + data
        asked = partial(_asked, context, read)
        whole = partial(Kind, name="server answers", read=asked, file="answer", place=Place.SERVER)
        yield whole(seeds=[sound])
        yield whole(seeds=[data], syntax=Syntax.JSON, pack=raw.reply)
        yield whole(seeds=[data], faults=partial(answer_with_fault, data))


def answer_with_fault(body: bytes, chance: random.Random) -> bytes:
    """Return an answer with one to three faults in status, headers or body."""
    status, headers = "200 OK", {"Content-Type": "application/json"}
    for _ in range(chance.randint(1, 3)):
        match chance.randrange(4):
            case 0 | 1:
                status = chance.choice(STATUSES)
                headers["Location"] = chance.choice(LOCATIONS)
            case 2:
                name, values = chance.choice(HEADERS)
                headers[name] = chance.choice(values)
            case _:
                body = chance.choice((*BODIES, body[: chance.randrange(len(body) + 1)]))
    return raw.reply(body, status=status, **headers)


def _read_index(client: Client, url: str) -> None:
    answer = client.accept(client.send("GET", url, kind=AnswerKind.INDEX), "to serve its index")
    listed(answer.body, url, "noarch", {"a", "b"}, server=SERVER)


def _read_object(kind: Any, client: Client, url: str) -> None:
    repository = ForgeRepository.parse(f"gitea:{url}/octo/flow")
    assert repository is not None
    ForgeClient(client, repository, {}).get(kind, url, "to answer", "an object")


def _asked(context: Context, read: Callable[[Client, str], None], path: Path) -> Problems:
    with raw.sending(lambda _: path.read_bytes()) as url:
        read(Client(context, SERVER), url)
    return []
