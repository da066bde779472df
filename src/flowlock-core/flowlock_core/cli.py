"""The command of a compiled workflow: its subcommands, what they print, and how they fail."""

import argparse
import errno
import json
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from flowlock_core.command.bundle import Bundle
from flowlock_core.command.completion import SHELLS, script
from flowlock_core.command.options import add_cache_options, add_run_options, add_runs_options
from flowlock_core.command.outcome import CommandOutcome
from flowlock_core.command.parser import CommandParser
from flowlock_core.command.streams import stdout_kept_clean
from flowlock_core.errors import ExitCode, UsageError, WorkflowError
from flowlock_core.masking import masked, masked_document

if TYPE_CHECKING:
    from flowlock_core.execute import Workflow
    from flowlock_core.parameters.params import Params


# The command line of wt has these options, which ours has not, and its subcommand `get`.
_OPTIONS_OF_WT = {"run": ("--config-file", "--config-json", "--execution-mode"), "convert": ("--from",)}


def main(workflow: str, argv: Sequence[str] | None = None) -> int:
    """Run the command of the workflow `module:function`; return the exit code."""
    bundle = Bundle.named(workflow)
    arguments = sys.argv[1:] if argv is None else argv
    # What the caller has closed is not wanted.
    sys.stdout, sys.stderr = sys.stdout or _nowhere(), sys.stderr or _nowhere()
    command = partial(_main, bundle, arguments)
    if argv is None and arguments[:1] in (["run"], ["test"]):
        from flowlock_core.command.interrupts import supervised

        return supervised(command, partial(_reported, arguments=arguments), arguments)
    return command()


def run_alone(workflow: "Workflow", file: str) -> int:
    """Run a workflow whose module runs as a file: the arguments are those of `run`."""
    return _main(Bundle.of_file(workflow, file), ["run", *sys.argv[1:]])


def _main(bundle: Bundle, arguments: Sequence[str]) -> int:
    as_json = "--json" in arguments
    try:
        options = _parser_for(bundle, arguments).parse_args(arguments)
        with stdout_kept_clean() if as_json else nullcontext():
            outcome: CommandOutcome = options.action(bundle, options)
        sys.stdout.write(_json(outcome.document) if as_json else outcome.text)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output has gone; the interpreter must not flush into the closed pipe at exit.
        sys.stdout = _nowhere()
        return ExitCode.DONE
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - whatever nobody expected is a bug
        return _failed(error, arguments)
    return outcome.code


def _failed(error: BaseException, arguments: Sequence[str]) -> ExitCode:
    if isinstance(error, KeyboardInterrupt):
        from flowlock_core.command.interrupts import interrupted

        reported, code = interrupted(arguments), ExitCode.INTERRUPTED
    elif isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        sys.stdout = _nowhere()
        text = f"cannot write the output: {error.strerror}"
        reported, code = WorkflowError(text, code="FL734", hint="free some space"), ExitCode.FAILED
    elif not isinstance(error, WorkflowError):
        sys.stderr.write(masked("".join(traceback.format_exception(error))))
        text = "this is a bug in flowlock-core; please report the lines above"
        reported, code = WorkflowError(text, code="FL004"), ExitCode.BUG
    else:
        reported = error
        code = ExitCode.USAGE if isinstance(error, UsageError) else ExitCode.FAILED
    return _reported(reported, code, arguments)


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _reported(reported: WorkflowError, code: ExitCode, arguments: Sequence[str]) -> ExitCode:
    """Report an error on stderr, with --json also on stdout; return the exit code."""
    # They may be arguments that cannot be parsed.
    if "--log=json" in arguments or ("--log", "json") in pairwise(arguments):
        from flowlock_core.runs.event_lines import failure_line

        sys.stderr.write(failure_line(reported, code))
    else:
        sys.stderr.write(masked(f"{reported}\n"))
    if "--json" in arguments:
        sys.stdout.write(_json(masked_document(reported.as_json())))
    return code


def _json(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _parser_for(bundle: Bundle, arguments: Sequence[str]) -> CommandParser:
    """Return the parser of a command line: ours, or that of wt."""
    command = arguments[0] if arguments else ""
    names = {argument.partition("=")[0] for argument in arguments}
    if command != "get" and names.isdisjoint(_OPTIONS_OF_WT.get(command, ())):
        return _parser(bundle, arguments)
    from flowlock_core.wt.command import wt_parser

    return wt_parser(bundle.command)


def _parser(bundle: Bundle, arguments: Sequence[str]) -> CommandParser:
    """Return the parser, with the subcommands of other distributions unless one of the core is called."""
    parser = CommandParser(prog=bundle.command, allow_abbrev=False)
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_commands()
    _add_run(commands, bundle)

    template = commands.add_parser(
        "params", help="print a parameters file with comments to fill in", allow_abbrev=False
    )
    template.add_argument("--output", metavar="FILE", type=Path, help="write it to this new file")
    template.set_defaults(action=_params)

    schema = commands.add_parser("schema", help="print the JSON Schema of the parameters")
    schema.set_defaults(action=partial(_packaged, name="params.schema.json"))

    form = commands.add_parser("form", help="print the form: its JSON Schema and UI schema")
    form.set_defaults(action=partial(_packaged, name="form.json"))

    convert = commands.add_parser(
        "convert", help="convert parameters to form data, or form data to parameters", allow_abbrev=False
    )
    convert.add_argument("source", metavar="FILE", help="YAML or JSON; - reads stdin")
    convert.add_argument("--to", choices=("form", "params"), required=True, help="what to print, as JSON")
    convert.set_defaults(action=_convert)

    graph = commands.add_parser("graph", help="print the steps as a Mermaid flowchart")
    graph.set_defaults(action=_graph)

    test = commands.add_parser("test", help="run test cases", allow_abbrev=False)
    test.add_argument("cases", metavar="CASES.yaml", type=Path)
    test.add_argument("--case", action="append", default=[], metavar="ID", help="the case to run; repeatable")
    test.add_argument("--results", metavar="DIR", type=Path, help="the folder in which results are kept")
    test.set_defaults(action=_test)
    _add_connections(commands)
    completion = commands.add_parser("completion", help="print a completion script for a shell")
    completion.add_argument("shell", choices=SHELLS, help='for example: eval "$(%(prog)s bash)"')
    completion.set_defaults(action=_completion)
    add_cache_options(commands.add_parser("cache", help="manage the cached results of runs"), _cache)
    add_runs_options(commands.add_parser("runs", help="list, show or remove runs"), _runs)
    refused: Sequence[str] = ()
    called = [argument for argument in arguments if not argument.startswith("-")][:1]
    if not called or called[0] not in commands.choices:
        from flowlock_core.command.extensions import add_extensions

        refused = add_extensions(commands, bundle)
    parser.more = partial(_about, bundle, refused)
    return parser


def _add_run(commands: "argparse._SubParsersAction[CommandParser]", bundle: Bundle) -> None:
    run = commands.add_parser("run", help="run the workflow and write its results", allow_abbrev=False)
    run.more = partial(_listed_parameters, bundle)
    _add_parameters(run)
    run.add_argument("--mock-io", action="store_true", help="use packaged examples instead of reading data")
    add_run_options(run)
    run.set_defaults(action=_run)


def _add_parameters(parser: CommandParser) -> None:
    parser.add_argument("--params", metavar="FILE", help="parameters in YAML or JSON; - reads stdin")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="STEP.PARAMETER=VALUE",
        help="set one parameter, in YAML; overrides the file; repeatable",
    )


def _add_connections(commands: "argparse._SubParsersAction[CommandParser]") -> None:
    parser = commands.add_parser("connections", help="list or test the connections of the workflow")
    actions = parser.add_commands()
    listing = actions.add_parser("ls", help="list the connections, without secrets", allow_abbrev=False)
    listing.set_defaults(action=_connections, connect=False, names=[])
    check = actions.add_parser("check", help="test each connection", allow_abbrev=False)
    check.add_argument("names", nargs="*", metavar="NAME", help="the connections; default: all that are used")
    check.set_defaults(action=_connections, connect=True)
    for one in (listing, check):
        _add_parameters(one)


class _Version(argparse.Action):
    """Look the version up only when needed, because that reads the metadata of installed packages."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            installed = version(parser.prog)
        except PackageNotFoundError:
            installed = "(not installed)"
        sys.stdout.write(f"{parser.prog} {installed}\n")
        parser.exit()


def _about(bundle: Bundle, refused: Sequence[str]) -> str:
    """Return the workflow's title and description, the next things to look at, and what was refused."""
    schema = bundle.params_schema()
    words = [schema[key] for key in ("title", "description") if schema.get(key)]
    words.append(f"`{bundle.command} run --help` lists the parameters.")
    words.append(f"`{bundle.command} params` prints a parameters file to fill in.")
    words += refused
    return "\n\n".join(words) + "\n"


def _listed_parameters(bundle: Bundle) -> str:
    from flowlock_core.command.parameter_texts import listing

    return listing(bundle.params_schema())


def _run(bundle: Bundle, arguments: argparse.Namespace) -> CommandOutcome:
    from flowlock_core.command.recorded_run import run_recorded

    run = run_recorded(bundle, arguments, _with_answers(bundle, arguments, _parameters(arguments)))
    paths = list(run.files)
    document = {"ok": True, "run": run.id, "files": paths}
    return CommandOutcome(document=document, text="".join(f"{path}\n" for path in paths))


def _with_answers(bundle: Bundle, arguments: argparse.Namespace, params: "Params") -> "Params":
    """Ask for missing required parameters at a terminal; elsewhere the run refuses them."""
    silent = arguments.json or arguments.quiet or arguments.mock_io
    if silent or params.problems or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return params
    from flowlock_core.command.asking import ask, missing
    from flowlock_core.command.parameter_texts import parameters
    from flowlock_core.parameters.settings import with_values

    return with_values(params, ask(missing(parameters(bundle.params_schema()), params.by_step)))


def _params(bundle: Bundle, arguments: argparse.Namespace) -> CommandOutcome:
    from flowlock_core.command.output import write_text
    from flowlock_core.command.parameter_texts import template

    text = template(bundle.params_schema())
    if arguments.output is None:
        return CommandOutcome(document={"template": text, "file": None}, text=text)
    if arguments.output.exists():
        raise UsageError(f"{arguments.output} exists already", code="FL739", hint="name a new file")
    write_text(arguments.output, text)
    path = str(arguments.output)
    return CommandOutcome(document={"template": text, "file": path}, text=f"{path}\n")


def _completion(bundle: Bundle, arguments: argparse.Namespace) -> CommandOutcome:
    from flowlock_core.command.parameter_texts import parameters

    settings = [f"{parameter.path}=" for parameter in parameters(bundle.params_schema())]
    text = script(arguments.shell, _parser(bundle, []), settings)
    return CommandOutcome(document={"shell": arguments.shell, "script": text}, text=text)


def _parameters(arguments: argparse.Namespace) -> "Params":
    from flowlock_core.parameters.params import Params, load_params
    from flowlock_core.parameters.settings import with_values

    params = load_params(arguments.params) if arguments.params else Params(by_step={}, base=Path.cwd())
    return with_values(params, arguments.set)


def _cache(_bundle: Bundle, arguments: argparse.Namespace) -> CommandOutcome:
    from flowlock_core.command.cache import report_of

    report = report_of(arguments)
    return CommandOutcome(document=report.as_json(), text=str(report))


def _runs(_bundle: Bundle, arguments: argparse.Namespace) -> CommandOutcome:
    from flowlock_core.command.runs import report_of

    report = report_of(arguments)
    return CommandOutcome(document=report.document, text=str(report))


def _packaged(bundle: Bundle, _arguments: argparse.Namespace, *, name: str) -> CommandOutcome:
    text = bundle.required_text(name)
    return CommandOutcome(document=json.loads(text), text=text)


def _convert(bundle: Bundle, arguments: argparse.Namespace) -> CommandOutcome:
    from flowlock_core.parameters.formdata import to_form, to_params
    from flowlock_core.parameters.params import load_params
    from flowlock_core.results import to_json

    groups = json.loads(bundle.required_text("form.json")).get("groups", {})
    steps = json.loads(bundle.required_text("params.schema.json"))["properties"]
    # Form data is a mapping of mappings too.
    source = load_params(arguments.source)
    if source.problems:
        raise WorkflowError(f"{arguments.source} cannot be converted", problems=source.problems)
    convert = to_form if arguments.to == "form" else to_params
    document = to_json(convert(source.by_step, groups, steps))
    return CommandOutcome(document=document, text=_json(document))


def _graph(bundle: Bundle, _arguments: argparse.Namespace) -> CommandOutcome:
    text = bundle.required_text("graph.mmd")
    return CommandOutcome(document={"mermaid": text}, text=text)


def _test(bundle: Bundle, arguments: argparse.Namespace) -> CommandOutcome:
    from flowlock_core.testing import load_cases, run_cases

    cases = load_cases(arguments.cases, only=arguments.case)
    outcomes = run_cases(bundle.load(), cases, results=arguments.results, layout=bundle.layout())
    ok = all(outcome.passed for outcome in outcomes)
    return CommandOutcome(
        document={"ok": ok, "cases": [outcome.as_json() for outcome in outcomes]},
        text="".join(f"{outcome}\n" for outcome in outcomes),
        code=ExitCode.DONE if ok else ExitCode.FAILED,
    )


def _connections(bundle: Bundle, arguments: argparse.Namespace) -> CommandOutcome:
    from flowlock_core.command.connections import connections_report
    from flowlock_core.execute import trace

    params = _parameters(arguments)
    if params.problems:
        raise WorkflowError("the parameters cannot be read", problems=params.problems)
    report = connections_report(
        trace(bundle.load()), params.by_step, only=arguments.names, connect=arguments.connect
    )
    failed = arguments.connect and not report.ok
    return CommandOutcome(
        document=report.as_json(),
        text=str(report),
        code=ExitCode.FAILED if failed else ExitCode.DONE,
    )
