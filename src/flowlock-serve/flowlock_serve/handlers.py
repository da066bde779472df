"""Every error as an answer: refusals, invalid requests, unknown paths, and bugs."""

import logging
import traceback
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from flowlock_core.errors import WorkflowError
from flowlock_core.masking import masked
from flowlock_serve.problem_documents import ServiceError, service_error
from flowlock_serve.runs.run_results import CutOffError

_LOG = logging.getLogger("flowlock_serve")


def add_handlers(app: FastAPI) -> None:
    """Let an application answer errors with our documents."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(WorkflowError, _failed)
    app.add_exception_handler(Exception, _bug)


def _refused(request: Request, error: Exception) -> Response:
    if isinstance(error, ServiceError):
        return error.response()
    if not isinstance(error, HTTPException):
        raise TypeError(f"not an error of a request: {error!r}")
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return _not_allowed(request).response()
    if error.status_code == HTTPStatus.NOT_FOUND:
        hint = "`GET /openapi.json` describes all paths"
        return ServiceError(404, "FL775", "this path does not exist", hint=hint).response()
    return ServiceError(error.status_code, "FL771", str(error.detail)).response()


def _not_allowed(request: Request) -> ServiceError:
    """Return the answer to a wrong method; Starlette would name the methods of one route only."""
    methods: set[str] = set()
    for route in request.app.state.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    allowed = ", ".join(sorted(methods))
    message = f"{request.method} is not possible here"
    return ServiceError(405, "FL776", message, hint=f"use {allowed}", headers={"Allow": allowed})


def _invalid(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise TypeError(f"not an error of a request: {error!r}")
    items = [_item(item) for item in error.errors()]
    return ServiceError(422, "FL771", "the request is not valid", problems=items).response()


def _item(error: dict[str, Any]) -> dict[str, Any]:
    """Return what pydantic found as a problem; the value itself is not repeated."""
    source, *path = error["loc"]
    if source == "body":
        where = ".".join(map(str, path)) or "the body"
    else:
        where = f"{source} {'.'.join(map(str, path))}"
    return {"code": "FL771", "message": f"{where}: {error['msg']}", "path": path}


def _failed(_request: Request, error: Exception) -> Response:
    if not isinstance(error, WorkflowError):
        raise TypeError(f"not an error of a run: {error!r}")
    return service_error(error).response()


def _bug(_request: Request, error: Exception) -> Response:
    # The log of requests says that one was cut off.
    if not isinstance(error, CutOffError):
        _LOG.error("%s", masked("".join(traceback.format_exception(error))))
    message = "this is a bug in flowlock-serve; the log of the service has the details"
    return ServiceError(500, "FL004", message).response()
