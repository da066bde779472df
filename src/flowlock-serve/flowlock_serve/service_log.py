"""What a service writes to stderr: a line for each request and message, as text or JSON, without secrets."""

import json
import logging
import secrets
import sys
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flowlock_core.masking import masked
from flowlock_core.runs.event_lines import json_line, now_text
from flowlock_serve.runs.run_results import CutOffError

_LOG = logging.getLogger("flowlock_serve")
_REQUESTS = _LOG.getChild("requests")
# Clients decide how long these are.
_LONGEST_METHOD, _LONGEST_PATH = 20, 300
_HEADER = b"x-request-id"


class AccessLog:
    """The first that sees a request: it gives each an id, and writes a line when it has been answered.

    Queries, headers and bodies are not written: they may have tokens, cookies and other secrets.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and write how it was answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _SentAnswer()

        async def send_watched(message: Message) -> None:
            await send(answer.with_id(message))

        try:
            await self._app(scope, receive, send_watched)
        except CutOffError as error:
            # The server closes the connection, which tells the client.
            _LOG.warning("the answer to the request %s was cut off: %s", answer.id, error)
        finally:
            _REQUESTS.info("request", extra={"details": answer.details(scope)})


@dataclass(kw_only=True, slots=True)
class _SentAnswer:
    """What was sent to a client so far."""

    id: str = field(default_factory=partial(secrets.token_hex, 8))
    began: float = field(default_factory=monotonic)
    status: int | None = None
    size: int = 0
    is_complete: bool = False

    def with_id(self, message: Message) -> Message:
        """Return a message as it is sent: the head of an answer has the id of its request."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return {**message, "headers": [*message["headers"], (_HEADER, self.id.encode())]}
        self.size += len(message.get("body", b""))
        self.is_complete = not message.get("more_body", False)
        return message

    def details(self, scope: Scope) -> dict[str, Any]:
        """Return what is written about the request and its answer."""
        return {
            "request": self.id,
            "method": masked(scope["method"])[:_LONGEST_METHOD],
            "path": masked(scope["path"])[:_LONGEST_PATH],
            "status": self.status,
            "seconds": round(monotonic() - self.began, 4),
            "bytes": self.size,
            "complete": self.is_complete,
        }


class TextLines(logging.Formatter):
    """Lines for people; what is in a path cannot begin a new one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a request or a message."""
        details = getattr(record, "details", None)
        if details is None:
            return masked(f"{record.levelname.lower()}: {super().format(record)}")
        path = json.dumps(details["path"])[1:-1]
        extent = f"{details['seconds']:.3f} s {details['bytes']} bytes"
        end = "" if details["complete"] else " incomplete"
        return (
            f"{now_text()} {details['method']} {path} {details['status']} {extent} {details['request']}{end}"
        )


class JsonLines(logging.Formatter):
    """One JSON object for each request or message, as `run --log json` writes events."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a request or a message."""
        details = getattr(record, "details", None)
        event = "message" if details is None else "request"
        if details is None:
            details = {"logger": record.name, "message": super().format(record)}
        document = {"time": now_text(), "level": record.levelname.lower(), "event": event, **details}
        return json_line(document).rstrip("\n")


def log_to_stderr(*, as_json: bool, quiet: bool) -> None:
    """Write messages to stderr from now on, and a line for each request unless `quiet`."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if as_json else TextLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    _REQUESTS.setLevel(logging.WARNING if quiet else logging.INFO)


def announce(command: str, address: str, *, as_json: bool) -> None:
    """Write where the service is; the address may have the token of this start, which nothing else shows."""
    text = f"{command} is served at {address}\n"
    if as_json:
        document = {"time": now_text(), "level": "info", "event": "service started", "address": address}
        text = json.dumps(document) + "\n"
    sys.stderr.write(text)
    sys.stderr.flush()
