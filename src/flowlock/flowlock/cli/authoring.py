"""Commands of authors: from a spec to a package."""

from pathlib import Path
from typing import Annotated

import typer

from flowlock.cli.options import Check, CommandOptions, Workflows, app
from flowlock.errors import ExitCode
from flowlock.report.reporter import Format, emit


@app.command()
def init(
    context: typer.Context, directory: Annotated[Path, typer.Argument(help="The new workspace.")] = Path()
) -> int:
    """Create a new workspace that passes `sync` and `test`."""
    from flowlock.commands import init as new_workspace

    options: CommandOptions = context.obj
    return options.emit(new_workspace.init(directory))


@app.command()
def workflows(context: typer.Context) -> int:
    """List the workflows with title and version, and whether package and lock are in sync."""
    from flowlock.commands import workflows as listing

    options: CommandOptions = context.obj
    return options.emit(listing.workflows(options.session()))


@app.command()
def graph(
    context: typer.Context,
    workflow: Annotated[str, typer.Argument(help="The name of a workflow.")],
    svg: Annotated[bool, typer.Option("--svg", help="Write SVG instead of a Mermaid flowchart.")] = False,
    output: Annotated[Path | None, typer.Option(help="Write to this file instead of stdout.")] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the picture in the browser.")] = False,
) -> int:
    """Draw the steps of a workflow from its current spec."""
    from flowlock.commands import graph as graphs

    options: CommandOptions = context.obj
    form = graphs.GraphForm.SVG if svg else graphs.GraphForm.MERMAID
    return options.emit(graphs.graph(options.session(), workflow, form=form, output=output, show=show))


@app.command()
def tasks(context: typer.Context, name: Annotated[str | None, typer.Argument()] = None) -> int:
    """List all tasks, or show the signature and schema of one task."""
    from flowlock.commands import tasks as task_commands

    options: CommandOptions = context.obj
    return options.emit(task_commands.tasks(options.workspace(), name, progress=options.progress()))


@app.command()
def check(
    context: typer.Context,
    specs: Annotated[
        list[Path] | None, typer.Argument(help="Spec files, or folders that contain them; default: all.")
    ] = None,
    form: Annotated[
        Format, typer.Option("--format", help="The format in which problems are printed.")
    ] = Format.TEXT,
    strict: Annotated[bool, typer.Option("--strict", help="Treat warnings as errors.")] = False,
) -> int:
    """Report all problems of specs and recipes with file, line, column, code and hint."""
    from flowlock.commands import check as checks
    from flowlock.commands.tasks import EnvironmentLookup

    options: CommandOptions = context.obj
    session = options.session()
    result = checks.check(
        session.workspace,
        specs or [],
        form=form,
        progress=session.progress,
        lookup=EnvironmentLookup(session=session),
        strict=strict,
    )
    emit(result, as_json=options.json or form is Format.JSON)
    return ExitCode.DONE if result.ok else ExitCode.FAILED


@app.command()
def explain(
    context: typer.Context,
    code: Annotated[str | None, typer.Argument(help="A problem code such as FL120; default: all.")] = None,
) -> int:
    """Describe a problem code, with an example and a fix."""
    from flowlock.commands import explain as explanations

    options: CommandOptions = context.obj
    return options.emit(explanations.explain(code))


schemas = typer.Typer(help="JSON Schemas for editors and forms.", no_args_is_help=True)
app.add_typer(schemas, name="schema")


@schemas.command(name="spec")
def schema_spec(context: typer.Context) -> int:
    """Print the JSON Schema of a spec, with the names and arguments of all tasks."""
    from flowlock.commands import tasks as task_commands

    options: CommandOptions = context.obj
    return options.emit(task_commands.schema(options.workspace(), progress=options.progress()))


@app.command(name="compile")
def compile_(context: typer.Context, workflows: Workflows = None, check: Check = False) -> int:
    """Compile specs into packages; with --check, list the files that are out of date."""
    from flowlock.commands.compile import compile_workflows
    from flowlock.commands.tasks import EnvironmentLookup

    options: CommandOptions = context.obj
    session = options.session()
    return options.emit(
        compile_workflows(
            session.workspace,
            workflows or [],
            check=check,
            progress=session.progress,
            lookup=EnvironmentLookup(session=session),
        )
    )


@app.command()
def recipe(context: typer.Context, name: Annotated[str, typer.Argument(help="Package or workflow.")]) -> int:
    """Print the recipe of a package or workflow."""
    from flowlock.commands.recipe import show_recipe

    options: CommandOptions = context.obj
    return options.emit(show_recipe(options.workspace(), name))
