"""A proxy before any server that breaks exchanges as networks and services do: by name, with a fixed seed."""

import http.client
import random
import socket
import struct
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock
from urllib.parse import urlsplit

from servers.loopback import Handler, serve


class Fault(StrEnum):
    RESET = "reset"
    TRUNCATED = "truncated body"
    SERVER_ERROR = "5xx"
    TOO_MANY = "429"
    SLOW = "slow answer"
    DUPLICATE = "duplicate success"


@dataclass(kw_only=True)
class Storm:
    """How often faults happen, and a count of those that did; the seed fixes their order."""

    seed: int
    rate: float
    slow: float = 0.6
    kinds: tuple[Fault, ...] = tuple(Fault)
    happened: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def next(self, method: str) -> Fault | None:
        with self.lock:
            self.requests += 1
            if self._random.random() >= self.rate:
                return None
            # Only uploads can succeed twice, and they are few beside the questions.
            weights = [
                (3 if method in {"POST", "PUT"} else 0) if k is Fault.DUPLICATE else 1 for k in self.kinds
            ]
            fault = self._random.choices(self.kinds, weights)[0]
            self.happened[fault] += 1
            return fault


@dataclass(kw_only=True)
class DealtStorm(Storm):
    """A storm in which each fault happens once in so many requests, whatever order threads send them in.

    Each `period` requests have every kind of fault once, at places that the seed shuffles. So the least
    number of faults follows from the least number of requests, and not from luck.
    """

    rate: float = 0.0
    period: int
    dealt: list[Fault | None] = field(default_factory=list)

    def next(self, method: str) -> Fault | None:
        with self.lock:
            self.requests += 1
            if not self.dealt:
                self.dealt = [*self.kinds, *[None] * (self.period - len(self.kinds))]
                self._random.shuffle(self.dealt)
            fault = self.dealt.pop()
            if fault is not None:
                self.happened[fault] += 1
            return fault


@contextmanager
def proxy(upstream: str, storm: Storm) -> Iterator[str]:  # noqa: C901 - one handler, one branch a fault
    """Serve what upstream serves, through the storm."""
    address = urlsplit(upstream)

    class Proxy(Handler):
        def handle_any(self) -> None:
            body_length = int(self.headers.get("content-length") or 0)
            fault = storm.next(self.command)
            if fault is Fault.RESET:
                self.rfile.read(body_length // 2)
                return self._reset()
            body = self.rfile.read(body_length)
            if fault is Fault.SERVER_ERROR:
                return self._send(503, [], b"upstream is away")
            if fault is Fault.TOO_MANY:
                return self._send(429, [("Retry-After", "0")], b"slow down")
            status, headers, data = self._forward(body)
            if fault is Fault.DUPLICATE:
                return self._send(502, [], b"the answer was lost on its way")
            if fault is Fault.SLOW:
                time.sleep(storm.slow)
            if fault is Fault.TRUNCATED:
                self._send(status, headers, data, cut=True)
                return self._reset()
            return self._send(status, headers, data)

        def _forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            upstream_connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
            headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            try:
                upstream_connection.request(self.command, self.path, body or None, headers)
                answer = upstream_connection.getresponse()
                data = answer.read()
                dropped = {"connection", "transfer-encoding", "content-length", "date", "server"}
                kept = [(n, v) for n, v in answer.getheaders() if n.lower() not in dropped]
                return answer.status, kept, data
            finally:
                upstream_connection.close()

        def _send(
            self, status: int, headers: list[tuple[str, str]], data: bytes, *, cut: bool = False
        ) -> None:
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data) + (64 if cut else 0)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data[: len(data) // 2] if cut else data)

        def _reset(self) -> None:
            """Close with a reset instead of a farewell."""
            self.close_connection = True
            self.wfile.flush()
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

        def finish(self) -> None:
            try:
                super().finish()
            except (OSError, ValueError):
                return

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = handle_any

    with serve(Proxy) as url:
        yield url
