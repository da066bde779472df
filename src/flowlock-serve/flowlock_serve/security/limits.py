"""Bounds of requests: how large a body is, how long it takes, and how many requests there are at a time."""

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flowlock_serve.problem_documents import ServiceError
from flowlock_serve.settings import RequestLimits

# How many times the largest body is read and discarded.
_DISCARDED = 10


class Limits:
    """Refuses what exceeds the limits, before a route sees it."""

    def __init__(self, app: ASGIApp, limits: RequestLimits) -> None:
        self._app = app
        self._limits = limits
        self._requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its whole body, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._requests >= self._limits.requests:
            await self._busy().response()(scope, receive, send)
            return
        self._requests += 1
        try:
            await self._within(scope, receive, send)
        finally:
            self._requests -= 1

    async def _within(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                body = await self._body(scope, receive)
        except TimeoutError:
            await self._slow().response()(scope, receive, send)
            return
        except ServiceError as refusal:
            await refusal.response()(scope, receive, send)
            return
        await self._app(scope, _received(body, receive), send)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and int(length) > _DISCARDED * self._limits.body:
            raise self._large()
        body = bytearray()
        discarded = 0
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            # A client that is still sending would not read the answer: the rest is read, but not kept.
            if len(body) > self._limits.body or discarded:
                discarded += len(body)
                body.clear()
            if discarded > _DISCARDED * self._limits.body:
                raise self._large()
            more = message.get("more_body", False)
        if discarded:
            raise self._large()
        return bytes(body)

    def _large(self) -> ServiceError:
        message = f"the body has more than {self._limits.body:,} bytes"
        return ServiceError(413, "FL774", message, hint="send less", headers={"Connection": "close"})

    def _slow(self) -> ServiceError:
        message = f"the body has not arrived within {self._limits.body_seconds:g} s"
        return ServiceError(408, "FL774", message, headers={"Connection": "close"})

    def _busy(self) -> ServiceError:
        return ServiceError(
            503,
            "FL779",
            f"the service is answering {self._limits.requests} requests, which is the maximum",
            hint="send the request again later",
            headers={"Retry-After": "1"},
        )


def _received(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives a body that has been read, and then what follows it."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_body() -> Message:
        return messages.pop() if messages else await receive()

    return receive_body
