"""HTTP servers for this machine alone: what they listen on, and what they keep quiet about."""

import errno
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from flowlock.errors import FlowlockError, from_os_error

ADDRESS = "127.0.0.1"


class QuietHandler(BaseHTTPRequestHandler):
    """A handler that logs nothing."""

    def log_message(self, *_: object) -> None:
        """Log nothing: stderr belongs to the command."""


class LocalServer(ThreadingHTTPServer):
    """A server on the loopback address; a FlowlockError if the port is taken. Port 0 takes a free one."""

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        try:
            super().__init__((ADDRESS, port), handler)
        except OSError as error:
            raise _cannot_listen(error, port) from error

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{ADDRESS}:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnected or stopped reading; any other error is a bug."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


def _cannot_listen(error: OSError, port: int) -> FlowlockError:
    place = f"{ADDRESS}:{port}"
    if error.errno != errno.EADDRINUSE:
        return from_os_error(error, "listen on", place)
    return FlowlockError(
        f"another process is listening on {place}", code="FL606", hint="`--port 0` selects a free port"
    )
