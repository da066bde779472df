"""The page, and what it loads."""

from importlib.resources import files
from typing import Annotated

from fastapi import APIRouter, Header, Response
from fastapi.responses import JSONResponse

from flowlock_serve.problem_documents import ServiceError
from flowlock_serve.routes.answers import refusals

router = APIRouter(tags=["page"])
_MEDIA = {"index.html": "text/html; charset=utf-8", "app.js": "text/javascript", "app.css": "text/css"}
_HTML = {"text/html": {"schema": {"type": "string"}}}
_JSON = {"application/json": {"schema": {"type": "object"}}}


@router.get("/", response_class=Response, responses=refusals(public=True) | {200: {"content": _HTML | _JSON}})
def page(accept: Annotated[str, Header()] = "") -> Response:
    """Return the page to a browser, and the state of the service to a program."""
    if "text/html" in accept:
        return _asset("index.html")
    return JSONResponse({"status": "ok"})


@router.get(
    "/page/{name}",
    response_class=Response,
    responses=refusals(404, public=True) | {200: {"content": {"text/*": {"schema": {"type": "string"}}}}},
)
def asset(name: str) -> Response:
    """Return a script or a style of the page."""
    return _asset(name)


def _asset(name: str) -> Response:
    file = files("flowlock_serve") / "page" / name
    if name not in _MEDIA or not file.is_file():
        raise ServiceError(404, "FL775", "the page does not have this file")
    # A newer version of the package has another page at the same address.
    headers = {"Cache-Control": "no-cache"}
    return Response(file.read_bytes(), media_type=_MEDIA[name], headers=headers)
