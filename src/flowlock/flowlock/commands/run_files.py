"""The `params.yaml` and `test-cases.yaml` beside a spec, checked as a run checks them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from flowlock.commands.compile import SpecSource
from flowlock.errors import Problem
from flowlock.spec.catalog import Catalog, Scope, filled, scope
from flowlock.spec.facts import WorkspaceFacts
from flowlock.spec.model import Spec, Step
from flowlock.workspace import Workspace
from flowlock_core.errors import Problem as RunProblem
from flowlock_core.errors import WorkflowError
from flowlock_core.execute.mocks import IO_TAG
from flowlock_core.parameters.checks import StepParameters, check_names
from flowlock_core.parameters.literals import LiteralCheck
from flowlock_core.parameters.params import Params, load_params
from flowlock_core.testing import Case, Cases, load_cases

PARAMS, CASES = "params.yaml", "test-cases.yaml"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFiles:
    """What the files beside a spec say, as far as they can be read, and what is wrong with their form."""

    params: Params | None = None
    cases: Cases | None = None
    problems: tuple[RunProblem, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path, workspace: Workspace) -> Self:
        """Read the files that are there."""
        params, cases = None, None
        problems: list[RunProblem] = []
        paths = [path for name in (PARAMS, CASES) if (path := folder / name).is_file()]
        for path in paths:
            try:
                if path.name == PARAMS:
                    params = load_params(str(path))
                    problems += params.problems
                else:
                    cases = load_cases(path)
            except WorkflowError as error:
                problems += error.problems
        texts = {workspace.relative(path): path.read_text("utf-8", errors="replace") for path in paths}
        return cls(params=params, cases=cases, problems=tuple(problems), texts=texts)

    def checks(self, spec: Spec) -> Iterator[LiteralCheck]:
        """Yield a check for each value that the files give to a parameter of a step."""
        tasks = {step.id.value: step.task.value for step in spec.steps if step.id and step.task}
        for params, _ in self._runs(mocked=()):
            for step, values in params.by_step.items():
                name = tasks.get(step, "").rpartition(".")[2]
                yield from (_check(name, parameter, value) for parameter, value in values.items() if name)

    def found(
        self, source: SpecSource, catalog: Catalog, facts: WorkspaceFacts, workspace: Workspace
    ) -> list[Problem]:
        """Return every problem of the files of a spec that has no errors."""
        problems = list(self.problems)
        if source.spec is not None:
            seen = scope(source.spec, catalog, facts)
            reading = [step.id.value for step in source.spec.steps if step.id and _reads(step, seen)]
            for params, mocked in self._runs(mocked=reading):
                wrong = list(_problems(source.spec, seen, params, mocked))
                placed = params.placed(WorkflowError("", problems=wrong)).problems if wrong else ()
                problems += [replace(one, location=one.location or params.end) for one in placed]
        return [_placed(problem, workspace) for problem in problems]

    def _runs(self, *, mocked: Sequence[str]) -> Iterator[tuple[Params, Sequence[str]]]:
        """Yield the parameters of each run that should succeed, with the steps that do not run in it."""
        if self.params is not None:
            yield self.params, ()
        for name, case in self.cases.by_id.items() if self.cases else ():
            if self.cases and not _fails(case):
                yield self.cases.params(name), [*case.mocks, *(mocked if case.mock_io else ())]


def _fails(case: Case) -> bool:
    """Tell whether a case is there to fail: its parameters may be wrong on purpose."""
    return case.raises or case.expect_error is not None


def _reads(step: Step, seen: Scope) -> bool:
    task = seen.task(step.task)
    return task is not None and IO_TAG in task.tags


def _check(task: str, parameter: str, value: Any) -> LiteralCheck:
    return LiteralCheck.of(task, parameter, value)


def _problems(spec: Spec, seen: Scope, params: Params, mocked: Sequence[str]) -> Iterator[RunProblem]:
    """Yield what is wrong with names, then with the values of those that are right."""
    steps = {step.id.value: step for step in spec.steps if step.id}
    takes = {name: _parameters(name, step, seen) for name, step in steps.items()}
    yield from check_names(list(takes.values()), params.by_step, mocked=mocked)
    for name, values in params.by_step.items():
        task = seen.task(steps[name].task) if name in steps and name not in mocked else None
        for parameter, value in values.items() if task else ():
            if task is None or takes[name].refused(parameter):
                continue
            for refusal in seen.catalog.refusals(task, _check(task.name, parameter, value)):
                yield replace(refusal.problem(parameter), step=name)


def _parameters(name: str, step: Step, seen: Scope) -> StepParameters:
    task = seen.task(step.task)
    parameters = task.parameters if task else ()
    return StepParameters(
        step=name,
        descriptions={one.name: one.description or None for one in parameters},
        required=frozenset(one.name for one in parameters if one.required),
        fixed=frozenset(filled(step)),
    )


def _placed(problem: RunProblem, workspace: Workspace) -> Problem:
    at = problem.location
    location = replace(at, file=workspace.relative(Path(at.file))) if at else None
    return Problem(code=problem.code, message=problem.sentence, location=location, hint=problem.hint)
