"""The global options, and what every command does with them."""

import sys
from collections.abc import Callable
from contextlib import chdir
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowlock.cli.command_help import GroupedCommands
from flowlock.cli.completers import complete_packages_and_workflows, complete_workflows
from flowlock.commands.session import Profile, Session
from flowlock.errors import ExitCode, UsageError, from_os_error
from flowlock.report.reporter import PlainProgress, Result, emit, progress

if TYPE_CHECKING:
    from flowlock.workspace import Workspace


class GlobalOptions(GroupedCommands):
    """Takes its own options after the command too: `flowlock sync --offline`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the command line with the options that are ours in front, as the parser needs them."""
        return super().parse_args(ctx, self._ours_first(args))

    def _ours_first(self, args: list[str]) -> list[str]:
        ours = {name: option for option in self.params for name in option.opts if name.startswith("-")}
        first, rest, left = list[str](), list[str](), iter(args)
        for word in left:
            name, _, value = word.partition("=")
            if word == "--":
                rest += [word, *left]
            elif name not in ours:
                rest.append(word)
            elif getattr(ours[name], "is_flag", False) or value:
                first.append(word)
            elif following := list(islice(left, 1)):
                first += [word, *following]
            else:
                return [word]  # its value is missing; the parser reports it
        return first + rest


app = typer.Typer(
    name="flowlock",
    cls=GlobalOptions,
    help="From a YAML workflow spec to a released conda package, with all lockfiles in sync.",
    no_args_is_help=True,
    # `flowlock completion` does this faster.
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Workflows = Annotated[
    list[str] | None,
    typer.Argument(help="The names of workflows; default: all.", autocompletion=complete_workflows),
]
Packages = Annotated[
    list[str] | None,
    typer.Argument(
        help="The names of packages; default: all.", autocompletion=complete_packages_and_workflows
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done and why, without doing it.")]
Check = Annotated[bool, typer.Option("--check", help="Write nothing; fail if anything is out of date.")]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", "-j", min=1, help="The number of parallel builds; default: the number of cores."),
]

Locked = Annotated[bool, typer.Option("--locked", help="Fail if the lock is out of date (the default).")]
Frozen = Annotated[
    bool, typer.Option("--frozen", help="Use the lock without checking that it is up to date.")
]


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandOptions:
    """What every command shares."""

    json: bool
    quiet: bool
    verbose: bool
    profile: Profile
    offline: bool

    def progress(self) -> PlainProgress:
        """Return where this command reports progress: always stderr."""
        return progress(sys.stderr, quiet=self.quiet, verbose=self.verbose)

    def workspace(self) -> "Workspace":
        """Return the workspace that the current folder is in."""
        from flowlock import workspace

        return workspace.load(workspace.find(Path.cwd()), offline=self.offline)

    def session(self) -> Session:
        """Return what commands over a workspace work with."""
        return Session(
            workspace=self.workspace(),
            profile=self.profile,
            offline=self.offline,
            progress=self.progress(),
        )

    def emit(self, result: Result, *, verbatim: bool = False) -> int:
        """Print a result, a document verbatim, and return the exit code that it deserves."""
        emit(result, as_json=self.json, verbatim=verbatim)
        return ExitCode.DONE if result.ok else ExitCode.FAILED


def with_options(command: Callable[..., int]) -> Callable[..., int]:
    """Let a command take options that several commands share as one dataclass, whose fields they are.

    typer reads the signature; in the one that it gets, the fields replace the dataclass.
    """
    groups: dict[str, type[Any]] = {}
    parameters: list[Parameter] = []
    for parameter in signature(command, eval_str=True).parameters.values():
        if is_dataclass(parameter.annotation) and isinstance(parameter.annotation, type):
            groups[parameter.name] = parameter.annotation
            parameters += signature(parameter.annotation, eval_str=True).parameters.values()
        else:
            parameters.append(parameter)

    @wraps(command)
    def run(**values: Any) -> int:
        for name, group in groups.items():
            values[name] = group(**{field.name: values.pop(field.name) for field in fields(group)})
        return command(**values)

    keywords = [parameter.replace(kind=Parameter.KEYWORD_ONLY) for parameter in parameters]
    # What `inspect` looks at first.
    vars(run)["__signature__"] = Signature(keywords)
    return run


def trusts(*, locked: bool, frozen: bool) -> bool:
    """Return whether a lock is used without a check."""
    if locked and frozen:
        raise UsageError(
            "--locked and --frozen cannot be combined", code="FL002", hint="use only one of them"
        )
    return frozen


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
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Do not print progress.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Print more progress.")] = False,
    profile: Annotated[
        Profile, typer.Option(envvar="FLOWLOCK_PROFILE", help="The source of environments.")
    ] = Profile.CONDA_FORGE,
    offline: Annotated[bool, typer.Option("--offline", help="Never use the network.")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    try:
        context.with_resource(chdir(directory))
    except OSError as error:
        raise from_os_error(error, "go to", directory) from error
    context.obj = CommandOptions(json=json, quiet=quiet, verbose=verbose, profile=profile, offline=offline)
