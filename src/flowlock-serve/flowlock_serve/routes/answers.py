"""What the description of the API says about the refusals that routes have in common."""

from http import HTTPStatus
from typing import Any

from flowlock_serve.documents import RefusalDocument
from flowlock_serve.problem_documents import MEDIA_TYPE

_MEANINGS = {
    400: "The body cannot be read as JSON.",
    401: "The request has neither the token nor a cookie.",
    403: "The request comes from a page of another site.",
    404: "This does not exist.",
    405: "The path does not have this method.",
    408: "The body has not arrived in time.",
    409: "The state of the run, or an earlier request with the same key, does not allow it.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    416: "The file does not have these bytes.",
    421: "The service does not have this host name.",
    422: "Something in the request is not valid; `problems` has all of it.",
    429: "Too many runs wait; Retry-After has the seconds until another attempt.",
    503: "The service is being stopped, or answers too many requests.",
}
# Of every route, and of those with a body.
_COMMON = (401, 403, 405, 421, 503)
_OF_BODIES = (400, 408, 413, 415, 422)


def refusals(*statuses: int, body: bool = False, public: bool = False) -> dict[int | str, dict[str, Any]]:
    """Return the description of a route's refusals, its own and the common ones."""
    chosen = set(_COMMON)
    if public:
        chosen.remove(HTTPStatus.UNAUTHORIZED)
    chosen.update(statuses)
    if body:
        chosen.update(_OF_BODIES)
    return {status: _refusal(status) for status in sorted(chosen)}


def _refusal(status: int) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{RefusalDocument.__name__}"}
    return {"description": _MEANINGS[status], "content": {MEDIA_TYPE: {"schema": schema}}}
