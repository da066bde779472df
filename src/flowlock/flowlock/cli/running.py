"""Commands that run workflows, and the one that looks at the machine."""

from pathlib import Path
from typing import Annotated

import typer

from flowlock.cli.command_help import Panel
from flowlock.cli.completers import complete_workflows
from flowlock.cli.options import CommandOptions, Frozen, Locked, Workflows, app, trusts

Workflow = Annotated[str, typer.Argument(help="The name of a workflow.", autocompletion=complete_workflows)]
Params = Annotated[Path | None, typer.Option(help="Parameters; default: the workflow's params.yaml.")]


@app.command(rich_help_panel=Panel.RUN)
def run(
    context: typer.Context,
    workflow: Workflow,
    params: Params = None,
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
        frozen=trusts(locked=locked, frozen=frozen),
    )
    return options.emit(result)


@app.command(rich_help_panel=Panel.RUN)
def serve(
    context: typer.Context,
    workflow: Workflow,
    more: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- OPTIONS]", help="More options of the workflow's own `serve`."),
    ] = None,
    host: Annotated[
        str | None, typer.Option(help="The address to listen on; default: only this machine.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="The port; 0 selects a free one.")
    ] = None,
    results: Annotated[
        str | None, typer.Option(help="Where runs are kept; default: .flowlock/services/WORKFLOW.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="The number of parallel runs.")] = None,
    locked: Locked = False,
    frozen: Frozen = False,
) -> int:
    """Install a workflow from its lock and serve it until interrupted."""
    from flowlock.commands import serve as service

    options: CommandOptions = context.obj
    given = {"--host": host, "--port": port, "--workers": workers}
    passed = [f"{name}={value}" for name, value in given.items() if value is not None]
    if options.json:
        passed.append("--json")
    return service.serve(
        options.session(),
        workflow,
        [*passed, *(more or ())],
        results=results,
        frozen=trusts(locked=locked, frozen=frozen),
    )


@app.command(rich_help_panel=Panel.WRITE)
def preview(
    context: typer.Context,
    workflow: Workflow,
    params: Params = None,
    step: Annotated[
        str | None, typer.Option(metavar="ID", help="Show what this step gives, not the dashboard.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 selects a free one.")] = 0,
    show: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the browser, or only print the address.")
    ] = True,
) -> int:
    """Show a workflow's dashboard in the browser, and again after each edit."""
    from flowlock.commands import preview as previews

    options: CommandOptions = context.obj
    chosen = previews.PreviewOptions(params=params, step=step, port=port, show=show, json=options.json)
    return previews.preview(options.session(), workflow, chosen)


@app.command(rich_help_panel=Panel.RUN)
def test(
    context: typer.Context, workflows: Workflows = None, locked: Locked = False, frozen: Frozen = False
) -> int:
    """Install workflows from their locks and run their test cases."""
    from flowlock.commands import run as runs

    options: CommandOptions = context.obj
    result = runs.test(options.session(), workflows or [], frozen=trusts(locked=locked, frozen=frozen))
    return options.emit(result)


@app.command(rich_help_panel=Panel.LOOK_AFTER)
def doctor(
    context: typer.Context,
    forge: Annotated[
        bool,
        typer.Option("--forge", help="Also check whether the forge requires reviews of the main branch."),
    ] = False,
) -> int:
    """Check this machine, and print how to fix what is missing."""
    from flowlock.commands.doctor import examine
    from flowlock.commands.doctor_forge import examine_with_forge

    options: CommandOptions = context.obj
    return options.emit(examine_with_forge(Path.cwd()) if forge else examine(Path.cwd()))
