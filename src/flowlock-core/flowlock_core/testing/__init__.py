"""test-cases.yaml: runs with mocked input, and what their results must hold."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import indent
from time import perf_counter
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flowlock_core.command.output import with_layout, write_results
from flowlock_core.command.running import run_workflow
from flowlock_core.documents import Document, parse_document, read_text
from flowlock_core.errors import Location, Problem, WorkflowError, nearest
from flowlock_core.execute import Options, Workflow
from flowlock_core.parameters.params import ADD_TO_A_CASE, Params, parts_of
from flowlock_core.refusals import problems_of_value
from flowlock_core.results import Position, to_json
from flowlock_core.testing.expectations import differences


class Case(BaseModel):
    """One test case: parameters, what stands for input, what to expect."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: str = ""
    description: str = ""
    params: dict[str, dict[str, Any]] = {}
    mock_io: Annotated[bool, Field(alias="mock-io")] = True
    mocks: dict[str, Path] = {}
    expect: Any = None
    expect_error: Annotated[str | None, Field(alias="expect-error")] = None
    # As published cases have them: that any error ends the run, and how a service answers then.
    raises: bool = False
    expected_status_code: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Cases:
    """The cases of a file by id; paths in them are relative to `base`."""

    base: Path
    by_id: Mapping[str, Case]
    document: Document

    def params(self, case_id: str) -> Params:
        """Return a case's parameters, with their places in the file."""
        start = (case_id, "params")
        inside = {path[2:]: at for path, at in self.document.values.items() if path[:2] == start}
        names = {path[2:]: at for path, at in self.document.keys.items() if path[:2] == start}
        end = self.document.keys.get(start) or self.document.keys.get((case_id,))
        parameters = self.by_id[case_id].params
        return Params(
            by_step=parameters, base=self.base, keys=names, values=inside, end=end, way_to_add=ADD_TO_A_CASE
        )

    def at(self, case_id: str, *path: str) -> Location | None:
        """Return where a case says something, or where the case begins if it does not."""
        location = self.document.values.get((case_id, *path)) if path else None
        return location or self.document.keys.get((case_id,))


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseOutcome:
    """How a case ended."""

    id: str
    seconds: float
    problems: tuple[Problem, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        """Return {case, passed, seconds, problems}."""
        return {
            "case": self.id,
            "passed": self.passed,
            "seconds": round(self.seconds, 3),
            "problems": [problem.as_json() for problem in self.problems],
        }

    def __str__(self) -> str:
        head = f"{'passed' if self.passed else 'FAILED'}  {self.id}  {self.seconds:.2f} s"
        return "\n".join([head, *(indent(str(problem), "  ") for problem in self.problems)])


def load_cases(path: Path, *, only: Sequence[str] = ()) -> Cases:
    """Read a file of cases, or some of them; a WorkflowError holds every problem of its form."""
    document = parse_document(read_text(path, "test cases", code="FL735"), str(path))
    if not isinstance(document.content, dict) or not document.content:
        location = Location(file=str(path), line=1, column=1)
        problem = Problem(code="FL735", message="expected a mapping of case ids to cases", location=location)
        raise WorkflowError(f"{path}: the test cases are not valid", problems=[problem])
    cases, problems = _cases(document)
    for name in only:
        if name not in cases:
            hint = nearest(name, list(cases)) or f"the cases are {', '.join(cases)}"
            problems.append(
                Problem(code="FL735", message=f"the test case `{name}` does not exist", hint=hint)
            )
    if problems:
        raise WorkflowError(f"{path}: the test cases are not valid", problems=problems)
    chosen = {case_id: case for case_id, case in cases.items() if not only or case_id in only}
    return Cases(base=path.resolve().parent, by_id=chosen, document=document)


def _cases(document: Document) -> tuple[dict[str, Case], list[Problem]]:
    """Return the cases that can be read, and the problems of the others."""
    cases: dict[str, Case] = {}
    problems = list(document.problems)
    for case_id, content in document.content.items():
        try:
            cases[case_id] = Case.model_validate(content)
        except ValidationError as error:
            wrong = problems_of_value("", content, error)
            problems += [_wrong_case(document, case_id, problem) for problem in wrong]
    return cases, problems


def _wrong_case(document: Document, case_id: str, problem: Problem) -> Problem:
    parts = parts_of(problem.parameter or "")
    unknown = problem.code == "FL725"
    path = (case_id, *parts)
    while path not in document.keys and len(path) > 1:
        path = path[:-1]
    parameter = ".".join(parts) or None
    if unknown:
        return _unknown_key(case_id, parameter, path[-1], document.keys.get(path))
    return Problem(
        code="FL735",
        message=problem.message,
        step=case_id,
        parameter=parameter,
        location=document.values.get(path),
        hint=problem.hint,
    )


def _unknown_key(case_id: str, parameter: str | None, key: str, location: Location | None) -> Problem:
    keys = [field.alias or name for name, field in Case.model_fields.items()]
    return Problem(
        code="FL735",
        message="unknown key of a test case",
        step=case_id,
        parameter=parameter,
        location=location,
        hint=nearest(key, keys) or f"the keys are {', '.join(keys)}",
    )


def run_cases(
    main: Workflow,
    cases: Cases,
    *,
    results: Path | None = None,
    layout: Mapping[int, Position] | None = None,
) -> list[CaseOutcome]:
    """Run each case; its results go to a separate folder, which is kept if `results` indicates where."""
    outcomes = []
    for case_id in cases.by_id:
        with tempfile.TemporaryDirectory(prefix="flowlock-case-") as temporary:
            folder = Path(temporary) if results is None else results.resolve() / case_id
            outcomes.append(_run_case(main, case_id, cases, results=folder, layout=layout))
    return outcomes


def _run_case(
    main: Workflow,
    case_id: str,
    cases: Cases,
    *,
    results: Path,
    layout: Mapping[int, Position] | None,
) -> CaseOutcome:
    start, case = perf_counter(), cases.by_id[case_id]
    problems: list[Problem] = []
    options = Options(
        params=case.params,
        base=cases.base,
        results=results,
        mock_io=case.mock_io,
        mocks={step: cases.base / path for step, path in case.mocks.items()},
    )
    try:
        result, run = run_workflow(main, options)
        result = with_layout(result, layout or {})
        write_results(result, results, workflow=case_id, inputs=run.inputs)
        problems += _unexpected(cases, case_id, result)
    except WorkflowError as error:
        # What has no location belongs to the case.
        problems_of_case = [
            replace(problem, location=problem.location or cases.at(case_id))
            for problem in cases.params(case_id).placed(error).problems
        ]
        if not _expected(case, problems_of_case):
            problems += problems_of_case
    return CaseOutcome(id=case_id, seconds=perf_counter() - start, problems=tuple(problems))


def _expected(case: Case, problems: Sequence[Problem]) -> bool:
    """Return whether a case wants the error that ended its run."""
    if case.expect_error is None:
        return case.raises
    return any(case.expect_error in str(problem) for problem in problems)


def _unexpected(cases: Cases, case_id: str, result: Any) -> Iterator[Problem]:
    """Yield where the result of a run that ended well is not what its case expects."""
    case = cases.by_id[case_id]
    if case.expect_error is not None:
        yield Problem(
            code="FL736",
            message=f"an error with `{case.expect_error}` was expected, but the run succeeded",
            location=cases.at(case_id, "expect-error"),
        )
    elif case.raises:
        message = "an error was expected, but the run succeeded"
        yield Problem(code="FL736", message=message, location=cases.at(case_id, "raises"))
    elif "expect" in case.model_fields_set:
        for path, message in differences(to_json(case.expect), to_json(result)):
            location = cases.at(case_id, "expect", *parts_of(path))
            yield Problem(code="FL736", message=f"result{path}: {message}", location=location)
