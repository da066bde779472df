"""A relay of connections to a server on loopback, which can cut all of them, as networks do."""

import socket
import socketserver
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Lock, Thread


@dataclass(kw_only=True)
class Relay:
    """Where the relay listens, where it connects to, and the connections that are open.

    While it is `refusing`, new connections are closed at once. After `limit` bytes to the server, `stalled`
    is set, and the server gets nothing more.
    """

    address: str
    target: tuple[str, int] = ("127.0.0.1", 0)
    refusing: bool = False
    connections: list[socket.socket] = field(default_factory=list)
    limit: int | None = None
    sent: int = 0
    stalled: Event = field(default_factory=Event)
    lock: Lock = field(default_factory=Lock)

    def admitted(self, data: bytes) -> bytes:
        """Return what the server still gets of this."""
        with self.lock:
            passed = data if self.limit is None else data[: self.limit - self.sent]
            self.sent += len(passed)
            if self.sent == self.limit:
                self.stalled.set()
            return passed

    def cut(self) -> None:
        """End every connection; new ones are relayed again."""
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def relay() -> Iterator[Relay]:
    """Listen on a free port; set `target` before the first connection."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            if running.refusing:
                return
            with socket.create_connection(running.target) as onward:
                running.connections += [self.request, onward]
                back = Thread(target=_pump, args=(onward, self.request, bytes))
                back.start()
                _pump(self.request, onward, running.admitted)
                back.join()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        running = Relay(address=f"127.0.0.1:{server.server_address[1]}")
        listening = Thread(target=server.serve_forever)
        listening.start()
        try:
            yield running
        finally:
            running.cut()
            server.shutdown()
            listening.join()


def _pump(source: socket.socket, sink: socket.socket, admitted: Callable[[bytes], bytes]) -> None:
    """Pass on what one side sends, until either has ended."""
    with suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(admitted(data))
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
