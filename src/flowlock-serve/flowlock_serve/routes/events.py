"""The progress of a run as server-sent events, which can be resumed where they were cut off."""

import asyncio
import json
from collections.abc import AsyncIterator
from time import monotonic
from typing import Annotated, Any

from fastapi import APIRouter, Header
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from flowlock_serve.bounded_route import BoundedRoute
from flowlock_serve.log_lines import lines_from
from flowlock_serve.problem_documents import ServiceError
from flowlock_serve.routes.answers import refusals
from flowlock_serve.runs.record import RunRecord
from flowlock_serve.runs.refusals import UnknownRunError
from flowlock_serve.service import RUN_PATH, RunId, Service, UsedService

router = APIRouter(route_class=BoundedRoute, tags=["files"])
_MEDIA = "text/event-stream"
# Seconds between two looks, and between two signs of life on a quiet stream.
_PAUSE = 0.2
_QUIET = 15.0
_LARGEST_OFFSET = 18


@router.get(
    f"{RUN_PATH}/events",
    response_class=StreamingResponse,
    responses=refusals(404) | {200: {"content": {_MEDIA: {"schema": {"type": "string"}}}}},
)
async def events(
    run: RunId, service: UsedService, last_event_id: Annotated[str, Header()] = ""
) -> StreamingResponse:
    """Follow a run: `log` events are the lines of its log, `state` events its state; ends with the run."""
    record = await run_in_threadpool(service.runs.get, run)
    if service.streams.locked():
        message = f"there are {service.settings.limits.streams} event streams, which is the maximum"
        raise ServiceError(503, "FL779", message, headers={"Retry-After": "5"})
    is_offset = last_event_id.isdecimal() and len(last_event_id) <= _LARGEST_OFFSET
    offset = int(last_event_id) if is_offset else 0
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_stream(service, record.id, offset), media_type=_MEDIA, headers=headers)


async def _stream(service: Service, run: str, offset: int) -> AsyncIterator[str]:
    async with service.streams:
        shown: dict[str, Any] | None = None
        last = monotonic()
        while not service.runs.stopping:
            try:
                record, lines, offset = await run_in_threadpool(_read, service, run, offset)
            except UnknownRunError:
                return
            for behind, line in lines:
                yield f"id: {behind}\nevent: log\ndata: {line}\n\n"
            state = _state(service, record)
            if state != shown:
                yield f"event: state\ndata: {json.dumps(state)}\n\n"
                shown = state
                last = monotonic()
            elif lines:
                last = monotonic()
            elif record.state.is_final:
                return
            elif monotonic() - last > _QUIET:
                yield ": still here\n\n"
                last = monotonic()
            else:
                await asyncio.sleep(_PAUSE)


def _read(service: Service, run: str, offset: int) -> tuple[RunRecord, list[tuple[int, str]], int]:
    """Return the run and the next lines of its log; behind a final state, the log is complete."""
    record = service.runs.get(run)
    lines, offset = lines_from(service.runs.files_of(run).log, offset)
    return record, lines, offset


def _state(service: Service, record: RunRecord) -> dict[str, Any]:
    steps = {"total": len(service.workflow.plan.steps), "ended": service.runs.steps_ended(record)}
    return {"state": record.state.value, "steps": steps}
