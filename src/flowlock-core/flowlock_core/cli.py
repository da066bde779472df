"""The command of a compiled workflow: run, schema, form, convert, graph, test."""

import argparse
import json
import sys
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowlock_core.bundle import Bundle
from flowlock_core.errors import ExitCode, Problem, WorkflowError

if TYPE_CHECKING:
    from flowlock_core.execute import StepRecord, Workflow
    from flowlock_core.params import Params


def main(workflow: str, argv: Sequence[str] | None = None) -> int:
    """Run the command of the workflow `module:function`; return the exit code."""
    return _main(Bundle.named(workflow), argv)


def run_alone(workflow: "Workflow", file: str) -> int:
    """Run a workflow whose module runs as a file: the arguments are those of `run`."""
    return _main(Bundle.of_file(workflow, file), ["run", *sys.argv[1:]])


def _main(bundle: Bundle, argv: Sequence[str] | None) -> int:
    options = _parser(bundle).parse_args(argv)
    try:
        code: ExitCode = options.action(bundle, options)
    except WorkflowError as error:
        _report(error)
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; the interpreter must not flush into the closed pipe at exit.
        sys.stdout = open("/dev/null", "w")  # noqa: SIM115, PTH123 - open until exit
        return ExitCode.DONE
    except Exception:  # noqa: BLE001 - a bug of ours: all that helps to find it is shown
        traceback.print_exc()
        sys.stderr.write("this is a bug in the workflow's run time; please report the lines above\n")
        return ExitCode.BUG
    return code


def _report(error: WorkflowError) -> None:
    count = len(error.problems)
    lines = [f"error: {error.problems[0]}"] if count == 1 else [f"error: {error.message}; {count} problems"]
    lines += [f"- {problem}" for problem in error.problems] if count > 1 else []
    sys.stderr.write("\n".join(lines) + "\n")


def _parser(bundle: Bundle) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=bundle.command, description="A workflow compiled by flowlock.", allow_abbrev=False
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_run(commands)

    schema = commands.add_parser("schema", help="print the JSON Schema of the parameters")
    schema.set_defaults(action=_schema)

    form = commands.add_parser("form", help="print the form: its JSON Schema and how it is shown")
    form.set_defaults(action=_form)

    convert = commands.add_parser(
        "convert", help="turn parameters into form data, or form data into parameters", allow_abbrev=False
    )
    convert.add_argument("source", metavar="FILE", help="YAML or JSON; - reads stdin")
    convert.add_argument("--to", choices=("form", "params"), required=True, help="what to print, as JSON")
    convert.set_defaults(action=_convert)

    graph = commands.add_parser("graph", help="print the steps as a Mermaid flowchart")
    graph.set_defaults(action=_graph)

    test = commands.add_parser("test", help="run test cases", allow_abbrev=False)
    test.add_argument("cases", metavar="CASES.yaml", type=Path)
    test.add_argument("--case", action="append", default=[], metavar="ID", help="only this one; repeatable")
    test.add_argument("--results", metavar="DIR", type=Path, help="keep the results of each case here")
    test.set_defaults(action=_test)
    return parser


def _add_run(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    run = commands.add_parser("run", help="run the workflow and write its results", allow_abbrev=False)
    run.add_argument("--params", metavar="FILE", help="parameters in YAML or JSON; - reads stdin")
    run.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="STEP.PARAMETER=VALUE",
        help="one parameter, in YAML, over those of the file; repeatable",
    )
    run.add_argument(
        "--results", metavar="DIR", type=Path, default=Path("results"), help="default: ./results"
    )
    run.add_argument("--mock-io", action="store_true", help="use packaged examples instead of reading data")
    run.add_argument("-q", "--quiet", action="store_true", help="no line per step")
    run.set_defaults(action=_run)


class _Version(argparse.Action):
    """Look the version up when it is asked for only: that reads the metadata of installed packages."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            found = version(parser.prog)
        except PackageNotFoundError:
            found = "(not installed)"
        parser.exit(message=f"{parser.prog} {found}\n")


def _run(bundle: Bundle, arguments: argparse.Namespace) -> ExitCode:
    from flowlock_core.execute import Options
    from flowlock_core.output import with_layout, write_results
    from flowlock_core.params import Params, load_params, with_values
    from flowlock_core.running import run_workflow

    main = bundle.load()
    nothing = Params(by_step={}, base=Path.cwd(), places={})
    params = with_values(load_params(arguments.params) if arguments.params else nothing, arguments.set)
    results = arguments.results.resolve()
    options = Options(
        params=params.by_step,
        base=params.base,
        results=results,
        mock_io=arguments.mock_io,
        log=(lambda _record: None) if arguments.quiet else _log,
    )
    try:
        result, run = run_workflow(main, options)
    except WorkflowError as error:
        raise _placed(error, params) from error
    result = with_layout(result, bundle.layout())
    for path in write_results(result, results, workflow=bundle.function, inputs=run.inputs):
        sys.stdout.write(f"{path}\n")
    return ExitCode.DONE


def _placed(error: WorkflowError, params: "Params") -> WorkflowError:
    """Add to each problem where in the parameters file its value is."""

    def placed(problem: Problem) -> Problem:
        if problem.place is not None or problem.step is None:
            return problem
        return replace(problem, place=params.place(problem.step.partition("[")[0], problem.parameter))

    return WorkflowError(error.message, problems=[placed(problem) for problem in error.problems])


def _log(record: "StepRecord") -> None:
    times = f" x{record.calls}" if record.calls > 1 else ""
    skipped = f", {record.skipped} skipped" if record.skipped and record.calls else ""
    sys.stderr.write(
        f"{record.status.value:<8} {record.id:<32} {record.task}{times}{skipped}  {record.seconds:.3f} s\n"
    )


def _schema(bundle: Bundle, _arguments: argparse.Namespace) -> ExitCode:
    sys.stdout.write(_file(bundle, "params.schema.json"))
    return ExitCode.DONE


def _form(bundle: Bundle, _arguments: argparse.Namespace) -> ExitCode:
    sys.stdout.write(_file(bundle, "form.json"))
    return ExitCode.DONE


def _file(bundle: Bundle, name: str) -> str:
    text = bundle.text(name)
    if text is None:
        raise WorkflowError(f"the package {bundle.package} has no {name}", hint="compile the workflow again")
    return text


def _convert(bundle: Bundle, arguments: argparse.Namespace) -> ExitCode:
    from flowlock_core.formdata import to_form, to_params
    from flowlock_core.params import load_params
    from flowlock_core.results import to_json

    groups = json.loads(_file(bundle, "form.json")).get("groups", {})
    steps = json.loads(_file(bundle, "params.schema.json"))["properties"]
    # Form data is a mapping of mappings too.
    given = load_params(arguments.source).by_step
    made = (to_form if arguments.to == "form" else to_params)(given, groups, steps)
    sys.stdout.write(json.dumps(to_json(made), indent=2, ensure_ascii=False) + "\n")
    return ExitCode.DONE


def _graph(bundle: Bundle, _arguments: argparse.Namespace) -> ExitCode:
    from flowlock_core.execute import trace
    from flowlock_core.graph import mermaid

    sys.stdout.write(mermaid(trace(bundle.load())))
    return ExitCode.DONE


def _test(bundle: Bundle, arguments: argparse.Namespace) -> ExitCode:
    from flowlock_core.testing import load_cases, run_cases

    cases = load_cases(arguments.cases, only=arguments.case)
    outcomes = run_cases(bundle.load(), cases, results=arguments.results, layout=bundle.layout())
    for outcome in outcomes:
        sys.stdout.write(f"{outcome}\n")
    return ExitCode.DONE if all(outcome.passed for outcome in outcomes) else ExitCode.FAILED
