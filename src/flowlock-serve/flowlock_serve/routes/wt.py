"""The endpoints of ecoscope-workflows (2024) and of wt-runner (2026), for their clients.

Runs are those of the service, with its queue and records: `GET /runs` lists them too.
"""

import asyncio
from time import monotonic
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from flowlock_core.errors import Problem
from flowlock_core.masking import masked_document
from flowlock_core.wt.conversion import converted
from flowlock_core.wt.documents import connection_names, params, rjsf
from flowlock_serve.bounded_route import BoundedRoute
from flowlock_serve.routes.answers import refusals
from flowlock_serve.routes.runs import require_no_problems, require_running
from flowlock_serve.runs.record import RunOrder, RunRecord, ServedState
from flowlock_serve.runs.refusals import ConflictError
from flowlock_serve.service import Service, UsedService
from flowlock_serve.wt_answer import WtAnswer, WtErrors, answer_of, document, problem_text
from flowlock_serve.wt_request import NOT_WAITING, Served, WtBody, WtQuery, refused

router = APIRouter(route_class=BoundedRoute, tags=["ecoscope-workflows and wt"])
# Seconds between two looks at a run that a request waits for.
_INTERVAL = 0.1
# What their services answer with 500: the request was right, and the service is well, but there is no result.
_NO_RESULT = 409
_TIMED_OUT = Problem(
    code="FL795",
    message="the run took longer than `timeout`, and was cancelled",
    hint="increase `timeout`, or resume the run: the results of the finished steps are cached",
)
_ANSWER: dict[str, Any] = {"model": WtAnswer}
_CONVERSION = refusals(body=True)
# What cannot be read at all is refused as everywhere.
_CONVERSION[422]["model"] = WtErrors


@router.post(
    "/",
    responses=refusals(429, body=True)
    | {
        200: {**_ANSWER, "description": "The result of the run."},
        202: {**_ANSWER, "description": "The run was accepted; Location is its path."},
        409: {**_ANSWER, "description": "The error of the run, which has ended without a result."},
    },
)
async def run(
    body: WtBody, query: Annotated[WtQuery, Query()], request: Request, service: UsedService
) -> JSONResponse:
    """Run the workflow, and answer with its result when it has ended."""
    record = await run_in_threadpool(_accepted, service, body, query)
    headers = {"Location": f"/runs/{record.id}"}
    if query.invoker_type == NOT_WAITING:
        return JSONResponse(document({}, None, "", is_2024=query.is_2024), 202, headers=headers)
    ended = await _ended(service, record, request, seconds=query.timeout)
    if ended is None:
        answer = document(None, problem_text(_TIMED_OUT.as_json()), "", is_2024=query.is_2024)
        return JSONResponse(answer, _NO_RESULT, headers=headers)
    answer = await run_in_threadpool(answer_of, ended, service.runs.results, is_2024=query.is_2024)
    status = 200 if ended.state is ServedState.DONE else _NO_RESULT
    return JSONResponse(masked_document(answer), status, headers=headers)


def _accepted(service: Service, body: WtBody, query: WtQuery) -> RunRecord:
    """Accept a run; a ServiceError if the service is being stopped, or with everything that is refused."""
    require_running(service)
    executor = "processes" if query.execution_mode == "async" else "sequential"
    order = RunOrder(params=body.params, executor=executor, mock_io=query.mock_io)
    problems = service.workflow.order_problems(order)
    require_no_problems([*refused(body, query, served_by(service)), *problems])
    return service.runs.submit(order)


def served_by(service: Service) -> Served:
    """Return what a service compares requests with."""
    workflow = service.workflow
    results = service.settings.runs.results_url
    return Served(package=workflow.bundle.command, version=workflow.version, results=results)


async def _ended(
    service: Service, record: RunRecord, request: Request, *, seconds: float | None
) -> RunRecord | None:
    """Wait until a run has ended or its client has left; None if it took too long, and was cancelled.

    The seconds that it may take are those from its start, however long it was in the queue.
    """
    deadline: float | None = None
    while not record.state.is_final and not await request.is_disconnected():
        if deadline is None and seconds is not None and record.started is not None:
            deadline = monotonic() + seconds
        if deadline is not None and monotonic() > deadline:
            try:
                await run_in_threadpool(service.runs.cancel, record.id)
            except ConflictError:
                # It has just ended.
                return await run_in_threadpool(service.runs.get, record.id)
            return None
        await asyncio.sleep(_INTERVAL)
        record = await run_in_threadpool(service.runs.get, record.id)
    return record


@router.get("/rjsf", responses=refusals())
def form_in_one(service: UsedService) -> dict[str, Any]:
    """Return the form in one object: the JSON Schema of its data, and the UI schema as `uiSchema`."""
    return rjsf(service.workflow.bundle)


@router.get("/params", responses=refusals())
def parameters(service: UsedService) -> dict[str, Any]:
    """Return the JSON Schema of the parameters."""
    return params(service.workflow.bundle)


@router.get("/data-connection-property-names", responses=refusals())
def connections(service: UsedService) -> dict[str, list[str]]:
    """Return the steps whose parameters name a connection, by the kind of the connection."""
    return connection_names(service.workflow.bundle)


@router.post("/formdata-to-params", responses=_CONVERSION)
def to_parameters(formdata: Annotated[Any, Body()], service: UsedService) -> JSONResponse:
    """Convert form data to parameters, if they are valid for the workflow."""
    return _conversion(service, formdata, to_params=True)


@router.post("/params-to-formdata", responses=_CONVERSION)
def to_form_data(parameters: Annotated[Any, Body()], service: UsedService) -> JSONResponse:
    """Convert parameters to form data, if they are valid for the workflow."""
    return _conversion(service, parameters, to_params=False)


def _conversion(service: Service, data: Any, *, to_params: bool) -> JSONResponse:
    conversion = converted(data, service.workflow.bundle, to_params=to_params)
    if conversion.errors:
        return JSONResponse(masked_document({"detail": list(conversion.errors)}), 422)
    return JSONResponse(dict(conversion.result))
