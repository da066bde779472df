"""Commands that run workflows, and the one that looks at the machine."""

from pathlib import Path
from typing import Annotated

import typer

from flowlock.cli.options import CommandOptions, Workflows, app
from flowlock.errors import UsageError

Locked = Annotated[bool, typer.Option("--locked", help="Fail if the lock is out of date (the default).")]
Frozen = Annotated[
    bool, typer.Option("--frozen", help="Use the lock without checking that it is up to date.")
]


def _trusts(*, locked: bool, frozen: bool) -> bool:
    if locked and frozen:
        raise UsageError(
            "--locked and --frozen cannot be combined", code="FL002", hint="use only one of them"
        )
    return frozen


@app.command()
def run(
    context: typer.Context,
    workflow: str,
    params: Annotated[
        Path | None, typer.Option(help="Parameters; default: the workflow's params.yaml.")
    ] = None,
    results: Annotated[
        Path | None, typer.Option(help="The folder for results; default: .flowlock/results/WORKFLOW.")
    ] = None,
    if_changed: Annotated[
        bool, typer.Option("--if-changed", help="Do not run if results for the same inputs exist.")
    ] = False,
    locked: Locked = False,
    frozen: Frozen = False,
) -> int:
    """Install a workflow from its lock and run it."""
    from flowlock.commands import run as runs

    options: CommandOptions = context.obj
    result = runs.run(
        options.session(),
        workflow,
        params=params,
        results=results,
        if_changed=if_changed,
        frozen=_trusts(locked=locked, frozen=frozen),
    )
    return options.emit(result)


@app.command()
def test(
    context: typer.Context, workflows: Workflows = None, locked: Locked = False, frozen: Frozen = False
) -> int:
    """Install workflows from their locks and run their test cases."""
    from flowlock.commands import run as runs

    options: CommandOptions = context.obj
    trusts = _trusts(locked=locked, frozen=frozen)
    return options.emit(runs.test(options.session(), workflows or [], frozen=trusts))


@app.command()
def doctor(context: typer.Context) -> int:
    """Check this machine, and print how to fix what is missing."""
    from flowlock.commands import doctor as doctors

    options: CommandOptions = context.obj
    return options.emit(doctors.examine(Path.cwd()))
