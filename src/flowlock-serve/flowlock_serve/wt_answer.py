"""What clients of ecoscope-workflows and wt are answered: results and errors in their shapes."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from flowlock_core.command.output import RESULT
from flowlock_core.wt.documents import result_object
from flowlock_serve.byte_ranges import ByteRange
from flowlock_serve.runs.record import RunRecord, ServedState
from flowlock_serve.runs.run_results import RunResults


class WtError(BaseModel):
    """One problem of parameters or of form data, as jsonschema reports it."""

    message: str
    path: list[str | int] = Field(description="Where the value is: keys and positions.")
    schema_path: list[str | int] = Field(description="Always empty: the types of the tasks decide.")
    validator: str | None = Field(description="The keyword of JSON Schema of this meaning, if there is one.")
    input: Any = Field(description="The value.")
    code: str
    hint: str | None


class WtErrors(BaseModel):
    """All problems of parameters or of form data."""

    detail: list[WtError]


class WtAnswer(BaseModel):
    """What a run gave, or its error; `trace` answers requests with `matchspec`, `traceback` the others."""

    model_config = ConfigDict(extra="forbid")

    result: dict[str, Any] | None
    error: str | None
    trace: str | None = None
    traceback: list[str] | None = None


def answer_of(record: RunRecord, results: RunResults, *, is_2024: bool) -> dict[str, Any]:
    """Return the answer about a run that has ended."""
    if record.state is ServedState.DONE:
        return document(_result(results, record.id), None, "", is_2024=is_2024)
    details = [str(problem["detail"]) for problem in record.problems if problem.get("detail")]
    return document(None, _error_text(record), "\n".join(details), is_2024=is_2024)


def document(result: Any, error: str | None, trace: str, *, is_2024: bool) -> dict[str, Any]:
    """Return an answer: the traces of tasks are lines in 2024, and a text in 2026."""
    shown: dict[str, Any] = {"traceback": trace.splitlines() or None} if is_2024 else {"trace": trace or None}
    return {"result": result, "error": error, **shown}


def _result(results: RunResults, run: str) -> Any:
    file = results.open(run, RESULT)
    written: Mapping[str, Any] = json.loads(b"".join(file.pieces(ByteRange(start=0, end=file.size))))
    return result_object(written.get("result"))


def _error_text(record: RunRecord) -> str:
    problems: Sequence[Mapping[str, Any]] = record.problems
    texts = [problem_text(problem) for problem in problems]
    return "\n".join(texts) or f"the run is {record.state.value}"


def problem_text(problem: Mapping[str, Any]) -> str:
    """Return a problem as the command line prints it, without its place."""
    text = f"{problem.get('code')} {problem.get('message')}"
    hint = problem.get("hint")
    return f"{text}\n  hint: {hint}" if hint else text
