"""Commands of authors: from a spec to a package."""

from pathlib import Path
from typing import Annotated

import typer

from flowlock.cli.command_help import GroupedCommands, Panel
from flowlock.cli.completers import (
    complete_codes,
    complete_packages_and_workflows,
    complete_tasks,
    complete_workflows,
)
from flowlock.cli.options import Check, CommandOptions, Workflows, app
from flowlock.edges.forge import Forge
from flowlock.errors import ExitCode
from flowlock.report.reporter import Format, emit
from flowlock.scaffold.editors import Editor


@app.command(rich_help_panel=Panel.WRITE)
def init(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(help="The new workspace.")] = Path(),
    editor: Annotated[
        Editor | None, typer.Option(help="Also write the settings of an editor: completion, checks, tasks.")
    ] = None,
    forge: Annotated[
        Forge, typer.Option(help="The forge whose Actions build, publish and deploy.")
    ] = Forge.GITHUB,
    repository: Annotated[
        str | None, typer.Option(metavar="URL", help="The repository at the forge: https://HOST/OWNER/REPO.")
    ] = None,
) -> int:
    """Create a new workspace that passes `sync` and `test`."""
    from flowlock.commands import init as new_workspace

    options: CommandOptions = context.obj
    made = new_workspace.init(directory, editor=editor, forge=forge, repository=repository)
    return options.emit(made)


news = typer.Typer(
    cls=GroupedCommands,
    help="New workflows, packages, tasks and locations that pass `check` and `test`.",
    no_args_is_help=True,
)
app.add_typer(news, name="new", rich_help_panel=Panel.WRITE)


@news.command(name="workflow")
def new_workflow(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The name of the workflow, and of its folder.")],
    data: Annotated[
        Path | None,
        typer.Option("--from-data", help="A table to copy and to begin with; default: a small sample."),
    ] = None,
) -> int:
    """Create a workflow over a table: a spec with a first chart, parameters and a test case."""
    from flowlock.commands import new

    options: CommandOptions = context.obj
    return options.emit(new.new_workflow(options.workspace(), name, data=data, progress=options.progress()))


@news.command(name="package")
def new_package(
    context: typer.Context, name: Annotated[str, typer.Argument(help="The name of the distribution.")]
) -> int:
    """Create a package for tasks, with its recipe."""
    from flowlock.commands import new

    options: CommandOptions = context.obj
    return options.emit(new.new_package(options.workspace(), name))


@news.command(name="task")
def new_task(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The name of the function that specs will use.")],
    package: Annotated[
        str | None, typer.Option(help="The package of the workspace; default: the only one.")
    ] = None,
) -> int:
    """Create a task in a package: function, entry point, requirements and test."""
    from flowlock.commands import new

    options: CommandOptions = context.obj
    return options.emit(new.new_task(options.workspace(), name, package=package, progress=options.progress()))


@news.command(name="location")
def new_location(
    context: typer.Context, name: Annotated[str, typer.Argument(help="The name of the location.")]
) -> int:
    """Create a code location of Dagster: all workflows, and a package of hand-written jobs."""
    from flowlock.commands import new_location as locations

    options: CommandOptions = context.obj
    return options.emit(locations.new_location(options.workspace(), name))


@app.command(rich_help_panel=Panel.LOOK_AFTER)
def workflows(context: typer.Context) -> int:
    """List the workflows with title and version, and whether package and lock are in sync."""
    from flowlock.commands import workflows as listing

    options: CommandOptions = context.obj
    return options.emit(listing.workflows(options.session()))


@app.command(rich_help_panel=Panel.WRITE)
def graph(
    context: typer.Context,
    workflow: Annotated[
        str, typer.Argument(help="The name of a workflow.", autocompletion=complete_workflows)
    ],
    svg: Annotated[bool, typer.Option("--svg", help="Write SVG instead of a Mermaid flowchart.")] = False,
    output: Annotated[Path | None, typer.Option(help="Write to this file instead of stdout.")] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the picture in the browser.")] = False,
) -> int:
    """Draw the steps of a workflow from its current spec."""
    from flowlock.commands import graph as graphs

    options: CommandOptions = context.obj
    form = graphs.GraphForm.SVG if svg else graphs.GraphForm.MERMAID
    return options.emit(
        graphs.graph(options.session(), workflow, form=form, output=output, show=show), verbatim=True
    )


@app.command(rich_help_panel=Panel.WRITE)
def tasks(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="The name of a task; default: all.", autocompletion=complete_tasks)
    ] = None,
) -> int:
    """List all tasks, or show the signature and schema of one task."""
    from flowlock.commands import tasks as task_commands

    options: CommandOptions = context.obj
    return options.emit(task_commands.tasks(options.workspace(), name, progress=options.progress()))


@app.command(rich_help_panel=Panel.WRITE)
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
    emit(result, as_json=options.json or form is Format.JSON, verbatim=form is Format.GITHUB)
    return ExitCode.DONE if result.ok else ExitCode.FAILED


@app.command(rich_help_panel=Panel.WRITE)
def explain(
    context: typer.Context,
    code: Annotated[
        str | None,
        typer.Argument(help="A problem code such as FL120; default: all.", autocompletion=complete_codes),
    ] = None,
) -> int:
    """Describe a problem code, with an example and a fix."""
    from flowlock.commands import explain as explanations

    options: CommandOptions = context.obj
    return options.emit(explanations.explain(code))


schemas = typer.Typer(cls=GroupedCommands, help="JSON Schemas for editors and forms.", no_args_is_help=True)
app.add_typer(schemas, name="schema", rich_help_panel=Panel.WRITE)


@schemas.command(name="spec")
def schema_spec(context: typer.Context) -> int:
    """Print the JSON Schema of a spec, with the names and arguments of all tasks."""
    from flowlock.commands import schema

    options: CommandOptions = context.obj
    return options.emit(
        schema.spec_schema_of(options.workspace(), progress=options.progress()), verbatim=True
    )


@schemas.command(name="workspace")
def schema_workspace(context: typer.Context) -> int:
    """Print the JSON Schema of flowlock.toml."""
    from flowlock.commands import schema

    options: CommandOptions = context.obj
    return options.emit(schema.workspace_schema(), verbatim=True)


@app.command(name="compile", rich_help_panel=Panel.WRITE)
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


@app.command(rich_help_panel=Panel.WRITE)
def recipe(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(help="Package or workflow.", autocompletion=complete_packages_and_workflows)
    ],
) -> int:
    """Print the recipe of a package or workflow."""
    from flowlock.commands.recipe import show_recipe

    options: CommandOptions = context.obj
    return options.emit(show_recipe(options.workspace(), name), verbatim=True)


life = typer.Typer(
    cls=GroupedCommands,
    help="The next version of a workflow, another name for it, and its end.",
    no_args_is_help=True,
)
app.add_typer(life, name="workflow", rich_help_panel=Panel.WRITE)

WorkflowName = Annotated[
    str, typer.Argument(help="The name of a workflow.", autocompletion=complete_workflows)
]
Url = Annotated[
    str | None,
    typer.Option(help="The address of a Dagster webserver: refuse also what runs, waits or is on there."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the changes instead of making them.")]


@life.command(name="version")
def workflow_version(
    context: typer.Context,
    name: WorkflowName,
    replace: Annotated[
        bool, typer.Option("--replace", help="Let the location run it in place of the old version.")
    ] = False,
    url: Url = None,
    dry_run: DryRun = False,
) -> int:
    """Copy a workflow as its next version, NAME-ver-2, whose job is beside the old one."""
    from flowlock.commands.workflow_life import new_version

    options: CommandOptions = context.obj
    return options.emit(
        new_version(
            options.workspace(),
            name,
            replacing=replace,
            url=url,
            dry_run=dry_run,
            progress=options.progress(),
        )
    )


@life.command(name="rename")
def workflow_rename(
    context: typer.Context,
    old: WorkflowName,
    new: Annotated[str, typer.Argument(help="The new name.")],
    url: Url = None,
    dry_run: DryRun = False,
) -> int:
    """Rename a workflow: folder, id and flowlock.toml; refused while anything else refers to it."""
    from flowlock.commands.workflow_life import rename

    options: CommandOptions = context.obj
    return options.emit(
        rename(options.workspace(), old, new, url=url, dry_run=dry_run, progress=options.progress())
    )


@life.command(name="remove")
def workflow_remove(
    context: typer.Context,
    name: WorkflowName,
    for_good: Annotated[
        bool, typer.Option("--for-good", help="Also delete its spec, data, package, tests and lock.")
    ] = False,
    with_schedules: Annotated[
        bool, typer.Option("--with-schedules", help="Also remove its schedules from flowlock.toml.")
    ] = False,
    url: Url = None,
    dry_run: DryRun = False,
) -> int:
    """Remove a workflow from the location; refused while anything refers to it. No run is deleted."""
    from flowlock.commands.workflow_life import remove

    options: CommandOptions = context.obj
    return options.emit(
        remove(
            options.workspace(),
            name,
            for_good=for_good,
            with_schedules=with_schedules,
            url=url,
            dry_run=dry_run,
        )
    )
