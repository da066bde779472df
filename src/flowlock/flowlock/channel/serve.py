"""The local channel over HTTP on this machine, for clients that take no folder."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from threading import Thread
from typing import Any

from flowlock.edges.local_server import LocalServer, QuietHandler
from flowlock.report.reporter import Progress

_RANGE = re.compile(r"bytes=([0-9]*)-([0-9]*)")
# As many as the size of a file may have.
DIGITS = 18
BLOCK = 2**20
# Seconds after which a connection on which nothing moves is closed.
IDLE = 30
# Connections that wait to be accepted: clients open many at once, and try again late when one is dropped.
WAITING = 1024


def serve(channel: Path, *, port: int, progress: Progress) -> None:
    """Serve until interrupted."""
    with _server(channel, port) as server:
        progress.note(f"serving {server.url} (Ctrl-C to stop)")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            progress.note("stopped")


@contextmanager
def serving(channel: Path, *, port: int = 0) -> Iterator[str]:
    """Serve beside the block, and yield the channel's URL; port 0 takes a free one."""
    with _server(channel, port) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server.url
        finally:
            server.shutdown()
            thread.join()


def _server(channel: Path, port: int) -> LocalServer:
    class Handler(_Handler):
        root = channel

    return _Server(port, Handler)


class _Server(LocalServer):
    request_queue_size = WAITING


class _Handler(QuietHandler, SimpleHTTPRequestHandler):
    """Files of the channel and nothing else, whole or one range of them (RFC 9110, 14)."""

    root: Path
    protocol_version = "HTTP/1.1"
    timeout = IDLE
    _part: range | None = None

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments, directory=os.fspath(self.root))

    def send_head(self) -> Any:
        """Send the headers of a file, of one range of it, or the problems of the request."""
        self._part = None
        path = self._file()
        if path is None:
            return None
        requested = _RANGE.fullmatch(self.headers.get("Range", ""))
        if requested is None or not any(requested.groups()):
            return super().send_head()
        try:
            stream = path.open("rb")
        except OSError:
            # Another generation of the channel took the place of this one just now.
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        size = os.fstat(stream.fileno()).st_size
        part = _part(requested, size)
        if not part:
            stream.close()
            return super().send_head() if part is None else self._send_unsatisfiable(size)
        self._part = part
        self.send_response(HTTPStatus.PARTIAL_CONTENT)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Range", f"bytes {part.start}-{part.stop - 1}/{size}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        return stream

    def _file(self) -> Path | None:
        """Return the file that is meant; None if the request was answered with an error.

        Folders are not listed: a channel's index is its repodata.
        """
        try:
            path = Path(self.translate_path(self.path))
            # A zero byte, or half of a surrogate pair: no file can have that name.
            malformed = "\0" in str(path) or not os.fsencode(path)
            exists = not malformed and path.is_file()
        except UnicodeEncodeError:
            malformed = True
        except OSError:
            malformed = exists = False
        if malformed:
            self.send_error(HTTPStatus.BAD_REQUEST)
        elif exists:
            return path
        else:
            self.send_error(HTTPStatus.NOT_FOUND)
        return None

    def _send_unsatisfiable(self, size: int) -> None:
        self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
        self.send_header("Content-Range", f"bytes */{size}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def end_headers(self) -> None:
        """Send the headers, with that of range requests."""
        self.send_header("Accept-Ranges", "bytes")
        super().end_headers()

    def copyfile(self, source: Any, outputfile: Any) -> None:
        """Send the file, or the requested range."""
        if self._part is None:
            shutil.copyfileobj(source, outputfile)
            return
        source.seek(self._part.start)
        left = len(self._part)
        while left and (block := source.read(min(left, BLOCK))):
            outputfile.write(block)
            left -= len(block)


def _part(requested: re.Match[str], size: int) -> range | None:
    """Return the bytes of a range: from, from-to, or a number of last bytes.

    None if it ends before it begins: the range counts as none (RFC 9110, 14.1.1).
    """
    first, last = requested.groups()
    if not first:
        return range(max(0, size - _number(last)), size)
    if last and _number(last) < _number(first):
        return None
    return range(_number(first), min(_number(last) + 1 if last else size, size))


def _number(digits: str) -> int:
    """Return a number, or one beyond every size for more digits than a size has."""
    digits = digits.lstrip("0") or "0"
    return int(digits) if len(digits) <= DIGITS else 10**DIGITS
