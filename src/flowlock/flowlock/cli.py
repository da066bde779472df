"""The command line: arguments → options → one call → report → exit code."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowlock.errors import ExitCode, FlowlockError, UsageError
from flowlock.report import Format, Lines, Result, emit, emit_failure, progress
from flowlock.session import Profile, Session

if TYPE_CHECKING:
    from flowlock.workspace import Workspace

app = typer.Typer(
    name="flowlock",
    help="From a YAML workflow spec to a released conda package, with every lockfile in step.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

# typer raises click's class, and from some version on its own copy of it.
COMMAND_LINE_ERROR: type[typer.BadParameter] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)

Workflows = Annotated[list[str] | None, typer.Argument(help="Names of workflows; all if none is given.")]
Packages = Annotated[list[str] | None, typer.Argument(help="Names of packages; all if none is given.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and why; do nothing.")]
Check = Annotated[bool, typer.Option("--check", help="Write nothing; fail if something is out of date.")]
Jobs = Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Builds at a time; default: cores.")]


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What every command shares."""

    directory: Path
    json: bool
    quiet: bool
    verbose: bool
    profile: Profile
    offline: bool

    def progress(self) -> Lines:
        """Return where this command tells how it goes: always stderr."""
        return progress(sys.stderr, quiet=self.quiet, verbose=self.verbose)

    def workspace(self) -> "Workspace":
        """Return the workspace that -C or the current folder lies in."""
        from flowlock import workspace

        return workspace.load(workspace.find(self.directory))

    def session(self) -> Session:
        """Return what commands over a workspace work with."""
        return Session(
            workspace=self.workspace(),
            profile=self.profile,
            offline=self.offline,
            progress=self.progress(),
        )

    def emit(self, result: Result) -> int:
        """Print a command's result and return the exit code that it deserves."""
        emit(result, as_json=self.json)
        return ExitCode.DONE if result.ok else ExitCode.FAILED


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"flowlock {version('flowlock')}")
        raise typer.Exit


@app.callback()
def _shared(
    context: typer.Context,
    directory: Annotated[Path, typer.Option("-C", help="Run as if started in this folder.")] = Path(),
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="More progress.")] = False,
    profile: Annotated[
        Profile, typer.Option(envvar="FLOWLOCK_PROFILE", help="Where environments come from.")
    ] = Profile.CONDA_FORGE,
    offline: Annotated[bool, typer.Option("--offline", help="Never use the network.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    context.obj = Options(
        directory=directory, json=json, quiet=quiet, verbose=verbose, profile=profile, offline=offline
    )


@app.command()
def init(
    context: typer.Context, directory: Annotated[Path, typer.Argument(help="The new workspace.")] = Path()
) -> int:
    """Make a new workspace that passes `sync` and `test` at once."""
    from flowlock import init as new_workspace

    options: Options = context.obj
    return options.emit(new_workspace.init(options.directory / directory))


@app.command()
def tasks(context: typer.Context, name: Annotated[str | None, typer.Argument()] = None) -> int:
    """List the known tasks, or show one task's signature and schema."""
    from flowlock import discover

    options: Options = context.obj
    return options.emit(discover.tasks(options.workspace(), name, progress=options.progress()))


@app.command()
def check(
    context: typer.Context,
    specs: Annotated[list[Path] | None, typer.Argument(help="Spec files; all if none is given.")] = None,
    form: Annotated[Format, typer.Option("--format", help="How problems are printed.")] = Format.TEXT,
) -> int:
    """Report every problem of specs and recipes, with file, line, column, code and a hint."""
    from flowlock import check as checks

    options: Options = context.obj
    paths = [options.directory / spec for spec in specs or []]
    result = checks.check(options.workspace(), paths, form=form, progress=options.progress())
    emit(result, as_json=options.json or form is Format.JSON)
    return ExitCode.DONE if result.ok else ExitCode.FAILED


@app.command(name="compile")
def compile_(context: typer.Context, workflows: Workflows = None, check: Check = False) -> int:
    """Compile specs into packages; with --check, name the files that are out of date."""
    from flowlock import compile as compiler

    options: Options = context.obj
    return options.emit(
        compiler.compile_workflows(
            options.workspace(), workflows or [], check=check, progress=options.progress()
        )
    )


@app.command()
def recipe(context: typer.Context, name: Annotated[str, typer.Argument(help="Package or workflow.")]) -> int:
    """Print the recipe that a package or workflow is built from."""
    from flowlock import build

    options: Options = context.obj
    return options.emit(build.show_recipe(options.workspace(), name))


@app.command()
def build(
    context: typer.Context,
    packages: Packages = None,
    dry_run: DryRun = False,
    jobs: Jobs = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Build again from nothing elsewhere, and compare.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option(help="Also put channel, artifacts and digests into this folder.")
    ] = None,
) -> int:
    """Build packages into the local channel: only what is stale, and say why."""
    from flowlock import sync as pipeline

    options: Options = context.obj
    settings = pipeline.BuildSettings(jobs=jobs, dry_run=dry_run, verify=verify, output=output)
    return options.emit(pipeline.build(options.session(), packages or [], settings))


@app.command()
def lock(
    context: typer.Context, workflows: Workflows = None, check: Check = False, dry_run: DryRun = False
) -> int:
    """Re-solve the lockfiles against the local channel; with --check, say why one is stale."""
    from flowlock import sync as pipeline
    from flowlock.lock import run as locks

    options: Options = context.obj
    settings = locks.Options(check=check, dry_run=dry_run)
    return options.emit(pipeline.lock(options.session(), workflows or [], settings))


@app.command()
def sync(context: typer.Context, check: Check = False, dry_run: DryRun = False, jobs: Jobs = None) -> int:
    """Build src → compile → build workflows → lock; only what is stale."""
    from flowlock import sync as pipeline

    options: Options = context.obj
    return options.emit(pipeline.sync(options.session(), check=check, dry_run=dry_run, jobs=jobs))


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
def base(context: typer.Context) -> int:
    """Make the embedded base channel: the running Python, and wheels as conda packages."""
    from flowlock import sync as pipeline

    options: Options = context.obj
    return options.emit(pipeline.base(options.session()))


@app.command()
def doctor(context: typer.Context) -> int:
    """Say what this machine has, what it lacks, and how to mend it."""
    from flowlock import doctor as doctors

    options: Options = context.obj
    return options.emit(doctors.examine(options.directory))


def main(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit code; the only place that maps errors to codes."""
    arguments = sys.argv[1:] if argv is None else argv
    try:
        return int(app(arguments, standalone_mode=False) or ExitCode.DONE)
    except typer.Exit as stop:
        return stop.exit_code
    except Exception as error:  # noqa: BLE001 - whatever nobody expected is a bug, and says so
        return _failed(error, as_json="--json" in arguments)
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("interrupted\n")
        return ExitCode.INTERRUPTED


def _failed(error: Exception, *, as_json: bool) -> ExitCode:
    if isinstance(error, COMMAND_LINE_ERROR):
        error = UsageError(error.format_message(), code="FL002", hint="see `flowlock COMMAND --help`")
    if isinstance(error, FlowlockError):
        emit_failure(error, as_json=as_json)
        return ExitCode.USAGE if isinstance(error, UsageError) else ExitCode.FAILED
    if isinstance(error, BrokenPipeError):
        # The reader of our output went away (`| head`): nothing is wrong, and nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.DONE
    import traceback

    traceback.print_exception(error)
    sys.stderr.write("this is a bug in flowlock: please report it with the lines above\n")
    return ExitCode.BUG
