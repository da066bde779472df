"""`python -m flowlock_core.command.describe`: the signatures of tasks as one JSON document on stdout.

Whatever imported packages print goes to stderr. A task that cannot be imported is listed under `errors`; the
others are still described. Literal values can be checked against the tasks at the same time.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from flowlock_core.command.streams import stdout_kept_clean
from flowlock_core.foreign import ForeignError, call_foreign
from flowlock_core.parameters.literals import LiteralCheck, check_literal
from flowlock_core.registry import Registration, registrations
from flowlock_core.schema import signature


def describe(registered: Sequence[Registration]) -> dict[str, list[dict[str, Any]]]:
    """Describe each task that can be imported; collect why the others cannot."""
    tasks: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for registration in registered:
        owner = {"distribution": registration.distribution, "task": registration.name}
        package = registration.target.partition(":")[0].partition(".")[0]
        described = call_foreign(partial(_signature, registration), package)
        if isinstance(described, ForeignError):
            errors.append({**owner, "message": described.message})
        else:
            tasks.append(described)
    return {"tasks": tasks, "errors": errors}


def _signature(registration: Registration) -> dict[str, Any]:
    task = registration.load()
    return signature(task, name=registration.name, distribution=registration.distribution).as_json()


def from_file(path: Path) -> list[Registration]:
    """Read registrations from a JSON file: {distribution: {task: "module:attribute"}}."""
    document = json.loads(path.read_text(encoding="utf-8"))
    return sorted(
        Registration(name=name, distribution=distribution, target=target)
        for distribution, tasks in document.items()
        for name, target in tasks.items()
    )


def verdicts(checks: Sequence[LiteralCheck], registered: Sequence[Registration]) -> Iterator[dict[str, Any]]:
    """Yield what each task of a check's name says of the literal; `refusals` is null if it cannot say."""
    for check in checks:
        for registration in registered:
            if registration.name == check.task:
                refusals = check_literal(check, registration)
                yield {
                    "distribution": registration.distribution,
                    "check": check.as_json(),
                    "refusals": None if refusals is None else [refusal.as_json() for refusal in refusals],
                }


def main(argv: Sequence[str] | None = None) -> int:
    """Describe the installed tasks, or those of a file."""
    parser = argparse.ArgumentParser(prog="python -m flowlock_core.command.describe", description=__doc__)
    parser.add_argument("--entry-points", type=Path, metavar="FILE", help="describe these tasks instead")
    parser.add_argument("--literals", type=Path, metavar="FILE", help="also check these values")
    options = parser.parse_args(argv)
    with stdout_kept_clean():
        registered = from_file(options.entry_points) if options.entry_points else registrations()
        checks: list[LiteralCheck] = []
        if options.literals:
            literals = json.loads(options.literals.read_text(encoding="utf-8"))
            checks = [LiteralCheck.from_json(literal) for literal in literals]
        document = {**describe(registered), "literals": list(verdicts(checks, registered))}
    sys.stdout.write(json.dumps(document, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
