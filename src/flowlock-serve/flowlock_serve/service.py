"""What routes work with: the workflow, its runs, and who may use them."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from fastapi import Depends, Path, Request

from flowlock_serve.runs.served_runs import ServedRuns
from flowlock_serve.security.sessions import Sessions
from flowlock_serve.served_workflow import ServedWorkflow
from flowlock_serve.settings import ServiceSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """A workflow that is served."""

    workflow: ServedWorkflow
    runs: ServedRuns
    sessions: Sessions
    settings: ServiceSettings
    # Event streams that there may be at a time.
    streams: asyncio.Semaphore


def service_of(request: Request) -> Service:
    """Return the service that a request is for."""
    service: Service = request.app.state.service
    return service


UsedService: TypeAlias = Annotated[Service, Depends(service_of)]
# The path of a run, and the id in it.
RUN_PATH = "/runs/{id}"
RunId: TypeAlias = Annotated[str, Path(alias="id")]
