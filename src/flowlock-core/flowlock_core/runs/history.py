"""The runs that are kept below a results folder: listed, shown and removed."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flowlock_core.errors import Problem, WorkflowError, nearest
from flowlock_core.runs.followers import RunState
from flowlock_core.runs.identity import is_run_id, started_at
from flowlock_core.runs.locks import may_be_locked
from flowlock_core.runs.run_folder import PARAMS, PLAN, RECORDS, RUN, RUNS

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
        started = started_at(self.id).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        document |= {"started": started, "ended": None, "seconds": None, "steps": None}
        for key in ("workflow", "started", "ended", "seconds", "steps"):
            document[key] = self.document.get(key, document[key])
        return document


class RunHistory:
    """The runs below a results folder."""

    def __init__(self, results: Path) -> None:
        self.place = results
        self._folder = results / RUNS

    def runs(self) -> list[KeptRun]:
        """Return the runs, the oldest first."""
        return [self._run(name) for name in self.names()]

    def names(self) -> list[str]:
        """Return the ids of the runs, the oldest first."""
        if not self._folder.is_dir():
            return []
        return sorted(path.name for path in self._folder.iterdir() if is_run_id(path.name))

    def details(self, run: str) -> dict[str, Any]:
        """Return everything that is kept of a run; a WorkflowError if it does not exist."""
        self._require([run])
        folder = self._folder / run
        kept = self._run(run)
        files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        plan = _read(folder / PLAN)
        return {
            **kept.as_json(),
            "base": kept.document.get("base"),
            "settings": kept.document.get("settings", {}),
            "problems": kept.document.get("problems", []),
            "params": _read(folder / PARAMS),
            "plan": plan.get("steps", []),
            "records": _read_lines(folder / RECORDS),
            "folder": str(folder),
            "files": files,
        }

    def remove(self, runs: Sequence[str]) -> list[str]:
        """Remove runs, and return their ids; a WorkflowError if one is running or does not exist."""
        runs = list(dict.fromkeys(runs))
        self._require(runs)
        running = [run for run in runs if self._run(run).state is RunState.RUNNING]
        if running:
            raise _still_running(running)
        for run in runs:
            self._remove(run)
        return runs

    def older_than(self, days: float) -> list[str]:
        """Return the ids of the runs that started so many days ago and do not run any more."""
        limit = datetime.now(tz=UTC) - timedelta(days=days)
        return [
            run.id for run in self.runs() if started_at(run.id) < limit and run.state is not RunState.RUNNING
        ]

    def _require(self, runs: Sequence[str]) -> None:
        names = self.names()
        unknown = [run for run in runs if run not in names]
        if unknown:
            problems = [_unknown(run, names, self.place) for run in unknown]
            raise WorkflowError(problems[0].message, problems=problems)

    def _run(self, run: str) -> KeptRun:
        folder = self._folder / run
        # In this order: a run that ends meanwhile has written its state before it releases the folder.
        locked = may_be_locked(folder)
        document = _read(folder / RUN)
        state = _state_of(document, RunState.INTERRUPTED)
        if state is RunState.RUNNING and not locked:
            state = RunState.INTERRUPTED
        return KeptRun(id=run, state=state, document=document)

    def _remove(self, run: str) -> None:
        folder = self._folder / run
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise WorkflowError(
                f"cannot remove {folder}: {error.strerror or error}",
                code="FL734",
                hint="check who owns the folder and its files",
            ) from error


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
            hint="wait until it has ended, or stop it",
        )
        for run in runs
    ]
    return WorkflowError(problems[0].message, problems=problems)


def _read(path: Path) -> dict[str, Any]:
    """Return a JSON object; an empty one if the file is missing or damaged."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _read_lines(path: Path) -> list[Any]:
    """Return the documents of a file of lines; the last line of a killed run may be a part of one."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return []
    documents = []
    for line in lines:
        try:
            documents.append(json.loads(line))
        except ValueError:
            break
    return documents
