"""The application of a workflow's service, assembled of its routes."""

from fastapi import FastAPI
from starlette.types import ASGIApp

from flowlock_serve.description import DescribedAPI
from flowlock_serve.handlers import add_handlers
from flowlock_serve.routes import events, operation, pages, run_files, runs, session, workflow, wt
from flowlock_serve.security.guard import Guard
from flowlock_serve.security.limits import Limits
from flowlock_serve.service import Service
from flowlock_serve.service_log import AccessLog

ROUTERS = (
    workflow.router,
    runs.router,
    events.router,
    run_files.router,
    session.router,
    operation.router,
    pages.router,
    wt.router,
)


def application(service: Service) -> ASGIApp:
    """Return the application that serves a workflow, behind its log and its guard."""
    return AccessLog(Guard(Limits(api(service), service.settings.limits), service.sessions))


def api(service: Service) -> FastAPI:
    """Return the routes, with their description but without their guard."""
    described = service.workflow.described()
    app = DescribedAPI(
        service,
        title=described["title"],
        description=described["description"] or "",
        version=described["version"],
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.routes = []
    for router in ROUTERS:
        app.include_router(router)
        app.state.routes += router.routes
    add_handlers(app)
    return app
