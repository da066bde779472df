"""Execution: every step runs at once, in the order that the workflow function names them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from time import perf_counter
from typing import Any

from flowlock_core.arguments import ArgumentError, Arguments, arguments_of
from flowlock_core.connections import MOCKED
from flowlock_core.errors import Problem, TaskError, WorkflowError
from flowlock_core.execute.context import DEFAULT_RESULTS, RunContext, active, element_name
from flowlock_core.execute.failures import failure
from flowlock_core.execute.mocks import Mock, load_mock, mock_of
from flowlock_core.execute.protocol import Workflow
from flowlock_core.execute.skip import SKIPPED, holds
from flowlock_core.task import Task, argument_names, bind


class Status(Enum):
    """How a step ended."""

    DONE = "done"
    MOCKED = "mocked"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class StepRecord:
    """What happened in one step; `calls` is how often the task ran, `skipped` how often it did not."""

    id: str
    task: str
    status: Status
    seconds: float
    calls: int = 1
    skipped: int = 0


def _silent(_record: StepRecord) -> None:
    return


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What a run is given besides the workflow; relative input paths are relative to `base`."""

    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    base: Path | None = None
    results: Path = DEFAULT_RESULTS
    mock_io: bool = False
    mocks: Mapping[str, Path] = field(default_factory=dict)
    log: Callable[[StepRecord], None] = _silent


class Run:
    """Steps that execute at once; `records` tells what happened, `inputs_of` which files each step named.

    `mocks` are the files that stood for results.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.records: list[StepRecord] = []
        self.context = RunContext(results=options.results, base=options.base)
        self.inputs_of: dict[str, set[Path]] = {}
        self.mocks: dict[str, Mock] = {}

    @property
    def inputs(self) -> set[Path]:
        """The files that the run's parameters named."""
        return set().union(*self.inputs_of.values())

    def validation(self, step: str) -> dict[str, Any]:
        """Return what the arguments of a step are checked with."""
        return {
            "base": self.options.base,
            "inputs": self.inputs_of.setdefault(step, set()),
            MOCKED: self.options.mock_io,
        }

    @classmethod
    def of(cls, main: Workflow, options: Options) -> "tuple[Any, Run]":
        """Run a whole workflow; return its result, and the run."""
        run = cls(options)
        return main(run), run

    def __call__(self, task: Task[..., Any], step_id: str, /) -> "RunStep":
        """Begin a step with its parameters from the file."""
        return RunStep(
            run=self,
            task=task,
            id=step_id,
            arguments={**task.arguments, **self.options.params.get(step_id, {})},
        )

    def record(self, record: StepRecord) -> None:
        """Keep and log what happened in a step."""
        self.records.append(record)
        self.options.log(record)


@dataclass(kw_only=True, slots=True)
class _Calls:
    """Counts the calls of a step while it runs; `values` are the arguments of the last one."""

    done: int = 0
    skipped: int = 0
    mocked: bool = False
    element: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)

    def status(self) -> Status:
        if self.mocked:
            return Status.MOCKED
        return Status.SKIPPED if self.skipped and not self.done else Status.DONE


@dataclass(frozen=True, kw_only=True, slots=True)
class RunStep:
    """A step in the making; call, map and mapvalues execute it."""

    run: Run
    task: Task[..., Any]
    id: str
    arguments: Mapping[str, Any]
    conditions: tuple[Task[..., Any], ...] = ()
    unpack_depth: int = 1

    def partial(self, **arguments: Any) -> "RunStep":
        """Add arguments; the parameters file cannot replace them."""
        return replace(self, arguments={**self.arguments, **arguments})

    def skipif(self, conditions: Sequence[Task[..., Any]], *, unpack_depth: int = 1) -> "RunStep":
        """Set the conditions under which a call is skipped."""
        return replace(self, conditions=tuple(conditions), unpack_depth=unpack_depth)

    def call(self) -> Any:
        """Run the task and return its result, or SKIPPED."""
        with self._recorded() as calls:
            invoke = self._invoker(calls, ())
            return invoke({})

    def map(self, argnames: str | Sequence[str], argvalues: Any) -> Any:
        """Run the task once an element."""
        names = argument_names(argnames)
        with self._recorded() as calls:
            if argvalues is SKIPPED:
                return self._all_skipped(calls, names)
            invoke = self._invoker(calls, names)
            return [
                invoke(self._bound(calls, names, str(number), value))
                for number, value in enumerate(self._elements(names, argvalues), 1)
            ]

    def mapvalues(self, argnames: str | Sequence[str], argvalues: Any) -> Any:
        """Run the task once a (key, value) pair and keep the keys."""
        names = argument_names(argnames)
        with self._recorded() as calls:
            if argvalues is SKIPPED:
                return self._all_skipped(calls, names)
            invoke = self._invoker(calls, names)
            pairs = []
            for pair in self._elements(names, argvalues):
                if not (isinstance(pair, tuple | list) and len(pair) == 2):  # noqa: PLR2004 - a pair
                    raise TaskError(
                        f"mapvalues iterates over (key, value) pairs, got {type(pair).__name__}",
                        parameter=names[0],
                    )
                key, value = pair
                pairs.append((key, invoke(self._bound(calls, names, element_name(key), value))))
            return pairs

    def _all_skipped(self, calls: _Calls, names: tuple[str, ...]) -> Any:
        # Nothing to map over: the conditions decide, as for one call that is given the marker.
        return self._invoker(calls, names)(dict.fromkeys(names, SKIPPED))

    def _elements(self, names: tuple[str, ...], argvalues: Any) -> Sequence[Any]:
        if isinstance(argvalues, list | tuple):
            return argvalues
        raise TaskError(f"expected a list to map over, got {type(argvalues).__name__}", parameter=names[0])

    def _bound(self, calls: _Calls, names: tuple[str, ...], element: str, value: Any) -> dict[str, Any]:
        calls.element = self.run.context.element = element
        try:
            return bind(names, value)
        except ValueError as error:
            raise TaskError(str(error), parameter=names[0]) from error

    def _invoker(self, calls: _Calls, mapped: tuple[str, ...]) -> Callable[[dict[str, Any]], Any]:
        """Return what runs the task for one element's arguments.

        What all elements share is checked once, before the first call; with skip conditions only when a
        call is not skipped.
        """
        run, func = self.run, self.task.func
        mock = mock_of(self.task, self.id, run.options.mocks, mock_io=run.options.mock_io)
        if mock:
            calls.mocked = True
            run.mocks[self.id] = mock
            return lambda _: load_mock(mock, self.task, self.arguments)
        arguments = arguments_of(func)
        shared: dict[str, Any] | None = None

        def invoke(own: dict[str, Any]) -> Any:
            nonlocal shared
            if self.conditions:
                values = [*self.arguments.values(), *own.values()]
                if holds(self.conditions, values, self.unpack_depth):
                    calls.skipped += 1
                    return SKIPPED
            if shared is None:
                shared = self._shared(arguments, mapped)
            self._refuse_skipped(own)
            calls.values = {**shared, **arguments.check(own, run.validation(self.id))}
            result = func(**calls.values)
            calls.done += 1
            return result

        return invoke

    def _shared(self, arguments: Arguments, mapped: tuple[str, ...]) -> dict[str, Any]:
        self._refuse_skipped(self.arguments)
        return arguments.validate(self.arguments, self.run.validation(self.id), given=mapped)

    def _refuse_skipped(self, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            if value is SKIPPED:
                raise TaskError(
                    "the step that produces this value was skipped",
                    parameter=name,
                    hint="skip this step too: add any_dependency_skipped to its skipif conditions",
                )

    @contextmanager
    def _recorded(self) -> Iterator[_Calls]:
        """Time the step, record how it ended, and turn what a task raises into a WorkflowError."""
        calls, start, status = _Calls(), perf_counter(), Status.FAILED
        try:
            with active(self.run.context):
                yield calls
            status = calls.status()
        except ArgumentError as error:
            problems = [replace(problem, step=self._label(calls)) for problem in error.problems]
            raise WorkflowError(f"the step `{self.id}` has wrong arguments", problems=problems) from error
        except WorkflowError:
            raise
        except Exception as error:
            raise self._failure(error, calls) from error
        finally:
            self.run.context.element = ""
            self.run.record(
                StepRecord(
                    id=self.id,
                    task=self.task.name,
                    status=status,
                    seconds=perf_counter() - start,
                    calls=calls.done,
                    skipped=calls.skipped,
                )
            )

    def _failure(self, error: Exception, calls: _Calls) -> WorkflowError:
        label = self._label(calls)
        if isinstance(error, TaskError):
            problem = Problem(
                code=error.code,
                message=error.message,
                step=label,
                parameter=error.parameter,
                hint=error.hint,
            )
        else:
            found = failure(error, task=self.task.name, func=self.task.func, values=calls.values.values())
            problem = replace(found, step=label)
        return WorkflowError(f"the step `{self.id}` failed", problems=[problem])

    def _label(self, calls: _Calls) -> str:
        return self.id if calls.element is None else f"{self.id}[{calls.element}]"
