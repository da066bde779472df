"""What clients get from `channel serve`, whatever they send."""

import asyncio
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from flowlock.channel import serve

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def address(tmp_path: Path) -> Iterator[tuple[str, int]]:
    channel = tmp_path / "channel"
    (channel / "noarch").mkdir(parents=True)
    (channel / "noarch/x.conda").write_bytes(CONTENT)
    (tmp_path / "secret").write_text("secret")
    with serve.serving(channel) as url:
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        yield parts.hostname, parts.port


def answer(address: tuple[str, int], request: bytes) -> tuple[int, bytes]:
    """Return the status and the whole answer to a raw request."""
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    return int(received.split(b" ", 2)[1]), received


def get(target: str, *headers: str) -> bytes:
    lines = [f"GET {target} HTTP/1.1", "Host: x", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1")


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/noarch/x.conda", 200),
        ("/noarch/x.conda?query", 200),
        ("/", 404),
        ("/noarch", 404),
        ("/noarch/", 404),
        ("/noarch/x.conda/", 404),
        ("/absent", 404),
        ("/../secret", 404),
        ("/%2e%2e/secret", 404),
        ("/noarch/..%2f..%2fsecret", 404),
        ("/" + "x" * 5000, 404),
        ("//[", 404),
        ("/%00", 400),
        ("/noarch/x.conda%00", 400),
        ("/%ed%a0%80", 400),
        ("/%ff", 404),
        ("/" + "x" * 70000, 414),
    ],
)
def test_a_request_for_anything_is_answered(
    address: tuple[str, int], capfd: pytest.CaptureFixture[str], target: str, status: int
) -> None:
    assert answer(address, get(target))[0] == status
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("value", "status", "body"),
    [
        ("bytes=0-9", 206, CONTENT[:10]),
        ("bytes=-5", 206, CONTENT[-5:]),
        ("bytes=-999999999999999999999999", 206, CONTENT),
        ("bytes=00000000000000000000002-3", 206, CONTENT[2:4]),
        ("bytes=10000-99999999999999999999999999", 206, CONTENT[10000:]),
        ("bytes=99999999999999999999999999-", 416, b""),
        (f"bytes={'9' * 5000}-", 416, b""),
        ("bytes=-0", 416, b""),
        ("bytes=9-2", 200, CONTENT),
        ("bytes=-", 200, CONTENT),
        ("bytes=0-1,5-6", 200, CONTENT),
        ("bytes=a-b", 200, CONTENT),
        ("lines=0-1", 200, CONTENT),
    ],
)
def test_a_range_is_served_refused_or_ignored(
    address: tuple[str, int], capfd: pytest.CaptureFixture[str], value: str, status: int, body: bytes
) -> None:
    code, received = answer(address, get("/noarch/x.conda", f"Range: {value}"))
    assert (code, received.partition(b"\r\n\r\n")[2]) == (status, body)
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("request_line", "status"),
    [(b"nonsense\r\n\r\n", 400), (b"POST / HTTP/1.1\r\n\r\n", 501), (b"GET / HTTP/9.9\r\n\r\n", 505)],
)
def test_what_is_no_request_is_refused(address: tuple[str, int], request_line: bytes, status: int) -> None:
    assert str(status).encode() in answer_any(address, request_line)


def answer_any(address: tuple[str, int], request: bytes) -> bytes:
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_connection_on_which_nothing_moves_is_closed(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(serve._Handler, "timeout", 0.2)
    for begun in (b"", b"GET /noarch/x.conda HTT", get("/noarch/x.conda").replace(b"close", b"keep-alive")):
        started = time.monotonic()
        with socket.create_connection(address, timeout=10) as connection:
            connection.sendall(begun)
            while connection.recv(65536):
                pass
        assert time.monotonic() - started < 5
    assert "Traceback" not in capfd.readouterr().err


def test_a_client_that_goes_away_leaves_no_trace(
    address: tuple[str, int], capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(20):
        with socket.create_connection(address, timeout=10) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.sendall(get("/noarch/x.conda"))
    assert answer(address, get("/noarch/x.conda"))[0] == 200
    assert "Traceback" not in capfd.readouterr().err


def test_five_hundred_clients_at_once_are_served(address: tuple[str, int]) -> None:
    async def client(every: asyncio.Barrier) -> bytes:
        reader, writer = await asyncio.open_connection(*address)
        # Nobody asks before all are connected.
        await every.wait()
        writer.write(get("/noarch/x.conda"))
        received = await reader.read()
        writer.close()
        return received.partition(b"\r\n\r\n")[2]

    async def clients() -> list[bytes]:
        every = asyncio.Barrier(500)
        return await asyncio.gather(*(client(every) for _ in range(500)))

    assert set(asyncio.run(clients())) == {CONTENT}
