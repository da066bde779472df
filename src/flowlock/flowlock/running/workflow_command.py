"""What a workflow's command says with --json, as this toolchain's problems and test cases."""

import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent
from typing import Any

from pydantic import BaseModel

from flowlock.edges import shapes
from flowlock.edges.process import Completed
from flowlock.errors import ExitCode, FlowlockError, Location, Problem
from flowlock.report.problem_text import problems_text
from flowlock.workspace import Workflow, Workspace


class _ReportedProblem(BaseModel):
    """A problem as a workflow's command writes it."""

    code: str
    message: str
    file: str | None
    line: int | None
    column: int | None
    hint: str | None
    # The arguments and the traceback of a task that failed in a way that it did not mean.
    detail: str = ""


class _ReportedCase(BaseModel):
    """A test case as a workflow's command writes it."""

    case: str
    passed: bool
    seconds: float
    problems: list[_ReportedProblem]


class _Report(BaseModel):
    """What is read of the document that a workflow's command writes."""

    message: str = ""
    problems: list[_ReportedProblem] = []
    cases: list[_ReportedCase] = []


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseResult:
    """How a test case ended."""

    case: str
    passed: bool
    seconds: float
    problems: tuple[Problem, ...]

    def as_json(self) -> Mapping[str, Any]:
        """Return {case, passed, seconds, problems}."""
        problems = [problem.as_json() for problem in self.problems]
        return {"case": self.case, "passed": self.passed, "seconds": self.seconds, "problems": problems}


@dataclass(frozen=True, kw_only=True, slots=True)
class TestResult:
    """The outcome of a workflow's test cases; `output` is the text for users."""

    workflow: str
    passed: bool
    output: str
    cases: tuple[CaseResult, ...] = ()
    problems: tuple[Problem, ...] = ()

    def as_json(self) -> Mapping[str, Any]:
        """Return {workflow, passed, output, cases, problems}."""
        return {
            "workflow": self.workflow,
            "passed": self.passed,
            "output": self.output,
            "cases": [case.as_json() for case in self.cases],
            "problems": [problem.as_json() for problem in self.problems],
        }


def failure(workspace: Workspace, workflow: Workflow, done: Completed, *, kept: str) -> FlowlockError:
    """Return the error of a run that failed: its problems, or what the process said if it told none."""
    report = _report(done)
    problems = _problems(workspace, report.problems)
    if done.returncode == ExitCode.FAILED and problems:
        # An only problem says it all by itself.
        what = "" if len(problems) == 1 else f": {report.message}"
        return FlowlockError(
            f"{workflow.name} failed{what}",
            problems=problems,
            kept=kept,
            detail="\n\n".join(problem.detail for problem in report.problems if problem.detail) or None,
            texts=_texts(workspace, problems),
        )
    return FlowlockError(
        f"{workflow.name} failed with exit code {done.returncode}",
        code="FL712",
        detail=done.stderr,
        kept=kept,
    )


def ended_by_signal(workflow: Workflow, number: int) -> FlowlockError:
    """Return the error of a command that a signal has ended."""
    return FlowlockError(
        f"the command of {workflow.name} was ended by the signal {signal.Signals(number).name}",
        code="FL712",
        hint="the memory may be full",
    )


def tested(workspace: Workspace, workflow: Workflow, done: Completed) -> TestResult:
    """Return the outcome of test cases from the report of the command."""
    report = _report(done)
    passed = done.returncode == ExitCode.DONE
    cases = tuple(
        CaseResult(
            case=case.case,
            passed=case.passed,
            seconds=case.seconds,
            problems=_problems(workspace, case.problems),
        )
        for case in report.cases
    )
    problems = _problems(workspace, report.problems)
    every = [*problems, *(problem for case in cases for problem in case.problems)]
    texts = _texts(workspace, every)
    lines = []
    for case in cases:
        head = f"{'passed' if case.passed else 'FAILED'}  {case.case}  {case.seconds:.2f} s"
        lines.append(f"{head}\n{indent(problems_text(case.problems, texts), '  ')}".rstrip())
    if problems:
        lines.append(problems_text(problems, texts))
    has_report = lines and done.returncode in (ExitCode.DONE, ExitCode.FAILED)
    output = "\n".join(lines) if has_report else done.stderr
    return TestResult(workflow=workflow.name, passed=passed, output=output, cases=cases, problems=problems)


def _report(done: Completed) -> _Report:
    """Return the report on stdout; an empty one if the process ended before it wrote one."""
    return shapes.parsed_or_none(_Report, done.stdout.encode(errors="replace")) or _Report()


def _problems(workspace: Workspace, reported: Iterable[_ReportedProblem]) -> tuple[Problem, ...]:
    return tuple(
        Problem(
            code=problem.code,
            message=problem.message,
            location=_location(workspace, problem),
            hint=problem.hint,
        )
        for problem in reported
    )


def _location(workspace: Workspace, problem: _ReportedProblem) -> Location | None:
    if problem.file is None:
        return None
    return Location(file=workspace.relative(Path(problem.file)), line=problem.line, column=problem.column)


def _texts(workspace: Workspace, problems: Iterable[Problem]) -> dict[str, str]:
    """Return the files that problems point into, so that their lines can be shown."""
    texts: dict[str, str] = {}
    for name in {problem.location.file for problem in problems if problem.location}:
        path = workspace.root / name
        if path.is_file():
            texts[name] = path.read_text(encoding="utf-8", errors="replace")
    return texts
