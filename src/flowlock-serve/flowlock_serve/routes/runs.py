"""Runs: start, list, show, cancel, resume, remove."""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from pydantic import BeforeValidator, WithJsonSchema

from flowlock_core.documents.times import refusal_of
from flowlock_core.errors import Problem
from flowlock_serve.bounded_route import BoundedRoute
from flowlock_serve.documents import RunAnswer, RunRequest, RunsAnswer, RunSummary, run_summary
from flowlock_serve.problem_documents import ServiceError
from flowlock_serve.problem_paths import problem_item
from flowlock_serve.routes.answers import refusals
from flowlock_serve.runs.database import RequestKey, RunFilter
from flowlock_serve.runs.record import RunOrder, RunRecord, ServedState
from flowlock_serve.service import RUN_PATH, RunId, Service, UsedService

router = APIRouter(route_class=BoundedRoute, tags=["runs"])
_LOCATION = {"Location": {"description": "The path of the run.", "schema": {"type": "string"}}}
_RETRY = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
_LARGEST_NUMBER = 2**62
_CURSOR = r"^[1-9][0-9]{0,17}$"
_KEY = r"^[!-~]{1,200}$"


def _moment(value: Any) -> Any:
    """Refuse what pydantic would take for seconds since 1970, and times without a zone."""
    reason = refusal_of(value)
    if reason:
        raise ValueError(reason)
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("expected a time with a zone, such as 2026-11-26T17:09:30Z")
    return moment


Moment = Annotated[
    datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})
]
IdempotencyKey = Annotated[
    str | None,
    Header(pattern=_KEY, description="Repeats of a request with the same key start one run."),
]


@router.post(
    "/runs",
    status_code=202,
    responses=refusals(409, 429, body=True) | {202: {"headers": _LOCATION}},
)
def start(
    request: RunRequest, response: Response, service: UsedService, idempotency_key: IdempotencyKey = None
) -> RunAnswer:
    """Accept a run: it waits until a worker is free. All problems of the parameters are returned at once."""
    require_running(service)
    order = RunOrder(**request.model_dump())
    require_no_problems(service.workflow.order_problems(order))
    digest = sha256(request.model_dump_json().encode()).hexdigest()
    key = None if idempotency_key is None else RequestKey(key=idempotency_key, digest=digest)
    return _accepted(service, service.runs.submit(order, key), response)


@router.get("/runs", responses=refusals(422))
def listing(
    service: UsedService,
    *,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[str | None, Query(pattern=_CURSOR, description="`next` of the page before.")] = None,
    state: ServedState | None = None,
    since: Annotated[Moment | None, Query(description="Created at this time or later.")] = None,
    until: Annotated[Moment | None, Query(description="Created at this time or before.")] = None,
) -> RunsAnswer:
    """List runs, the newest first."""
    before = None if cursor is None else int(cursor)
    # One more than asked for tells whether there is another page.
    chosen = RunFilter(limit=limit + 1, before=before, state=state, since=since, until=until)
    records = service.runs.page(chosen)
    shown = records[:limit]
    more = len(records) > limit
    return RunsAnswer(
        runs=[RunSummary(**_fields(service, record)) for record in shown],
        next=str(shown[-1].number) if more else None,
    )


@router.get(RUN_PATH, responses=refusals(404))
def show(run: RunId, service: UsedService) -> RunAnswer:
    """Return a run."""
    return _answer(service, service.runs.get(run))


@router.post(f"{RUN_PATH}/cancel", status_code=202, responses=refusals(404, 409))
def cancel(run: RunId, service: UsedService) -> RunAnswer:
    """Let a run end, at once if it waits; one that has ended is not changed."""
    return _answer(service, service.runs.cancel(run))


@router.post(
    f"{RUN_PATH}/resume",
    status_code=202,
    responses=refusals(404, 409, 429) | {202: {"headers": _LOCATION}},
)
def resume(run: RunId, response: Response, service: UsedService) -> RunAnswer:
    """Start a run that reuses the cached results of one that has not succeeded; repeats return the same."""
    require_running(service)
    return _accepted(service, service.runs.resume(run), response)


@router.delete(RUN_PATH, status_code=204, response_class=Response, responses=refusals(404, 409))
def remove(run: RunId, service: UsedService) -> Response:
    """Remove a run that has ended, with its files."""
    service.runs.remove(run)
    return Response(status_code=204)


def _accepted(service: Service, record: RunRecord, response: Response) -> RunAnswer:
    response.headers["Location"] = f"/runs/{record.id}"
    return _answer(service, record)


def _answer(service: Service, record: RunRecord) -> RunAnswer:
    return RunAnswer(**_fields(service, record), params=record.order.params)


def _fields(service: Service, record: RunRecord) -> dict[str, Any]:
    steps = len(service.workflow.plan.steps)
    return run_summary(record, steps=steps, steps_ended=service.runs.steps_ended(record))


def require_no_problems(problems: Iterable[Problem]) -> None:
    """Raise a ServiceError with all problems of a run, under the code and the hint of the first."""
    items = [problem_item(problem) for problem in problems]
    if items:
        code, hint = items[0]["code"], items[0]["hint"]
        raise ServiceError(422, code, "the run was not accepted: see `problems`", hint=hint, problems=items)


def require_running(service: Service) -> None:
    """Raise a ServiceError if the service is being stopped."""
    if service.runs.stopping:
        message = "the service is being stopped"
        hint = "send the request again when it has started again"
        raise ServiceError(503, "FL779", message, hint=hint, headers={"Retry-After": "5"})
