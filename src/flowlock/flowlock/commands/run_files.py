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
from flowlock_core.testing import Cases, load_cases

PARAMS, CASES = "params.yaml", "test-cases.yaml"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFiles:
    """What the files beside a spec say, as far as they can be read, and the problems of their form."""

    params: Params | None = None
    cases: Cases | None = None
    problems: tuple[RunProblem, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path, workspace: Workspace) -> Self:
        """Read the files that are there."""
        params, cases = None, None
        problems: list[RunProblem] = []
        paths = [path for path in (folder / PARAMS, folder / CASES) if path.is_file()]
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
                if not name:
                    continue
                for parameter, value in values.items():
                    yield LiteralCheck.of(name, parameter, value)

    def check(
        self, source: SpecSource, catalog: Catalog, facts: WorkspaceFacts, workspace: Workspace
    ) -> list[Problem]:
        """Return every problem of the files of a spec that has no errors."""
        problems = list(self.problems)
        if source.spec is not None:
            in_scope = scope(source.spec, catalog, facts)
            for params, mocked in self._runs(mocked=list(_reading_steps(source.spec, in_scope))):
                wrong = list(_problems(source.spec, in_scope, params, mocked))
                if wrong:
                    located = params.placed(WorkflowError("", problems=wrong)).problems
                    problems += [replace(p, location=p.location or params.end) for p in located]
        return [_as_problem(problem, workspace) for problem in problems]

    def _runs(self, *, mocked: Sequence[str]) -> Iterator[tuple[Params, Sequence[str]]]:
        """Yield the parameters of each run that should succeed, with the steps that do not run in it."""
        if self.params is not None:
            yield self.params, ()
        if self.cases is None:
            return
        for name, case in self.cases.by_id.items():
            # The parameters of a case that is there to fail may be wrong on purpose.
            if not case.raises and case.expect_error is None:
                yield self.cases.params(name), [*case.mocks, *(mocked if case.mock_io else ())]


def _reading_steps(spec: Spec, in_scope: Scope) -> Iterator[str]:
    """Yield the ids of the steps that a case with `mock_io` does not run."""
    for step in spec.steps:
        task = in_scope.task(step.task)
        if step.id and task is not None and IO_TAG in task.tags:
            yield step.id.value


def _problems(spec: Spec, in_scope: Scope, params: Params, mocked: Sequence[str]) -> Iterator[RunProblem]:
    """Yield the problems of names, then those of the values whose names are right."""
    steps = {step.id.value: step for step in spec.steps if step.id}
    takes = {name: _parameters(name, step, in_scope) for name, step in steps.items()}
    yield from check_names(list(takes.values()), params.by_step, mocked=mocked)
    for name, values in params.by_step.items():
        if name in steps and name not in mocked:
            right = {key: value for key, value in values.items() if not takes[name].refused(key)}
            yield from _value_problems(steps[name], right, in_scope)


def _value_problems(step: Step, values: Mapping[str, Any], in_scope: Scope) -> Iterator[RunProblem]:
    """Yield what the types of a task's parameters refuse about values."""
    task = in_scope.task(step.task)
    if task is None or step.id is None:
        return
    for parameter, value in values.items():
        for refusal in in_scope.catalog.refusals(task, LiteralCheck.of(task.name, parameter, value)):
            yield replace(refusal.problem(parameter), step=step.id.value)


def _parameters(name: str, step: Step, in_scope: Scope) -> StepParameters:
    task = in_scope.task(step.task)
    parameters = task.parameters if task else ()
    return StepParameters(
        step=name,
        descriptions={parameter.name: parameter.description or None for parameter in parameters},
        required=frozenset(parameter.name for parameter in parameters if parameter.required),
        fixed=frozenset(filled(step)),
    )


def _as_problem(problem: RunProblem, workspace: Workspace) -> Problem:
    at = problem.location
    location = replace(at, file=workspace.relative(Path(at.file))) if at else None
    return Problem(code=problem.code, message=problem.sentence, location=location, hint=problem.hint)
