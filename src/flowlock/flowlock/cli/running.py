"""Commands that run workflows, and the one that looks at the machine."""

from pathlib import Path
from typing import Annotated

import typer

from flowlock.cli.options import Options, Workflows, app


@app.command()
def run(
    context: typer.Context,
    workflow: str,
    params: Annotated[
        Path | None, typer.Option(help="Parameters; default: the workflow's params.yaml.")
    ] = None,
    results: Annotated[
        Path | None, typer.Option(help="Where results go; default: .flowlock/results/WORKFLOW.")
    ] = None,
    if_changed: Annotated[
        bool, typer.Option("--if-changed", help="Not if the results of the same inputs are there.")
    ] = False,
) -> int:
    """Install a workflow from its lock and run it."""
    from flowlock import run as runs

    options: Options = context.obj
    result = runs.run(options.session(), workflow, params=params, results=results, if_changed=if_changed)
    return options.emit(result)


@app.command()
def test(context: typer.Context, workflows: Workflows = None) -> int:
    """Install workflows from their locks and run their test cases."""
    from flowlock import run as runs

    options: Options = context.obj
    return options.emit(runs.test(options.session(), workflows or []))


@app.command()
def doctor(context: typer.Context) -> int:
    """Say what this machine has, what it lacks, and how to mend it."""
    from flowlock import doctor as doctors

    options: Options = context.obj
    return options.emit(doctors.examine(options.directory))
