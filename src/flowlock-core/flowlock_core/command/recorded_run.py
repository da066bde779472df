"""The run of the command line: it is followed by its folder and its progress, and its results are written."""

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from flowlock_core.command.bundle import Bundle
from flowlock_core.command.destination import destination
from flowlock_core.command.options import executor_of, reuse_of
from flowlock_core.command.output import with_layout, write_results
from flowlock_core.command.progress import ProgressLines
from flowlock_core.command.results_folder import claimed
from flowlock_core.command.running import Hooks, run_workflow
from flowlock_core.errors import UsageError, WorkflowError
from flowlock_core.execute import Executor, Observer, Options, RunLog
from flowlock_core.execute.record import Unobserved
from flowlock_core.runs.event_lines import EventLines, appending
from flowlock_core.runs.exporters import is_traced
from flowlock_core.runs.followers import Followers, RunFollower
from flowlock_core.runs.identity import new_run_id
from flowlock_core.runs.run_folder import RunFolder, RunStart

if TYPE_CHECKING:
    from flowlock_core.parameters.params import Params
    from flowlock_core.runs.tracing import RunTrace


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenRun:
    """The id of a run, and the paths or URLs of its result."""

    id: str
    files: tuple[str, ...]


class ResultWriter(Protocol):
    """Writes the result of a workflow into a folder, and returns the paths."""

    def __call__(
        self, result: Any, folder: Path, *, workflow: str, inputs: Iterable[Path] = ()
    ) -> list[Path]:
        """Write it; `inputs` are the files that the run read."""
        ...


def run_recorded(
    bundle: Bundle,
    arguments: argparse.Namespace,
    params: "Params",
    *,
    write: ResultWriter = write_results,
    follower: RunFollower | None = None,
) -> WrittenRun:
    """Run as a command line says, and write the results; a WorkflowError if it fails.

    A `follower` also follows the run.
    """
    executor = executor_of(arguments, debugged=bundle.main is not None)
    start = RunStart(
        id=arguments.id or new_run_id(),
        workflow=bundle.function,
        params=params.by_step,
        base=params.base,
        settings=_settings(arguments, executor),
    )
    written: list[Path] = []
    with destination(arguments, start.id) as to:
        folder = None if arguments.no_history else RunFolder(to.folder, start)
        trace = _trace(start)
        lines, events = _event_lines(arguments, start), _event_file(arguments, start)
        followers = _followers(arguments, folder, to.upload, lines, events, trace, follower)
        hooks = Hooks(begin=followers.begin)
        if trace is not None:
            hooks = replace(hooks, wrap=trace.traced)
        options = Options(
            params=params.by_step,
            base=params.base,
            results=to.folder,
            mock_io=arguments.mock_io,
            observer=followers,
            executor=executor,
            jobs=arguments.jobs,
            keep_going=arguments.keep_going,
            scheduler=arguments.scheduler,
        )
        with claimed(to.folder), followers.following():
            result, log = _run(bundle, arguments, params, options, hooks)
            # What `--only` gives is not the workflow's result, so not a result to write.
            if arguments.only is None:
                result = _shown(bundle, arguments, result)
                written = write(result, to.folder, workflow=bundle.function, inputs=log.inputs)
            if folder is not None:
                folder.keep_results(written)
    return WrittenRun(id=start.id, files=tuple(map(to.address, written)))


def _run(
    bundle: Bundle, arguments: argparse.Namespace, params: "Params", options: Options, hooks: Hooks
) -> tuple[Any, RunLog]:
    """Run the workflow; return its result, and what happened."""
    main = bundle.load()
    reuse = reuse_of(arguments, options.executor, workflow=f"{bundle.package}:{bundle.function}")
    try:
        return run_workflow(main, options, params.problems, reuse=reuse, hooks=hooks)
    except UsageError:
        raise
    except WorkflowError as error:
        raise params.placed(error) from error


def _shown(bundle: Bundle, arguments: argparse.Namespace, result: Any) -> Any:
    """Return the result to write: that of the workflow, or a dashboard of the step to show."""
    if arguments.show is None:
        return with_layout(result, bundle.layout())
    from flowlock_core.command.step_dashboard import step_dashboard

    return step_dashboard(arguments.show, result)


def _followers(arguments: argparse.Namespace, *followers: RunFollower | None) -> Followers:
    present = [follower for follower in followers if follower is not None]
    return Followers(present, _progress(arguments))


def _progress(arguments: argparse.Namespace) -> Observer:
    if arguments.quiet or arguments.log == "json":
        return Unobserved()
    return ProgressLines(explain=arguments.explain)


def _event_lines(arguments: argparse.Namespace, start: RunStart) -> EventLines | None:
    if arguments.quiet or arguments.log == "text":
        return None
    return EventLines(start.id, start.workflow, _to_stderr)


def _event_file(arguments: argparse.Namespace, start: RunStart) -> EventLines | None:
    if arguments.events is None:
        return None
    return EventLines(start.id, start.workflow, appending(arguments.events))


def _to_stderr(line: str) -> None:
    sys.stderr.write(line)


def _trace(start: RunStart) -> "RunTrace | None":
    """Return the trace of a run, None if the environment does not ask for one."""
    if not is_traced():
        return None
    from flowlock_core.runs.tracing import RunTrace

    return RunTrace(start.id, start.workflow)


def _settings(arguments: argparse.Namespace, executor: Executor) -> dict[str, object]:
    """Return the options that decide how the steps run."""
    settings: dict[str, object] = {"executor": executor.value}
    names = {
        "jobs": arguments.jobs,
        "mock_io": arguments.mock_io,
        "keep_going": arguments.keep_going,
        "resume": arguments.resume,
        "only": arguments.only,
        "show": arguments.show,
        "from": arguments.start,
    }
    return settings | {name: value for name, value in names.items() if value}
