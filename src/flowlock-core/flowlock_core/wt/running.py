"""`run` as the runner of wt calls it: its results go to a URL of the environment, result.json in its shape.

The runner reads result.json whatever the exit code is, so there is one from the first step on. As in the
workflows that wt compiles, the exit code of a run whose steps have failed is 0: the error is in result.json,
which some runners replace if the exit code is another.
"""

import argparse
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowlock_core.command.bundle import Bundle
from flowlock_core.command.destination import blobs_of
from flowlock_core.command.outcome import CommandOutcome
from flowlock_core.command.output import RESULT, write_document
from flowlock_core.command.recorded_run import run_recorded
from flowlock_core.errors import ExitCode, UsageError, WorkflowError
from flowlock_core.execute import Plan, RunLog
from flowlock_core.execute.record import Unobserved
from flowlock_core.masking import masked
from flowlock_core.parameters.params import load_params, parse_params
from flowlock_core.results import to_json
from flowlock_core.runs.blobs import Blobs
from flowlock_core.runs.followers import RunState
from flowlock_core.wt.documents import result_object
from flowlock_core.wt.spans import exported_spans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowlock_core.errors import Problem
    from flowlock_core.parameters.params import Params

# The first is that of wt; packages of ecoscope-workflows are compiled with the second.
RESULTS_VARIABLES = ("WT_RESULTS", "ECOSCOPE_WORKFLOWS_RESULTS")
_WAY_TO_ADD = "add `{parameter}` to the parameters of `{step}`"
_NOT_ENDED = "the run did not end: its process was killed, or is still running"


def results_of(environ: Mapping[str, str]) -> str:
    """Return where the environment says that results go; a path is made a URL."""
    urls = {environ[name]: name for name in RESULTS_VARIABLES if environ.get(name)}
    if not urls:
        raise UsageError(
            f"the environment variable {' or '.join(RESULTS_VARIABLES)} must be set",
            code="FL790",
            hint="set it to a URL such as file:///data/results; or use `run --params FILE`, which needs none",
        )
    if len(urls) > 1:
        raise UsageError(
            f"the environment variables {' and '.join(RESULTS_VARIABLES)} have different values",
            code="FL790",
            hint="unset one of them",
        )
    (url,) = urls
    return url if ":" in url else Path(url).absolute().as_uri()


def run(bundle: Bundle, arguments: argparse.Namespace) -> CommandOutcome:
    """Run as the runner says, and leave a result.json in every case that reaches the place of the results."""
    if arguments.only is not None:
        raise UsageError(
            "--only cannot be used with --execution-mode: it gives no result", code="FL739", hint="remove it"
        )
    if arguments.results is None:
        arguments.results = results_of(os.environ)
    if arguments.executor is None and arguments.execution_mode == "async":
        arguments.executor = "processes"
    blobs = blobs_of(arguments)
    if blobs is None:
        raise UsageError(f"{arguments.results} is not a URL", code="FL790", hint="write file:///folder")
    follower = _ResultFile(blobs)
    try:
        with exported_spans(arguments.otel_exporter, arguments.otel_console_exporter_dst, blobs):
            run_recorded(bundle, arguments, _params(arguments), write=write_result, follower=follower)
    except WorkflowError as error:
        follower.put(_failure(error))
        if not follower.begun:
            raise
        sys.stderr.write(masked(f"{error}\n"))
    except Exception as error:
        text = f"this is a bug in flowlock-core: {type(error).__name__}: {error}"
        follower.put(_document(error=masked(text), trace=masked(traceback.format_exc())))
        raise
    return CommandOutcome(document={"ok": True}, text="", code=ExitCode.DONE)


def _params(arguments: argparse.Namespace) -> "Params":
    """Return the parameters; the file is a temporary one, so paths are relative to the working directory."""
    if arguments.config_json is not None:
        params = parse_params(arguments.config_json, file="--config-json", base=Path.cwd())
    else:
        params = load_params(arguments.config_file)
    return replace(params, base=Path.cwd(), way_to_add=_WAY_TO_ADD)


def write_result(result: Any, folder: Path, *, workflow: str, inputs: Iterable[Path] = ()) -> list[Path]:
    """Write result.json in the shape of wt, and the page of a dashboard; return the paths, the page last.

    A result that is not an object is under `result` of one.
    """
    del workflow, inputs
    return write_document(_document(result=result_object(to_json(result))), result, folder)


def _document(**values: Any) -> dict[str, Any]:
    return {"result": None, "error": None, "trace": None, **values}


def _failure(error: WorkflowError) -> dict[str, Any]:
    """Return what result.json says of a failed run: its problems, and the tracebacks of its tasks."""
    problems = [replace(problem, detail="") for problem in error.problems]
    details = [problem.detail for problem in error.problems if problem.detail]
    text = str(WorkflowError(error.message, problems=problems))
    return _document(error=masked(text), trace=masked("\n".join(details)) or None)


class _ResultFile(Unobserved):
    """A follower that puts a result.json to the results when the run begins: it replaces an old one."""

    def __init__(self, blobs: Blobs) -> None:
        self.begun = False
        self._blobs = blobs

    def begin(self, _plan: Plan, _log: RunLog) -> None:
        """Replace an old result.json by one that says that this run has not ended."""
        self.put(_document(error=_NOT_ENDED))
        self.begun = True

    def ended(self, _state: RunState, _problems: "Sequence[Problem]") -> None:
        """Leave it to the run."""

    def put(self, document: Mapping[str, Any]) -> None:
        """Write a result.json that is not the run's."""
        with tempfile.TemporaryDirectory(prefix="flowlock-result-") as folder:
            path = Path(folder, RESULT)
            path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
            self._blobs.put(RESULT, path)
