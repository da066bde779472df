"""The runs that are kept of a results folder: listed, shown and removed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from flowlock_core.errors import Problem, WorkflowError, nearest
from flowlock_core.runs.followers import RunState
from flowlock_core.runs.identity import started_at, time_text
from flowlock_core.runs.run_folder import PARAMS, PLAN, RECORDS, RUN
from flowlock_core.runs.storage import RunStorage

# How many ids a hint lists.
_LISTED = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptRun:
    """A run that is kept; `document` is its run.json, empty if that is missing or damaged."""

    id: str
    state: RunState
    document: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Return {id, workflow, state, started, ended, seconds, steps}."""
        document = {"id": self.id, "workflow": None, "state": self.state.value}
        document |= {"started": time_text(started_at(self.id)), "ended": None, "seconds": None, "steps": None}
        for key in ("workflow", "started", "ended", "seconds", "steps"):
            document[key] = self.document.get(key, document[key])
        return document


class RunHistory:
    """The runs of a results folder."""

    def __init__(self, storage: RunStorage) -> None:
        self._storage = storage

    @property
    def place(self) -> str:
        """The results folder, as users name it."""
        return self._storage.place

    def runs(self) -> list[KeptRun]:
        """Return the runs, the oldest first."""
        return [self._run(name) for name in self._storage.names()]

    def details(self, run: str) -> dict[str, Any]:
        """Return everything that is kept of a run; a WorkflowError if it does not exist."""
        self._require([run])
        storage = self._storage
        kept = self._run(run)
        return {
            **kept.as_json(),
            "base": kept.document.get("base"),
            "settings": kept.document.get("settings", {}),
            "problems": kept.document.get("problems", []),
            "params": _object(storage.read(run, PARAMS)),
            "plan": _object(storage.read(run, PLAN)).get("steps", []),
            "records": _records(storage.read(run, RECORDS)),
            "folder": storage.address(run),
            "files": storage.files(run),
        }

    def remove(self, runs: Sequence[str], *, force: bool = False) -> list[str]:
        """Remove runs, and return their ids; a WorkflowError if one is running or does not exist.

        With `force`, a run is removed also if it seems to be running.
        """
        runs = list(dict.fromkeys(runs))
        self._require(runs)
        running = [run for run in runs if self._run(run).state is RunState.RUNNING]
        if running and not force:
            raise _still_running(running)
        for run in runs:
            self._storage.remove(run)
        return runs

    def older_than(self, days: float) -> list[str]:
        """Return the ids of the runs that started so many days ago and do not run any more."""
        limit = datetime.now(tz=UTC) - timedelta(days=days)
        return [
            run.id for run in self.runs() if started_at(run.id) < limit and run.state is not RunState.RUNNING
        ]

    def _require(self, runs: Sequence[str]) -> None:
        names = self._storage.names()
        unknown = [run for run in runs if run not in names]
        if unknown:
            problems = [_unknown(run, names, self.place) for run in unknown]
            raise WorkflowError(problems[0].message, problems=problems)

    def _run(self, run: str) -> KeptRun:
        document = _run_document(self._storage.read(run, RUN))
        state = _state_of(document, RunState.INTERRUPTED)
        if state is RunState.RUNNING and not self._storage.may_be_alive(run, document):
            # A run that has ended in the meantime wrote its state before it released its folder.
            document = _run_document(self._storage.read(run, RUN))
            state = _state_of(document, RunState.INTERRUPTED)
            state = RunState.INTERRUPTED if state is RunState.RUNNING else state
        return KeptRun(id=run, state=state, document=document)


def _state_of(document: dict[str, Any], otherwise: RunState) -> RunState:
    try:
        return RunState(document.get("state"))
    except ValueError:
        return otherwise


def _unknown(run: str, names: Sequence[str], place: object) -> Problem:
    if not names:
        return Problem(
            code="FL746",
            message=f"the run {run} does not exist: {place} has no runs",
            hint="name the results folder of the run with --results",
        )
    listed = ", ".join(reversed(names[-_LISTED:]))
    more = f" and {len(names) - _LISTED} older ones" if len(names) > _LISTED else ""
    hint = nearest(run, names) or f"the runs are {listed}{more}"
    return Problem(code="FL746", message=f"the run {run} does not exist in {place}", hint=hint)


def _still_running(runs: Sequence[str]) -> WorkflowError:
    problems = [
        Problem(
            code="FL747",
            message=f"the run {run} cannot be removed, because it is running",
            hint="wait until it has ended, or stop it; if you know that it has ended, add --force",
        )
        for run in runs
    ]
    return WorkflowError(problems[0].message, problems=problems)


class _RunJson(BaseModel):
    """What a run.json must have where it has it; other keys are left as they are."""

    model_config = ConfigDict(extra="allow")

    workflow: str | None = None
    started: str | None = None
    ended: str | None = None
    seconds: float | None = None
    steps: int | None = None
    base: str | None = None
    host: str | None = None
    # More than any system numbers its processes to.
    process: int | None = Field(default=None, ge=1, lt=2**31)
    settings: dict[str, Any] = {}
    problems: list[dict[str, Any]] = []


class _RecordJson(BaseModel):
    """What the record of a step must have."""

    model_config = ConfigDict(extra="allow")

    step: str
    task: str
    status: str
    seconds: float


def _run_document(data: bytes) -> dict[str, Any]:
    """Return a run.json; an empty one if it is missing or damaged."""
    try:
        return _RunJson.model_validate_json(data).model_dump(exclude_unset=True)
    except ValidationError:
        return {}


def _object(data: bytes) -> dict[str, Any]:
    """Return a JSON object; an empty one if the file is missing or damaged."""
    try:
        return TypeAdapter(dict[str, Any]).validate_json(data)
    except ValidationError:
        return {}


def _records(data: bytes) -> list[dict[str, Any]]:
    """Return the records of steps; the last line of a killed run may be a part of one."""
    records = []
    for line in data.splitlines():
        try:
            records.append(_RecordJson.model_validate_json(line).model_dump())
        except ValidationError:
            break
    return records
