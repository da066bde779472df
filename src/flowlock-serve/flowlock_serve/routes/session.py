"""The session of a browser: the token is exchanged for a cookie that scripts cannot read."""

from fastapi import APIRouter, Response

from flowlock_serve.bounded_route import BoundedRoute
from flowlock_serve.documents import TokenRequest
from flowlock_serve.problem_documents import ServiceError
from flowlock_serve.routes.answers import refusals
from flowlock_serve.service import UsedService

router = APIRouter(route_class=BoundedRoute, tags=["session"])


@router.post("/session", status_code=204, response_class=Response, responses=refusals(401, body=True))
def exchange(request: TokenRequest, service: UsedService) -> Response:
    """Exchange the token of this start for a cookie; the same token can be exchanged once."""
    cookie = service.sessions.exchange(request.token)
    if cookie is None:
        raise ServiceError(
            401,
            "FL772",
            "this is not the token of the service, or it was exchanged before",
            hint="start the service again for a new token",
            headers={"WWW-Authenticate": "Bearer"},
        )
    access = service.sessions.settings
    response = Response(status_code=204)
    response.set_cookie(access.cookie, cookie, httponly=True, samesite="strict", secure=access.secure)
    return response
