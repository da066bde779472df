"""Errors as RFC 9457 documents with our codes: what every refused request is answered with."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import HTTPException
from fastapi.responses import JSONResponse

from flowlock_core.errors import WorkflowError
from flowlock_core.masking import masked_document
from flowlock_serve.runs.refusals import RunRefusedError

MEDIA_TYPE = "application/problem+json"


class ServiceError(HTTPException):
    """A request that is refused: its status, and a document that says why; `problems` have paths."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        hint: str | None = None,
        problems: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, message, dict(headers or {}))
        self.code = code
        self.hint = hint
        self.problems = list(problems)

    def response(self) -> JSONResponse:
        """Return the answer."""
        document = {
            "type": "about:blank",
            "title": HTTPStatus(self.status_code).phrase,
            "status": self.status_code,
            "detail": self.detail,
            "code": self.code,
            "hint": self.hint,
            "problems": self.problems,
        }
        return JSONResponse(
            masked_document(document),
            self.status_code,
            headers={**(self.headers or {}), "Cache-Control": "no-store"},
            media_type=MEDIA_TYPE,
        )


def service_error(error: WorkflowError) -> ServiceError:
    """Return the answer to a request that failed with an error of a run."""
    (problem, *_) = error.problems
    status, headers = HTTPStatus.INTERNAL_SERVER_ERROR.value, {}
    if isinstance(error, RunRefusedError):
        status = error.status
        if error.retry_after is not None:
            headers = {"Retry-After": str(error.retry_after)}
    return ServiceError(status, problem.code, error.message, hint=problem.hint, headers=headers)
