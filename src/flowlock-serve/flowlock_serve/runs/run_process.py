"""What the process of one run does: it separates itself from its service, and calls the command `run`."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from flowlock_core.cli import main
from flowlock_core.command.interrupts import as_child
from flowlock_core.errors import ExitCode, WorkflowError
from flowlock_core.execute.lifeline import end_with
from flowlock_core.runs.locks import lock_folder
from flowlock_core.runs.results_url import ResultsUrl
from flowlock_core.store.whole_files import write_whole
from flowlock_serve.runs.results_upload import opened, upload_results
from flowlock_serve.runs.run_files import OUTPUT, PARAMS, REPORT, RunFiles
from flowlock_serve.settings import ResultsTarget

# Runs give way to the service, which has to answer.
_NICENESS = 5
# What `run --json` prints, before and after it is complete.
PART = "report.part"


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessOrder:
    """What the process of a run needs: the arguments of the command, the run's folder, where it works.

    Of the environment, it has all variables but those in `hidden`. The results are uploaded to `target`.
    """

    run: str
    workflow: str
    arguments: Sequence[str]
    folder: Path
    working_directory: Path
    hidden: Sequence[str] = ()
    target: ResultsTarget | None = None

    def as_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            "run": self.run,
            "workflow": self.workflow,
            "arguments": list(self.arguments),
            "folder": str(self.folder),
            "working_directory": str(self.working_directory),
            "hidden": list(self.hidden),
            "target": None if self.target is None else asdict(self.target),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "ProcessOrder":
        """Return the order that a JSON object is."""
        folders = {name: Path(document[name]) for name in ("folder", "working_directory")}
        target = document["target"]
        if target is not None:
            target = ResultsTarget(url=ResultsUrl(**target["url"]), connection=target["connection"])
        return cls(**{**document, **folders, "target": target})


def execute(order: ProcessOrder, lifeline: int, ready: int) -> int:
    """Execute a run in this process, a copy of the launcher; return its exit code.

    `ready` is closed when the process has its own session, so that it can be ended with all that it starts.
    """
    os.setsid()
    os.close(ready)
    os.set_inheritable(lifeline, False)
    end_with(lifeline, group=True)
    os.nice(_NICENESS)
    # Held until the process ends: nobody runs this again while it is alive.
    lock_folder(order.folder)
    _redirect(order)
    os.chdir(order.working_directory)
    return as_child(partial(_reported, order))


def _reported(order: ProcessOrder) -> int:
    """Call the command, and complete its report before the process ends: an exit code alone says little."""
    try:
        code = _run(order)
    except WorkflowError as error:
        sys.stderr.write(f"{error}\n")
        write_whole(order.folder / REPORT, json.dumps(error.as_json()).encode())
        return error.exit_code
    (order.folder / PART).replace(order.folder / REPORT)
    return code


def _run(order: ProcessOrder) -> int:
    """Call the command, and upload its results; a WorkflowError if that fails."""
    # The connection of the results may be one that the steps do not see.
    blobs = None if order.target is None else opened(order.target)
    for name in order.hidden:
        os.environ.pop(name, None)
    code = main(order.workflow, order.arguments)
    sys.stdout.flush()
    if blobs is not None and code == ExitCode.DONE:
        upload_results(RunFiles(folder=order.folder), order.run, blobs)
    return code


def _redirect(order: ProcessOrder) -> None:
    """Read the parameters from standard input, and write what is printed into the folder."""
    targets = (
        (PARAMS, os.O_RDONLY),
        (PART, os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        (OUTPUT, os.O_WRONLY | os.O_CREAT | os.O_APPEND),
    )
    for number, (name, flags) in enumerate(targets):
        handle = os.open(order.folder / name, flags, 0o600)
        os.dup2(handle, number)
        os.close(handle)
