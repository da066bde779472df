"""What a notification says of a run: how it ended, what it ran, and what went wrong."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import dagster as dg

from flowlock_core.masking import masked_document
from flowlock_core.runs.identity import time_text

# Tags in which Dagster keeps addresses of its servers.
_INTERNAL = (".dagster/", "dagster/")
_MOST_PROBLEMS, _LONGEST_PROBLEM = 10, 2000


class Ending(Enum):
    """How a run ended."""

    SUCCESS = "success"
    FAILURE = "failure"
    CANCELED = "canceled"


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A notification; its id is the same in every attempt to deliver it, and in no other notification."""

    id: str
    document: dict[str, Any]

    @property
    def title(self) -> str:
        """One line about the run."""
        return f"{self.document['job']}: {self.document['event']}"

    @property
    def text(self) -> str:
        """The message for a reader."""
        lines = [f"{name}: {self.document[name]}" for name in ("job", "run", "event", "started", "ended")]
        tags = [f"{key}: {value}" for key, value in self.document["tags"].items()]
        return "\n".join([*lines, *tags, *(f"\n{problem}" for problem in self.document["problems"])]) + "\n"


def message_of(instance: dg.DagsterInstance, record: dg.RunRecord, ending: Ending) -> Message:
    """Return the notification of a run that has ended; of a failed one it has what its steps reported."""
    run = record.dagster_run
    document = {
        "id": f"{run.run_id}-{ending.value}",
        "event": ending.value,
        "job": run.job_name,
        "run": run.run_id,
        "started": _time(record.start_time),
        "ended": _time(record.end_time),
        "tags": {name: value for name, value in run.tags.items() if not name.startswith(_INTERNAL)},
        "problems": _problems(instance, run.run_id) if ending is Ending.FAILURE else [],
    }
    return Message(id=document["id"], document=masked_document(document))


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else time_text(datetime.fromtimestamp(seconds, tz=UTC))


def _problems(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    failed = instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    problems = []
    for entry in failed[:_MOST_PROBLEMS]:
        event = entry.get_dagster_event()
        data = event.step_failure_data
        # The words of a step; other errors may hold anything, so only their kind is sent.
        if data.user_failure_data is not None:
            text = data.user_failure_data.description or ""
        else:
            text = data.error.cls_name if data.error else "failed"
        problems.append(f"{event.step_key}: {text}"[:_LONGEST_PROBLEM])
    return problems
