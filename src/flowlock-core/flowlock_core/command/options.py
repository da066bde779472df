"""The options of `run` about executors and the cache, and what they mean."""

import argparse
import math
import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from flowlock_core.errors import UsageError, WorkflowError

if TYPE_CHECKING:
    from flowlock_core.command.parser import CommandParser
    from flowlock_core.command.reuse import Reuse
    from flowlock_core.execute import Executor

SIZE_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_ADDRESS = re.compile(
    r"(?:(?:tcp|tls|ws|wss)://)?(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})"
)
_PORTS = range(1, 65536)
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([kMGT]?)B?")


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Add how a run is executed, what it reuses, where its results go and what is printed about it."""
    add_results(parser, "where to write, a folder or a URL (file:, s3:, gs:, az:); default: ./results")
    add_executor_options(parser)
    add_reuse_options(parser)
    parser.add_argument(
        "--no-history", action="store_true", help="do not keep a folder for this run in DIR/runs"
    )
    parser.add_argument("--id", metavar="ID", type=_run_id_of, help="the id of the run; default: a new one")
    add_log_options(parser)


def add_executor_options(parser: argparse.ArgumentParser) -> None:
    """Add how the steps are executed."""
    parser.add_argument(
        "--executor",
        choices=("sequential", "threads", "processes", "dask", "eager"),
        help="how steps run; default: sequential; threads, processes and dask run independent steps and "
        "elements in parallel; eager is for debuggers, and the default of `python workflow.py`",
    )
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        type=_address_of,
        help="the Dask scheduler whose workers run the calls, as tcp://HOST:PORT; default: own workers",
    )
    parser.add_argument(
        "--jobs",
        metavar="N",
        type=_jobs_of,
        help="parallel calls; default: one for each processor",
    )
    parser.add_argument(
        "--keep-going",
        action="store_true",
        help="after a failure, run the steps that do not depend on it",
    )


def add_log_options(parser: argparse.ArgumentParser) -> None:
    """Add what is printed on stderr, and a file with the same."""
    add_line_options(parser, line="step", json_of="event")
    parser.add_argument(
        "--events", metavar="FILE", type=Path, help="also append one JSON object for each event to this file"
    )


def add_line_options(parser: argparse.ArgumentParser, *, line: str, json_of: str) -> None:
    """Add the form of the lines on stderr: there is one for each `line`, and in JSON for each `json_of`."""
    parser.add_argument(
        "--log",
        choices=("text", "json"),
        default="text",
        help=f"the lines on stderr: text, or one JSON object for each {json_of}; default: text",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help=f"do not print a line for each {line}")


def add_reuse_options(parser: argparse.ArgumentParser) -> None:
    """Add what is reused and what runs again."""
    parser.add_argument(
        "--resume", action="store_true", help="reuse cached results if code and inputs are unchanged"
    )
    parser.add_argument(
        "--only",
        metavar="STEP",
        help="run only this step again, after the steps that it needs",
    )
    parser.add_argument(
        "--show",
        metavar="STEP",
        help="write a dashboard of what this step gives, after the steps that it needs",
    )
    parser.add_argument(
        "--from", dest="start", metavar="STEP", help="run this step and all steps that depend on it again"
    )
    parser.add_argument(
        "--explain", action="store_true", help="print why each step ran, was reused or is not cached"
    )
    parser.add_argument("--no-cache", action="store_true", help="do not cache or reuse results")
    add_cache_folder(parser)


def add_cache_folder(parser: argparse.ArgumentParser) -> None:
    """Add where results are kept."""
    parser.add_argument(
        "--cache",
        metavar="DIR",
        type=Path,
        help="the cache folder; default: $FLOWLOCK_CACHE_DIR, or a folder in the user's cache",
    )


def add_cache_options(parser: "CommandParser", command: Callable[..., object]) -> None:
    """Add what is done about kept results."""
    actions = parser.add_commands()
    listing = actions.add_parser("ls", help="list the cached results", allow_abbrev=False)
    collecting = actions.add_parser(
        "gc", help="remove results that were not used recently", allow_abbrev=False
    )
    collecting.add_argument(
        "--max-size",
        metavar="SIZE",
        type=_size_of,
        default="10GB",
        help="the maximum size of the cache; default: 10GB",
    )
    collecting.add_argument(
        "--max-age",
        metavar="DAYS",
        type=_days_of,
        default=30.0,
        help="remove older results; default: 30",
    )
    clearing = actions.add_parser("clear", help="remove all cached results", allow_abbrev=False)
    for action, one in (("ls", listing), ("gc", collecting), ("clear", clearing)):
        one.set_defaults(action=command, cache_action=action)
        add_cache_folder(one)


def add_runs_options(parser: "CommandParser", command: Callable[..., object]) -> None:
    """Add what is done about the runs that are kept."""
    actions = parser.add_commands()
    listing = actions.add_parser("ls", help="list the runs and their states", allow_abbrev=False)
    showing = actions.add_parser("show", help="show one run", allow_abbrev=False)
    showing.add_argument("run", metavar="ID", help="the id of the run")
    removing = actions.add_parser("rm", help="remove runs that have ended", allow_abbrev=False)
    removing.add_argument("runs", nargs="*", metavar="ID", help="the ids of the runs")
    removing.add_argument(
        "--older-than", metavar="DAYS", type=_days_of, help="remove all runs that started before"
    )
    removing.add_argument("--force", action="store_true", help="also remove runs that seem to be running")
    for action, one in (("ls", listing), ("show", showing), ("rm", removing)):
        one.set_defaults(action=command, runs_action=action)
        add_results(one, "the results folder, or its URL; default: ./results")


def add_results(parser: argparse.ArgumentParser, description: str) -> None:
    """Add the results folder, which may be a URL."""
    parser.add_argument("--results", metavar="DIR", default="results", help=description)
    parser.add_argument(
        "--results-connection",
        metavar="NAME",
        help="the connection for an s3: URL; default: the environment, as for other tools of the store",
    )


# argparse shows the words of an ArgumentTypeError, and the name of the function for other errors.


def _address_of(text: str) -> str:
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match["port"]) not in _PORTS:
        raise argparse.ArgumentTypeError(
            f"`{text}` is not the address of a Dask scheduler, such as tcp://10.0.0.5:8786"
        )
    return text if "://" in text else f"tcp://{text}"


def _run_id_of(text: str) -> str:
    from flowlock_core.runs.identity import is_run_id, new_run_id

    if not is_run_id(text):
        raise argparse.ArgumentTypeError(f"`{text}` is not the id of a run, such as {new_run_id()}")
    return text


def _jobs_of(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"`{text}` is not an integer of 1 or more")
    return int(text)


def _days_of(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = math.nan
    if not 0 <= days < math.inf:
        raise argparse.ArgumentTypeError(f"`{text}` is not a number of days")
    return days


def _size_of(text: str) -> int:
    match = _SIZE.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(f"`{text}` is not a size such as 500MB or 2G")
    return int(float(match[1]) * SIZE_UNITS[match[2]])


def cache_folder(arguments: argparse.Namespace) -> Path:
    """Return where results are kept."""
    from flowlock_core.store.cache_folder import default_folder

    folder: Path = arguments.cache or default_folder()
    return folder.absolute()


def executor_of(arguments: argparse.Namespace, *, debugged: bool) -> "Executor":
    """Return how to execute; a workflow module that runs as a file is being debugged."""
    from flowlock_core.execute import Executor

    default = Executor.EAGER if debugged else Executor.SEQUENTIAL
    executor = Executor(arguments.executor) if arguments.executor else default
    _check_dask(arguments, executor)
    if arguments.jobs is not None and executor in (Executor.SEQUENTIAL, Executor.EAGER):
        hint = "add `--executor threads` or `--executor processes`, or omit --jobs"
        raise UsageError(f"--jobs cannot be used with {executor.value} execution", code="FL739", hint=hint)
    if arguments.keep_going and executor is Executor.EAGER:
        hint = "add `--executor sequential`"
        raise UsageError("--keep-going cannot be used with eager execution", code="FL739", hint=hint)
    return executor


def _check_dask(arguments: argparse.Namespace, executor: "Executor") -> None:
    from flowlock_core.execute import Executor

    if executor is not Executor.DASK:
        if arguments.scheduler is not None:
            hint = "add `--executor dask`, or omit --scheduler"
            message = f"--scheduler cannot be used with {executor.value} execution"
            raise UsageError(message, code="FL739", hint=hint)
        return
    if find_spec("distributed") is None:
        raise WorkflowError(
            "--executor dask needs the package distributed, which is not in the environment",
            code="FL762",
            hint='add `- {name: distributed, version: ">=2024.8"}` to `requirements` of the spec, and lock '
            "the workflow again; on one machine, `--executor processes` needs no other package",
        )


def reuse_of(arguments: argparse.Namespace, executor: "Executor", *, workflow: str) -> "Reuse | None":
    """Return which results are kept and reused; None for a run that keeps nothing."""
    from flowlock_core.command.reuse import Reuse
    from flowlock_core.execute import Executor

    given = {
        "--resume": arguments.resume,
        "--only": arguments.only,
        "--show": arguments.show,
        "--from": arguments.start,
        "--explain": arguments.explain,
    }
    options = [name for name, value in given.items() if value]
    if executor is Executor.EAGER or arguments.no_cache:
        for option in options:
            reason = "--no-cache" if arguments.no_cache else "eager execution"
            raise UsageError(f"{option} cannot be used with {reason}", code="FL739", hint=f"remove {option}")
        return None
    return Reuse(
        folder=cache_folder(arguments),
        workflow=workflow,
        resume=arguments.resume,
        only=arguments.only,
        show=arguments.show,
        start=arguments.start,
    )
