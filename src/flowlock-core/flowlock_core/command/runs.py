"""`runs ls`, `runs show` and `runs rm`: which runs are kept, what one of them did, and what is removed."""

import argparse
import json
from dataclasses import dataclass
from typing import Any

from flowlock_core.command.destination import storage_of
from flowlock_core.errors import UsageError
from flowlock_core.runs.history import RunHistory


@dataclass(frozen=True, kw_only=True, slots=True)
class RunsReport:
    """The answer of a subcommand of `runs`."""

    document: dict[str, Any]
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)


def report_of(arguments: argparse.Namespace) -> RunsReport:
    """Do what a command line says, and report it."""
    history = RunHistory(storage_of(arguments))
    match arguments.runs_action:
        case "ls":
            return listed(history)
        case "show":
            return shown(history, arguments.run)
        case _:
            return removed(history, arguments)


def listed(history: RunHistory) -> RunsReport:
    """Return the runs, the oldest first."""
    runs = [run.as_json() for run in history.runs()]
    document = {"results": history.place, "runs": runs}
    lines = []
    for run in runs:
        steps = "" if run["steps"] is None else f"{run['steps']} steps"
        line = f"{run['id']}  {run['state']:<11}  {_seconds(run['seconds']):>10}  {steps}"
        lines.append(line.rstrip())
    return RunsReport(document=document, lines=tuple(lines))


def shown(history: RunHistory, run: str) -> RunsReport:
    """Return everything about one run."""
    document = history.details(run)
    keys = ("id", "workflow", "state", "started", "ended")
    lines = [f"{key:<9} {document[key] or '-'}" for key in keys]
    lines.append(f"{'seconds':<9} {_seconds(document['seconds'])}")
    lines.append(f"{'folder':<9} {document['folder']}")
    for title, names in (("settings", document["settings"]), ("params", document["params"])):
        lines.append(f"{title}:")
        lines += [f"  {name}: {json.dumps(value, ensure_ascii=False)}" for name, value in names.items()]
    lines.append("steps:")
    for record in document["records"]:
        step = f"{record['status']:<8} {record['step']:<32} {record['task']}"
        lines.append(f"  {step}  {record['seconds']:.3f} s")
    lines += ["files:", *(f"  {name}" for name in document["files"])]
    for problem in document["problems"]:
        lines.append(f"problem: {problem.get('code')} {problem.get('message')}")
    return RunsReport(document=document, lines=tuple(lines))


def removed(history: RunHistory, arguments: argparse.Namespace) -> RunsReport:
    """Remove the named runs, or those that are old."""
    runs, older_than = arguments.runs, arguments.older_than
    if bool(runs) == (older_than is not None):
        raise UsageError(
            "`runs rm` takes either the ids of runs or --older-than",
            code="FL739",
            hint="`runs ls` lists the ids",
        )
    chosen = runs if older_than is None else history.older_than(older_than)
    gone = history.remove(chosen, force=arguments.force)
    return RunsReport(document={"removed": gone}, lines=tuple(f"removed {run}" for run in gone))


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f} s"
