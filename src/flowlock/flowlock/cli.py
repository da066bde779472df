"""The command line: arguments → options → one call → report → exit code."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from flowlock.errors import ExitCode, FlowlockError, UsageError
from flowlock.report import Lines, emit, emit_failure, progress
from flowlock.workspace import Workspace

app = typer.Typer(
    name="flowlock",
    help="From a YAML workflow spec to a released conda package, with every lockfile in step.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What every command shares."""

    directory: Path
    json: bool
    quiet: bool
    verbose: bool
    profile: str
    offline: bool

    def progress(self) -> Lines:
        """Return where this command tells how it goes: always stderr."""
        return progress(sys.stderr, quiet=self.quiet, verbose=self.verbose)

    def workspace(self) -> Workspace:
        """Return the workspace that -C or the current folder lies in."""
        from flowlock import workspace

        return workspace.load(workspace.find(self.directory))


def _version(asked: bool) -> None:  # noqa: FBT001 - typer's callback
    if asked:
        from importlib.metadata import version

        typer.echo(f"flowlock {version('flowlock')}")
        raise typer.Exit


@app.callback()
def _global(
    context: typer.Context,
    directory: Annotated[Path, typer.Option("-C", help="Run as if started in this folder.")] = Path(),
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="More progress.")] = False,
    profile: Annotated[str, typer.Option(help="conda-forge or embedded.")] = "conda-forge",
    offline: Annotated[bool, typer.Option("--offline", help="Never use the network.")] = False,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,
) -> None:
    context.obj = Options(
        directory=directory, json=json, quiet=quiet, verbose=verbose, profile=profile, offline=offline
    )


def main(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit code; the only place that maps errors to codes."""
    arguments = sys.argv[1:] if argv is None else argv
    as_json = "--json" in arguments
    try:
        outcome: Any = app(arguments, standalone_mode=False)
    except FlowlockError as error:
        emit_failure(error, as_json=as_json)
        return ExitCode.USAGE if isinstance(error, UsageError) else ExitCode.FAILED
    return int(outcome or 0)
