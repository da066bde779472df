"""The page of a preview: a frame with the last good dashboard, and what became of the last edit."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler
from importlib.resources import files
from io import BytesIO
from threading import Condition, Thread

from flowlock.edges.local_server import ADDRESS, LocalServer, QuietHandler

# Seconds after which a silent connection gets what is shown once more, to find out whether it is still open.
SILENCE = 10
_ASSETS = {
    "": ("frame.html", "text/html; charset=utf-8"),
    "frame.js": ("frame.js", "text/javascript; charset=utf-8"),
    "frame.css": ("frame.css", "text/css; charset=utf-8"),
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src 'self'; "
    "img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """What the page shows: `state` is running, ready or failed, `dashboard` the number of the last good one.

    `text` has the problems of the last edit.
    """

    title: str
    state: str = "running"
    dashboard: int = 0
    text: str = ""
    seconds: float = 0.0

    def as_json(self) -> str:
        """Return it on one line."""
        names = ("title", "state", "dashboard", "text", "seconds")
        return json.dumps({name: getattr(self, name) for name in names})


class Preview:
    """What is shown now; several threads wait for what comes next."""

    def __init__(self, title: str) -> None:
        self._condition = Condition()
        self._shown = Shown(title=title)
        self._number = 0
        self._html = b""
        self._open = True

    @property
    def html(self) -> bytes:
        """The last good dashboard, empty before the first."""
        return self._html

    def show(self, *, state: str, text: str = "", seconds: float = 0.0, html: bytes | None = None) -> None:
        """Show what became of an edit; without a dashboard, the last one stays."""
        with self._condition:
            dashboard = self._shown.dashboard
            if html is not None and html != self._html:
                self._html = html
                dashboard += 1
            self._shown = replace(
                self._shown, state=state, text=text, seconds=round(seconds, 3), dashboard=dashboard
            )
            self._number += 1
            self._condition.notify_all()

    def close(self) -> None:
        """Let all who wait go."""
        with self._condition:
            self._open = False
            self._condition.notify_all()

    def after(self, number: int) -> tuple[int, str] | None:
        """Return what is shown with its number, once that is another one; the same after a while.

        None if the preview has ended.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._number != number or not self._open, timeout=SILENCE)
            return (self._number, self._shown.as_json()) if self._open else None


@contextmanager
def serving(preview: Preview, *, port: int) -> Iterator[str]:
    """Serve beside the block, and yield the URL; port 0 takes a free one.

    The URL has a secret, since other users of the machine can reach the port.
    """
    secret = secrets.token_urlsafe(16)

    class PageAnswers(_PageHandler):
        shown = preview
        prefix = f"/{secret}/"

    with _PreviewServer(port, PageAnswers) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"{server.url}/{secret}/"
        finally:
            preview.close()
            server.shutdown()
            thread.join()


class _PreviewServer(LocalServer):
    daemon_threads = True
    # Threads that send events end with their pages.
    block_on_close = False


class _PageHandler(QuietHandler, SimpleHTTPRequestHandler):
    """What the page asks for; all others do not know the secret, or come by another name."""

    shown: Preview
    prefix: str

    def send_head(self) -> BytesIO | None:
        """Send the headers of an answer and return its body; None if it was sent too."""
        host = self.headers.get("Host", "").partition(":")[0]
        path = self.path.partition("?")[0]
        known = secrets.compare_digest(path[: len(self.prefix)].encode(), self.prefix.encode())
        name = path[len(self.prefix) :]
        if host == ADDRESS and known and name == "events":
            self._events()
            return None
        if host == ADDRESS and known and name == "dashboard.html":
            return self._body(self.shown.html, "text/html; charset=utf-8")
        if host == ADDRESS and known and name in _ASSETS:
            file, media = _ASSETS[name]
            body = files("flowlock.preview").joinpath(file).read_bytes()
            return self._body(body, media, policy=_POLICY)
        self.send_error(HTTPStatus.NOT_FOUND)
        return None

    def _body(self, body: bytes, media: str, *, policy: str = "") -> BytesIO:
        headers = {
            "Content-Type": media,
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        }
        # A dashboard has its own.
        if policy:
            headers["Content-Security-Policy"] = policy
        self.send_response(HTTPStatus.OK)
        for header, value in headers.items():
            self.send_header(header, value)
        self.end_headers()
        return BytesIO(body)

    def _events(self) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        number = -1
        while self.command == "GET" and (shown := self.shown.after(number)) is not None:
            number, document = shown
            self.wfile.write(f"data: {document}\n\n".encode())
            self.wfile.flush()
