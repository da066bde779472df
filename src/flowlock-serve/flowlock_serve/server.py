"""uvicorn as we need it: slow clients are dropped, and a signal ends the service in order."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from flowlock_core.errors import WorkflowError
from flowlock_serve.settings import RequestLimits

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_KEEP_ALIVE_SECONDS = 15
# Requests that are being answered have so long when the service is stopped.
_SECONDS_TO_FINISH = 5
_LARGEST_HEAD = 32_768


class PatientProtocol(H11Protocol):
    """A connection with a time limit for the head of a request, and for reading an answer."""

    limits = RequestLimits()
    _limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Expect the head of a request."""
        # The transport of a stream, as uvicorn expects it.
        super().connection_made(cast("asyncio.Transport", transport))
        self._expect(self.limits.head_seconds)

    def data_received(self, data: bytes) -> None:
        """Expect nothing more if the head is complete: the body has its own limit."""
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:
            self._expect(None)

    def on_response_complete(self) -> None:
        """Expect the head of another request."""
        super().on_response_complete()
        if self.cycle.response_complete:
            self._expect(self.limits.head_seconds + _KEEP_ALIVE_SECONDS)

    def pause_writing(self) -> None:
        """Expect that the client reads on."""
        super().pause_writing()
        self._expect(self.limits.stall_seconds)

    def resume_writing(self) -> None:
        """Expect nothing more: the client has read on."""
        super().resume_writing()
        self._expect(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing more."""
        super().connection_lost(exc)
        self._expect(None)

    def _expect(self, seconds: float | None) -> None:
        """Close the connection after a time, unless something else is expected before."""
        if self._limit is not None:
            self._limit.cancel()
        self._limit = None if seconds is None else self.loop.call_later(seconds, self.transport.abort)


class SignalledServer(uvicorn.Server):
    """A server that tells at once that it is being stopped, and which signal did that."""

    def __init__(self, config: uvicorn.Config, stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self.signal: int | None = None
        self._stopping = stopping

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals while serving; the caller turns them into an exit code."""
        before = {number: signal.signal(number, self.handle_exit) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; event streams end, so that their connections can be closed."""
        self.signal = self.signal or sig
        self._stopping()
        super().handle_exit(sig, frame)


def bound_socket(host: str, port: int) -> socket.socket:
    """Return a socket that listens; a WorkflowError if the address cannot be used."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=1_024)
        # Connections inherit it; otherwise answers would wait for clients that delay acknowledgements.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        # `create_server` adds the address to the words of the system.
        reason = str(error) if error.errno is None else os.strerror(error.errno)
        raise WorkflowError(
            f"cannot listen on {host} port {port}: {reason}",
            code="FL780",
            hint="choose another port with --port, or 0 for a free one",
        ) from error
    return listening


def serve(
    app: ASGIApp, listening: socket.socket, limits: RequestLimits, stopping: Callable[[], None]
) -> int | None:
    """Serve until a signal arrives; return it."""
    options: dict[str, Any] = {
        "http": type("LimitedProtocol", (PatientProtocol,), {"limits": limits}),
        "ws": "none",
        "lifespan": "off",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "limit_concurrency": limits.connections,
        "timeout_keep_alive": _KEEP_ALIVE_SECONDS,
        "timeout_graceful_shutdown": _SECONDS_TO_FINISH,
        "h11_max_incomplete_event_size": _LARGEST_HEAD,
    }
    server = SignalledServer(uvicorn.Config(app, **options), stopping)
    server.run(sockets=[listening])
    return server.signal
