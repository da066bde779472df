"""The local channel over HTTP on this machine, for clients that take no folder."""

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from flowlock.errors import FlowlockError, from_os_error
from flowlock.report.reporter import Progress

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def serve(channel: Path, *, port: int, progress: Progress) -> None:
    """Serve until interrupted."""
    with _server(channel, port) as server:
        progress.note(f"serving {_url(server)} (Ctrl-C ends it)")
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
            yield _url(server)
        finally:
            server.shutdown()
            thread.join()


def _server(channel: Path, port: int) -> ThreadingHTTPServer:
    class Handler(_Handler):
        root = channel

    try:
        return ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except OSError as error:
        raise _cannot_listen(error, port) from error


def _cannot_listen(error: OSError, port: int) -> FlowlockError:
    place = f"127.0.0.1:{port}"
    if error.errno != errno.EADDRINUSE:
        return from_os_error(error, "listen on", place)
    return FlowlockError(
        f"something else listens on {place}", code="FL606", hint="`--port 0` takes a free port"
    )


def _url(server: ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}"


class _Handler(SimpleHTTPRequestHandler):
    """Files of the channel and nothing else, whole or one range of them (RFC 9110, 14)."""

    root: Path
    protocol_version = "HTTP/1.1"
    _part: range | None = None

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments, directory=os.fspath(self.root))

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the base class's name
        """Log nothing: stderr belongs to the command."""

    def list_directory(self, path: Any) -> None:
        """List nothing: a channel's index is its repodata."""
        del path
        self.send_error(HTTPStatus.NOT_FOUND)

    def send_head(self) -> Any:
        """Send the headers of a file, of one range of it, or what is wrong with that range."""
        self._part = None
        asked = _RANGE.fullmatch(self.headers.get("Range", ""))
        path = Path(self.translate_path(self.path))
        if asked is None or not any(asked.groups()) or not path.is_file():
            return super().send_head()
        size = path.stat().st_size
        part = _part(asked, size)
        if not part:
            self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        self._part = part
        self.send_response(HTTPStatus.PARTIAL_CONTENT)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Range", f"bytes {part.start}-{part.stop - 1}/{size}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        return path.open("rb")

    def end_headers(self) -> None:
        """Say that ranges are served."""
        self.send_header("Accept-Ranges", "bytes")
        super().end_headers()

    def copyfile(self, source: Any, outputfile: Any) -> None:
        """Send the file, or the range that was asked for."""
        if self._part is None:
            shutil.copyfileobj(source, outputfile)
            return
        source.seek(self._part.start)
        outputfile.write(source.read(len(self._part)))


def _part(asked: re.Match[str], size: int) -> range:
    """Return the bytes that a range means: from, from-to, or the last so many."""
    first, last = asked.groups()
    if not first:
        return range(max(0, size - int(last)), size)
    return range(int(first), min(int(last) + 1 if last else size, size))
