"""The command of a compiled workflow: run, schema, graph, test."""

import argparse
import sys
import traceback
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowlock_core.errors import ExitCode, Problem, WorkflowError

if TYPE_CHECKING:
    from flowlock_core.execute import StepRecord, Workflow
    from flowlock_core.params import Params


def main(workflow: str, argv: Sequence[str] | None = None) -> int:
    """Run the command of the workflow `module:function`; return the exit code."""
    options = _parser(workflow).parse_args(argv)
    try:
        code: ExitCode = options.action(workflow, options)
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


def _parser(workflow: str) -> argparse.ArgumentParser:
    package = workflow.partition(".")[0]
    name = package.replace("_", "-")
    parser = argparse.ArgumentParser(
        prog=name, description="A workflow compiled by flowlock.", allow_abbrev=False
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    run = commands.add_parser("run", help="run the workflow and write its results", allow_abbrev=False)
    run.add_argument("--params", metavar="FILE", help="parameters in YAML or JSON; - reads stdin")
    run.add_argument(
        "--results", metavar="DIR", type=Path, default=Path("results"), help="default: ./results"
    )
    run.add_argument("--mock-io", action="store_true", help="use packaged examples instead of reading data")
    run.add_argument("-q", "--quiet", action="store_true", help="no line per step")
    run.set_defaults(action=_run)

    schema = commands.add_parser("schema", help="print the JSON Schema of the parameters")
    schema.set_defaults(action=_schema)

    graph = commands.add_parser("graph", help="print the steps as a Mermaid flowchart")
    graph.set_defaults(action=_graph)

    test = commands.add_parser("test", help="run test cases", allow_abbrev=False)
    test.add_argument("cases", metavar="CASES.yaml", type=Path)
    test.add_argument("--case", action="append", default=[], metavar="ID", help="only this one; repeatable")
    test.add_argument("--results", metavar="DIR", type=Path, help="keep the results of each case here")
    test.set_defaults(action=_test)
    return parser


class _Version(argparse.Action):
    """Look the version up when it is asked for only: that reads the metadata of installed packages."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            found = version(parser.prog)
        except PackageNotFoundError:
            found = "(not installed)"
        parser.exit(message=f"{parser.prog} {found}\n")


def load_workflow(workflow: str) -> "Workflow":
    """Import `module:function`."""
    module, _, name = workflow.partition(":")
    found: Workflow = getattr(import_module(module), name)
    return found


def _run(workflow: str, arguments: argparse.Namespace) -> ExitCode:
    from flowlock_core.execute import Options
    from flowlock_core.output import write_results
    from flowlock_core.params import Params, load_params
    from flowlock_core.running import run_workflow

    main = load_workflow(workflow)
    nothing = Params(by_step={}, base=Path.cwd(), places={})
    params = load_params(arguments.params) if arguments.params else nothing
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
    for path in write_results(result, results, workflow=workflow.partition(":")[2], inputs=run.inputs):
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


def _schema(workflow: str, _arguments: argparse.Namespace) -> ExitCode:
    from importlib.resources import files

    package = workflow.partition(":")[0].partition(".")[0]
    sys.stdout.write(files(package).joinpath("params.schema.json").read_text(encoding="utf-8"))
    return ExitCode.DONE


def _graph(workflow: str, _arguments: argparse.Namespace) -> ExitCode:
    from flowlock_core.execute import trace
    from flowlock_core.graph import mermaid

    sys.stdout.write(mermaid(trace(load_workflow(workflow))))
    return ExitCode.DONE


def _test(workflow: str, arguments: argparse.Namespace) -> ExitCode:
    from flowlock_core.testing import load_cases, run_cases

    cases = load_cases(arguments.cases, only=arguments.case)
    outcomes = run_cases(load_workflow(workflow), cases, results=arguments.results)
    for outcome in outcomes:
        sys.stdout.write(f"{outcome}\n")
    return ExitCode.DONE if all(outcome.passed for outcome in outcomes) else ExitCode.FAILED
