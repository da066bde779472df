"""A threaded HTTP server on a free port of loopback, made of one function from request to response."""

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from ssl import SSLContext
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from flowlock.edges.local_server import QuietHandler


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    target: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    media: str = "application/json"


def as_json(status: int, document: Any, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=status, body=json.dumps(document).encode(), headers=named)


def multipart(request: Request, known: set[str]) -> dict[str, tuple[dict[str, str], bytes]]:
    """Return the headers and contents of a form's parts by name; a ValueError says what is wrong with it."""
    boundary = re.fullmatch(r"multipart/form-data; boundary=(\S+)", request.headers["content-type"])
    if not boundary:
        raise ValueError("not multipart/form-data")
    mark = b"--" + boundary[1].encode()
    head, *middle, end = (b"\r\n" + request.body).split(b"\r\n" + mark)
    if head or end.strip() != b"--":
        raise ValueError("malformed multipart body")
    found = {}
    for part in middle:
        text, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        headers = {
            name.lower(): value
            for name, _, value in (line.partition(": ") for line in text.decode().split("\r\n"))
        }
        name = re.search(r'\bname="([^"]+)"', headers["content-disposition"])
        if not name or name[1] in found or name[1] not in known:
            raise ValueError("an unexpected part")
        found[name[1]] = (headers, content)
    return found


class Handler(QuietHandler):
    protocol_version = "HTTP/1.1"
    answer: Callable[[Request], Response]
    disable_nagle_algorithm = True

    def handle_any(self) -> None:
        parts = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=unquote(parts.path),
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(self.headers.get("content-length") or 0)),
            target=self.path,
        )
        response = type(self).answer(request)
        self.send_response(response.status)
        for name, value in {"Content-Type": response.media, **response.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = handle_any


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet about clients that went away: that is what these tests are about."""


@contextmanager
def serve(
    handler: type[BaseHTTPRequestHandler], *, tls: SSLContext | None = None, port: int = 0
) -> Iterator[str]:
    """Serve until the block ends; yield the URL."""
    server = Server(("127.0.0.1", port), handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def answering(
    answer: Callable[[Request], Response], *, tls: SSLContext | None = None, port: int = 0
) -> Iterator[str]:
    """Serve a function; without a port, on one that is free."""
    handler = type("Answering", (Handler,), {"answer": staticmethod(answer)})
    with serve(handler, tls=tls, port=port) as url:
        yield url


@contextmanager
def serving_folder(folder: Path) -> Iterator[str]:
    """Serve the files of a folder."""

    media = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}

    def answer(request: Request) -> Response:
        file = folder / request.path.lstrip("/")
        if not file.is_file():
            return Response(status=404)
        kind = media.get(file.suffix, "application/octet-stream")
        return Response(status=200, body=file.read_bytes(), media=kind)

    with answering(answer) as url:
        yield url
