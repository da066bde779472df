"""The documents of requests and answers, as the OpenAPI description has them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from flowlock_serve.runs.record import RunRecord, ServedState
from flowlock_serve.runs.run_files import DASHBOARD

# A 64-bit machine has fewer processors.
_MOST_JOBS = 1_024
_EXAMPLE_RUN = "20261126T170930.123456Z-9f2c"
_TIME = "2026-11-26T17:09:30.123Z"

Time = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
Params = Annotated[
    dict[str, dict[str, Any]],
    Field(description="The parameters of each step, as `GET /schema` describes them."),
]


def integer_of(value: Any) -> Any:
    """Return 1 for 1.0, which is the same number in JSON."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


class TokenRequest(_Request):
    """The token that is exchanged for a cookie."""

    token: Annotated[str, Field(max_length=1_000)]


class CheckRequest(_Request):
    """Parameters to check; those of steps that read data are not required if input and output are mocked."""

    params: Params
    mock_io: bool = False


class ConvertRequest(_Request):
    """Parameters to convert to form data, or the reverse."""

    to: Literal["params", "form"]
    data: dict[str, dict[str, Any]]


class RunRequest(_Request):
    """A run: its parameters, and how its steps are executed; without `jobs`, one for each processor."""

    params: Params
    executor: Literal["sequential", "threads", "processes", "dask"] = "sequential"
    jobs: Annotated[int, Field(ge=1, le=_MOST_JOBS), BeforeValidator(integer_of)] | None = None
    mock_io: bool = False
    keep_going: bool = False


class ProblemItem(_Answer):
    """One problem; `path` leads to a value of `params`, or of the request if it is not about a step."""

    code: str
    message: str
    hint: str | None = None
    step: str | None = None
    parameter: str | None = None
    path: list[str | int] = []


class RefusalDocument(_Answer):
    """Why a request was refused (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: Annotated[str, Field(examples=["FL771"])]
    hint: str | None
    problems: list[ProblemItem]


class CheckAnswer(_Answer):
    """Whether a run with these parameters would be accepted, and everything that is wrong with them."""

    ok: bool
    problems: list[ProblemItem]


class ConvertAnswer(_Answer):
    """Converted parameters or form data."""

    data: dict[str, Any]


class StepItem(_Answer):
    """A step: its task, how it is called, and the steps whose results it needs."""

    id: str
    title: str
    task: str
    method: str
    needs: list[str]


class WorkflowAnswer(_Answer):
    """What is served."""

    name: str
    title: str
    description: str | None
    version: str
    steps: list[StepItem]


class FormAnswer(_Answer):
    """The form of the parameters: its JSON Schema, its UI schema, and the steps of each group."""

    form_schema: Annotated[dict[str, Any], Field(alias="schema")]
    ui_schema: Annotated[dict[str, Any], Field(alias="uiSchema")]
    groups: dict[str, list[str]]


class StepsCount(_Answer):
    """How many steps a run has, and how many have ended."""

    total: int
    ended: int


class RunSummary(_Answer):
    """A run; `results` are paths below `/runs/{id}/results/`."""

    id: Annotated[str, Field(examples=[_EXAMPLE_RUN])]
    state: ServedState
    created: Annotated[Time, Field(examples=[_TIME])]
    started: Time | None
    ended: Time | None
    seconds: float | None
    steps: StepsCount
    executor: str
    jobs: int | None
    mock_io: bool
    keep_going: bool
    problems: list[dict[str, Any]]
    results: list[str]
    dashboard: Annotated[str | None, Field(examples=[f"/runs/{_EXAMPLE_RUN}/results/{DASHBOARD}"])]
    resumed_from: str | None
    resumed_by: str | None


class RunAnswer(RunSummary):
    """A run with its parameters."""

    params: Params


class RunsAnswer(_Answer):
    """A page of runs, the newest first; `next` is the cursor of the next page."""

    runs: list[RunSummary]
    next: str | None


class StatusAnswer(_Answer):
    """The state of the service."""

    status: Annotated[str, Field(examples=["ok"])]


def run_summary(record: RunRecord, *, steps: int, steps_ended: int) -> dict[str, Any]:
    """Return a run as the fields of a RunSummary."""
    has_dashboard = DASHBOARD in record.results
    return {
        "id": record.id,
        "state": record.state,
        "created": record.created,
        "started": record.started,
        "ended": record.ended,
        "seconds": record.seconds,
        "steps": StepsCount(total=steps, ended=steps_ended),
        "executor": record.order.executor,
        "jobs": record.order.jobs,
        "mock_io": record.order.mock_io,
        "keep_going": record.order.keep_going,
        "problems": record.problems,
        "results": record.results,
        "dashboard": f"/runs/{record.id}/results/{DASHBOARD}" if has_dashboard else None,
        "resumed_from": record.order.resumed_from,
        "resumed_by": record.resumed_by,
    }
