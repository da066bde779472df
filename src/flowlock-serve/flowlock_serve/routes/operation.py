"""What the operation of a service needs: is it alive, is it ready, how much has it to do."""

import sqlite3

from fastapi import APIRouter, Response

from flowlock_serve.documents import StatusAnswer
from flowlock_serve.problem_documents import ServiceError
from flowlock_serve.routes.answers import refusals
from flowlock_serve.runs.record import ServedState
from flowlock_serve.service import UsedService

router = APIRouter(tags=["operation"])
_TEXT = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/health", responses=refusals(public=True))
def health() -> StatusAnswer:
    """Return that the service is alive."""
    return StatusAnswer(status="ok")


@router.get("/ready", responses=refusals(public=True))
def ready(service: UsedService) -> StatusAnswer:
    """Return whether runs are accepted: not while the service is being stopped, or if its records fail."""
    if service.runs.stopping:
        raise ServiceError(503, "FL779", "the service is being stopped")
    try:
        service.runs.require_usable()
    except sqlite3.Error as error:
        raise ServiceError(503, "FL780", f"the records of runs cannot be used: {error}") from error
    return StatusAnswer(status="ok")


@router.get(
    "/metrics",
    response_class=Response,
    responses=refusals() | {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(service: UsedService) -> Response:
    """Return figures as Prometheus reads them."""
    counts = service.runs.counts()
    lines = [
        "# HELP flowlock_runs Runs by state.",
        "# TYPE flowlock_runs gauge",
        *(f'flowlock_runs{{state="{state.value}"}} {count}' for state, count in counts.items()),
        "# HELP flowlock_queue_free Runs that the queue has room for.",
        "# TYPE flowlock_queue_free gauge",
        f"flowlock_queue_free {max(0, service.settings.runs.queue - counts[ServedState.QUEUED])}",
        "# HELP flowlock_workers Runs that can be executed at a time.",
        "# TYPE flowlock_workers gauge",
        f"flowlock_workers {service.settings.runs.workers}",
    ]
    return Response("".join(f"{line}\n" for line in lines), media_type=_TEXT)
