"""The folder of a run: what it was given, what it has done so far, and what it gave."""

import json
import os
import shutil
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

from flowlock_core.errors import Problem, WorkflowError
from flowlock_core.execute import Plan, RunLog, StepRecord
from flowlock_core.masking import masked_document
from flowlock_core.results import to_json
from flowlock_core.runs.event_lines import EventLines, json_line, now_text, record_json
from flowlock_core.runs.followers import RunState
from flowlock_core.runs.locks import lock_folder
from flowlock_core.store.whole_files import write_whole

RUNS = "runs"
RUN, PARAMS, PLAN = "run.json", "params.json", "plan.json"
RECORDS, LOG, ARTIFACTS = "records.jsonl", "log.jsonl", "artifacts"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunStart:
    """What is known of a run before it starts; `settings` are options of the command line."""

    id: str
    workflow: str
    params: Mapping[str, Mapping[str, Any]]
    base: Path | None
    settings: Mapping[str, Any]


class RunFolder:
    """A follower that writes the folder of a run, which is locked until the run has ended.

    A folder that cannot be made is a WorkflowError. What cannot be written later is a warning: it costs the
    record of a run, not the run.
    """

    def __init__(self, results: Path, start: RunStart) -> None:
        self.path = results / RUNS / start.id
        self._results = results
        self._start = start
        self._events = EventLines(start.id, start.workflow, self._log)
        self._document: dict[str, Any] = {}
        self._begun = monotonic()
        self._run_log = RunLog()
        self._handle: int | None = None
        self._trouble = ""

    def begin(self, plan: Plan, log: RunLog) -> None:
        """Make the folder, and write what is known before the first step."""
        self._run_log = log
        self._begun = monotonic()
        self._document = {
            "id": self._start.id,
            "workflow": self._start.workflow,
            "state": RunState.RUNNING.value,
            "started": now_text(),
            "ended": None,
            "host": socket.gethostname(),
            "process": os.getpid(),
            "seconds": None,
            "steps": len(plan.steps),
            "base": None if self._start.base is None else str(self._start.base),
            "settings": dict(self._start.settings),
            "problems": [],
        }
        try:
            self.path.mkdir(parents=True)
            # Another run has another id: nobody else locks this folder.
            self._handle = lock_folder(self.path)
            self._write_document(PARAMS, to_json(self._start.params))
            self._write_document(PLAN, {"steps": [_step_json(plan, step.id) for step in plan.steps]})
            self._write_document(RUN, self._document)
        except OSError as error:
            raise WorkflowError(
                f"cannot write {self.path}: {error.strerror or error}",
                code="FL734",
                hint="choose another folder with --results, or free some space",
            ) from error
        self._events.begin(plan, log)

    def started(self, steps: int) -> None:
        """Pass it to the log."""
        self._events.started(steps)

    def called(self, step: str, done: int, total: int) -> None:
        """Pass it to the log."""
        self._events.called(step, done, total)

    def retried(self, call: str, retry: int, retries: int, message: str) -> None:
        """Pass it to the log."""
        self._events.retried(call, retry, retries, message)

    def finished(self, record: StepRecord) -> None:
        """Write the record of a step."""
        self._append(RECORDS, json_line(record_json(record)))
        self._events.finished(record)

    def keep_results(self, paths: Sequence[Path]) -> None:
        """Keep the result and the page; they are replaced, not changed, so a link is enough."""
        for path in paths:
            self._attempt(partial(_linked, path, self.path / path.name))

    def ended(self, state: RunState, problems: Sequence[Problem]) -> None:
        """Keep the files that the steps wrote, write how the run ended, and release the folder."""
        for path in sorted(self._run_log.written):
            # A step that failed may have removed its file.
            if path.is_file():
                self._attempt(partial(self._keep_artifact, path))
        self._events.ended(state, problems)
        end = {"state": state.value, "ended": now_text(), "seconds": round(monotonic() - self._begun, 3)}
        self._document |= {**end, "problems": [problem.as_json() for problem in problems]}
        self._attempt(partial(self._write_document, RUN, self._document))
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
        if self._trouble:
            sys.stderr.write(f"warning: the folder of the run is not complete: {self._trouble}\n")

    def _keep_artifact(self, path: Path) -> None:
        """Copy a file: the task of a later run may open the original and write into it."""
        target = self.path / ARTIFACTS / path.relative_to(self._results)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)

    def _write_document(self, name: str, document: Any) -> None:
        text = json.dumps(masked_document(document), indent=1, ensure_ascii=False) + "\n"
        write_whole(self.path / name, text.encode())

    def _log(self, line: str) -> None:
        self._append(LOG, line)

    def _append(self, name: str, line: str) -> None:
        self._attempt(partial(_append_line, self.path / name, line))

    def _attempt(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            self._trouble = self._trouble or f"cannot write {self.path}: {error.strerror or error}"


def _append_line(path: Path, line: str) -> None:
    with path.open("a", encoding="utf-8") as stream:
        stream.write(line)


def _linked(path: Path, link: Path) -> None:
    with suppress(OSError):
        os.link(path, link)
        return
    # Not every file system has links.
    shutil.copyfile(path, link)


def _step_json(plan: Plan, step_id: str) -> dict[str, Any]:
    step = plan.step(step_id)
    return {
        "id": step.id,
        "task": step.task.name,
        "method": step.method.value,
        "needs": list(step.dependencies()),
    }
