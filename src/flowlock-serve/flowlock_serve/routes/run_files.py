"""The files of a run: what it printed, and its results."""

import os
from mimetypes import guess_type
from typing import Annotated

from fastapi import APIRouter, Header, Response
from fastapi.responses import StreamingResponse

from flowlock_core.masking import masked
from flowlock_serve.bounded_route import BoundedRoute
from flowlock_serve.byte_ranges import ByteRange, RangeError, range_of
from flowlock_serve.problem_documents import ServiceError
from flowlock_serve.routes.answers import refusals
from flowlock_serve.runs.run_results import ResultFile
from flowlock_serve.service import RUN_PATH, RunId, UsedService

router = APIRouter(route_class=BoundedRoute, tags=["files"])
_LONGEST_OUTPUT = 1_000_000
_ANY = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
_TEXT = "text/plain; charset=utf-8"
# A page that a run has made has no access to the service: it has no origin. Its policy allows its scripts.
_SANDBOX = "sandbox allow-scripts allow-downloads allow-modals allow-popups; frame-ancestors 'self'"
_SHOWN = frozenset(
    ("text/html", "image/svg+xml", "image/png", "image/jpeg", "application/json", "text/plain")
)


@router.get(
    f"{RUN_PATH}/logs",
    response_class=Response,
    responses=refusals(404) | {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def logs(run: RunId, service: UsedService) -> Response:
    """Return what the process of a run has printed; of a long text, the end."""
    files = service.runs.files_of(service.runs.get(run).id)
    try:
        with files.output.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - _LONGEST_OUTPUT))
            data = stream.read(_LONGEST_OUTPUT)
    except FileNotFoundError:
        # It has not started yet.
        data = b""
    return Response(masked(data.decode("utf-8", "replace")), media_type=_TEXT)


@router.get(
    RUN_PATH + "/results/{path:path}",
    response_class=Response,
    responses=refusals(404, 409, 416)
    | {200: {"content": _ANY}, 206: {"description": "A part.", "content": _ANY}},
)
def result(
    run: RunId,
    path: str,
    service: UsedService,
    range_header: Annotated[str | None, Header(alias="range")] = None,
) -> Response:
    """Return a file of the results, or a range of its bytes."""
    file = service.runs.results.open(service.runs.get(run).id, path)
    try:
        part = range_of(range_header, file.size)
    except RangeError as error:
        file.close()
        headers = {"Content-Range": f"bytes */{file.size}"}
        raise ServiceError(416, "FL775", str(error), headers=headers) from error
    return _answer(file, part, path)


def _answer(file: ResultFile, part: ByteRange | None, path: str) -> Response:
    media = guess_type(path)[0] or "application/octet-stream"
    chosen = part or ByteRange(start=0, end=file.size)
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Length": str(chosen.end - chosen.start),
        "Content-Security-Policy": _SANDBOX,
        "Content-Disposition": "inline" if media in _SHOWN else "attachment",
    }
    if part is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{file.size}"
    return StreamingResponse(
        file.pieces(chosen),
        200 if part is None else 206,
        headers=headers,
        media_type=media,
    )
