"""What happens in a run as lines of JSON, each with the ids of its run and its step."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from flowlock_core.errors import Problem, WorkflowError
from flowlock_core.execute import Plan, RunLog, Status, StepRecord
from flowlock_core.execute.record import Unobserved
from flowlock_core.execute.variables import variables_of, without_values
from flowlock_core.masking import masked_document
from flowlock_core.runs.followers import RunState
from flowlock_core.runs.identity import time_text

# Seconds between two lines about the calls of a step.
_PAUSE = 2.0


class EventLines(Unobserved):
    """A follower that writes one line of JSON for each event, without secrets."""

    def __init__(self, run: str, workflow: str, write: Callable[[str], None]) -> None:
        self._ids = {"run": run, "workflow": workflow}
        self._write = write
        self._written = monotonic()
        self._variables: dict[str, str] = {}

    def begin(self, plan: Plan, _log: RunLog) -> None:
        """Write that the run has started."""
        self._variables = variables_of(plan)
        self._event("run started", steps=len(plan.steps))

    def called(self, step: str, done: int, total: int) -> None:
        """Write the progress of a map, at intervals."""
        if done < total and monotonic() - self._written > _PAUSE:
            self._event("step running", step=step, done=done, total=total)

    def retried(self, call: str, retry: int, retries: int, message: str) -> None:
        """Write why a call runs again."""
        step = call.partition("[")[0]
        self._event(
            "call retried",
            level="warning",
            step=step,
            call=call,
            retry=retry,
            retries=retries,
            message=without_values(message, self._variables),
        )

    def finished(self, record: StepRecord) -> None:
        """Write how a step ended."""
        level = "error" if record.status is Status.FAILED else "info"
        self._event("step ended", level=level, **record_json(record))

    def ended(self, state: RunState, problems: Sequence[Problem]) -> None:
        """Write how the run ended, and its problems."""
        level = "info" if state is RunState.DONE else "error"
        self._event(
            "run ended", level=level, state=state.value, problems=[problem.as_json() for problem in problems]
        )

    def _event(self, event: str, *, level: str = "info", **details: Any) -> None:
        self._written = monotonic()
        document = {"time": now_text(), "level": level, "event": event, **self._ids, **details}
        self._write(json_line(document))


def appending(path: Path) -> Callable[[str], None]:
    """Return what appends lines to a file; a WorkflowError if that fails."""

    def append(line: str) -> None:
        try:
            with path.open("a", encoding="utf-8") as stream:
                stream.write(line)
        except OSError as error:
            raise WorkflowError(
                f"cannot write {path}: {error.strerror or error}",
                code="FL734",
                hint="choose another file with --events, or free some space",
            ) from error

    return append


def failure_line(error: WorkflowError, code: int) -> str:
    """Return the line about a command that failed, with its exit code."""
    document = {"time": now_text(), "level": "error", "event": "command failed", "exit_code": int(code)}
    return json_line({**document, "message": error.message, "problems": error.as_json()["problems"]})


def record_json(record: StepRecord) -> dict[str, Any]:
    """Return the record of a step as JSON."""
    return {
        "step": record.id,
        "task": record.task,
        "status": record.status.value,
        "seconds": round(record.seconds, 6),
        "calls": record.calls,
        "skipped": record.skipped,
        "reused": record.reused,
        "explanation": record.explanation,
    }


def json_line(document: Mapping[str, Any]) -> str:
    """Return a document as one line of JSON, without secrets."""
    return json.dumps(masked_document(document), ensure_ascii=False) + "\n"


def now_text() -> str:
    """Return the time now, as text."""
    return time_text(datetime.now(tz=UTC))
