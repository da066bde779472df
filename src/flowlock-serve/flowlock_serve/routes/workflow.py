"""The workflow: its steps, its parameters, its form, its picture; checks and conversions of parameters."""

from typing import Any

from fastapi import APIRouter, Response

from flowlock_core.errors import WorkflowError
from flowlock_serve.bounded_route import BoundedRoute
from flowlock_serve.documents import (
    CheckAnswer,
    CheckRequest,
    ConvertAnswer,
    ConvertRequest,
    FormAnswer,
    WorkflowAnswer,
)
from flowlock_serve.problem_documents import ServiceError
from flowlock_serve.problem_paths import problem_item
from flowlock_serve.routes.answers import refusals
from flowlock_serve.service import UsedService

router = APIRouter(route_class=BoundedRoute, tags=["workflow"])
SVG = "image/svg+xml"


@router.get("/workflow", responses=refusals())
def workflow(service: UsedService) -> WorkflowAnswer:
    """Return what is served: the title, the version and the steps."""
    return WorkflowAnswer.model_validate(service.workflow.described())


@router.get("/schema", responses=refusals())
def schema(service: UsedService) -> dict[str, Any]:
    """Return the JSON Schema of the parameters."""
    return dict(service.workflow.schema)


@router.get("/form", responses=refusals())
def form(service: UsedService) -> FormAnswer:
    """Return the form of the parameters."""
    return FormAnswer.model_validate(service.workflow.form)


@router.get(
    "/graph.svg",
    response_class=Response,
    responses=refusals(404) | {200: {"content": {SVG: {"schema": {"type": "string"}}}}},
)
def graph(service: UsedService) -> Response:
    """Return the picture of the steps."""
    picture = service.workflow.graph
    if picture is None:
        message = "the package of the workflow has no graph.svg"
        raise ServiceError(404, "FL775", message, hint="compile the workflow again")
    return Response(picture, media_type=SVG)


@router.post("/check", responses=refusals(body=True))
def check(request: CheckRequest, service: UsedService) -> CheckAnswer:
    """Check parameters as a run would, and return every problem with its path."""
    problems = service.workflow.problems(request.params, mock_io=request.mock_io)
    items = [problem_item(problem) for problem in problems]
    return CheckAnswer.model_validate({"ok": not items, "problems": items})


@router.post("/convert", responses=refusals(body=True))
def convert(request: ConvertRequest, service: UsedService) -> ConvertAnswer:
    """Convert parameters to form data, or form data to parameters."""
    try:
        return ConvertAnswer(data=service.workflow.converted(request.data, to=request.to))
    except WorkflowError as error:
        problems = [problem_item(problem) for problem in error.problems]
        raise ServiceError(422, problems[0]["code"], error.message, problems=problems) from error
