"""test-cases.yaml: runs with mocked input, and what their results must hold."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flowlock_core.errors import Problem, WorkflowError, nearest
from flowlock_core.execute import Options, Workflow
from flowlock_core.output import with_layout, write_results
from flowlock_core.results import Position, to_json
from flowlock_core.running import run_workflow


class Case(BaseModel):
    """One test case: parameters, what stands for input, what to expect."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = ""
    description: str = ""
    params: dict[str, dict[str, Any]] = {}
    mock_io: Annotated[bool, Field(alias="mock-io")] = True
    mocks: dict[str, Path] = {}
    expect: Any = None
    expect_error: Annotated[str | None, Field(alias="expect-error")] = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Cases:
    """The cases of a file by id; paths in them are relative to `base`."""

    base: Path
    by_id: Mapping[str, Case]


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a case ended."""

    id: str
    seconds: float
    failures: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return not self.failures

    def __str__(self) -> str:
        head = f"{'passed' if self.passed else 'FAILED'}  {self.id}  {self.seconds:.2f} s"
        return "\n".join([head, *(f"  {failure}" for failure in self.failures)])


def load_cases(path: Path, *, only: Sequence[str] = ()) -> Cases:
    """Read a file of cases, or some of them; a WorkflowError holds every problem of its form."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WorkflowError(f"cannot read the test cases {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise WorkflowError(f"{path} is no YAML: {error}") from error
    if not isinstance(document, dict) or not document:
        raise WorkflowError(f"{path}: a mapping of case ids to cases is expected")
    cases: dict[str, Case] = {}
    problems: list[Problem] = []
    for case_id, content in document.items():
        try:
            cases[str(case_id)] = Case.model_validate(content)
        except ValidationError as error:
            problems += [
                Problem(message=item["msg"], step=str(case_id), parameter=".".join(map(str, item["loc"])))
                for item in error.errors(include_url=False)
            ]
    for name in only:
        if name not in cases:
            problems.append(Problem(message=f"there is no case `{name}`", hint=nearest(name, list(cases))))
    if problems:
        raise WorkflowError(f"{path}: wrong test cases", problems=problems)
    chosen = {case_id: case for case_id, case in cases.items() if not only or case_id in only}
    return Cases(base=path.resolve().parent, by_id=chosen)


def run_cases(
    main: Workflow,
    cases: Cases,
    *,
    results: Path | None = None,
    layout: Mapping[int, Position] | None = None,
) -> list[Outcome]:
    """Run each case; its results go to a folder of its own, which is kept if `results` says where."""
    outcomes = []
    for case_id, case in cases.by_id.items():
        with tempfile.TemporaryDirectory(prefix="flowlock-case-") as temporary:
            folder = Path(temporary) if results is None else results.resolve() / case_id
            outcomes.append(_run_case(main, case_id, case, base=cases.base, results=folder, layout=layout))
    return outcomes


def _run_case(
    main: Workflow,
    case_id: str,
    case: Case,
    *,
    base: Path,
    results: Path,
    layout: Mapping[int, Position] | None,
) -> Outcome:
    start = perf_counter()
    failures: list[str] = []
    options = Options(
        params=case.params,
        base=base,
        results=results,
        mock_io=case.mock_io,
        mocks={step: base / path for step, path in case.mocks.items()},
    )
    try:
        result, run = run_workflow(main, options)
        result = with_layout(result, layout or {})
        write_results(result, results, workflow=case_id, inputs=run.inputs)
        if case.expect_error is not None:
            failures.append(f"an error with `{case.expect_error}` was expected, the run succeeded")
        elif case.expect is not None:
            failures += differences(case.expect, to_json(result))
    except WorkflowError as error:
        text = [str(problem) for problem in error.problems]
        if case.expect_error is None or not any(case.expect_error in problem for problem in text):
            failures += text
    return Outcome(id=case_id, seconds=perf_counter() - start, failures=tuple(failures))


def differences(expected: Any, actual: Any, path: str = "result") -> list[str]:
    """Return where a result lacks what is expected of it.

    Mappings may hold more than is expected, lists may not; numbers are equal to nine digits.
    """
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        absent = [f"{path}: there is no `{key}`" for key in expected if key not in actual]
        both = [key for key in expected if key in actual]
        return absent + [
            line for key in both for line in differences(expected[key], actual[key], f"{path}.{key}")
        ]
    if isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            return [f"{path}: {len(expected)} items are expected, there are {len(actual)}"]
        pairs = enumerate(zip(expected, actual, strict=True))
        return [line for n, (want, have) in pairs for line in differences(want, have, f"{path}[{n}]")]
    if _equal(expected, actual):
        return []
    return [f"{path}: {expected!r} is expected, got {actual!r}"]


def _equal(expected: Any, actual: Any) -> bool:
    numbers = (int, float)
    if isinstance(expected, numbers) and isinstance(actual, numbers):
        return abs(expected - actual) <= 1e-9 * max(1.0, abs(expected))
    return bool(expected == actual)
