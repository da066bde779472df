"""Routes whose JSON bodies are read by the bounded reader of the run time, which places each fault."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from flowlock_core.documents.json_text import read_json
from flowlock_core.documents.nodes import Fault, value_of
from flowlock_serve.problem_documents import ServiceError

_BODY = "the request"
JSON_MEDIA = "application/json"


class BoundedRequest(Request):
    """A request whose body is JSON of a bounded depth and size, without repeated keys."""

    async def json(self) -> Any:
        """Return the values of the body; a ServiceError names its first fault."""
        data = await self.body()
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ServiceError(
                400, "FL771", f"the body is not in UTF-8: {error.reason}", hint="send JSON in UTF-8"
            ) from error
        tree = read_json(text, _BODY)
        if tree.faults:
            raise _unreadable(tree.faults[-1])
        return value_of(tree.root)


class BoundedRoute(APIRoute):
    """A route that reads its body as a BoundedRequest."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler."""
        handle = super().get_route_handler()

        async def handle_bounded(request: Request) -> Response:
            bounded = BoundedRequest(request.scope, request.receive)
            if self.body_field is not None and not _is_json(request) and await bounded.body():
                raise ServiceError(415, "FL771", "the body is not JSON", hint=f"send it as {JSON_MEDIA}")
            return await handle(bounded)

        return handle_bounded


def _is_json(request: Request) -> bool:
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media == JSON_MEDIA or (media.startswith("application/") and media.endswith("+json"))


def _unreadable(fault: Fault) -> ServiceError:
    place = f"line {fault.location.line}, column {fault.location.column}"
    return ServiceError(400, "FL771", f"the body cannot be read: {place}: {fault.message}", hint=fault.hint)
