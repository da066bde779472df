"""The calls of one step whose inputs are known: each is prepared when its turn comes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from flowlock_core.arguments import arguments_of
from flowlock_core.errors import TaskError
from flowlock_core.execute.call import Call, Deferred, Failure, Outcome, failure_of, label_of
from flowlock_core.execute.context import RunContext, element_name
from flowlock_core.execute.held import fetched, items_of, kind_of
from flowlock_core.execute.mocks import Mock, load_mock, mock_of
from flowlock_core.execute.options import Executor, Options
from flowlock_core.execute.plan import Method, PlannedStep
from flowlock_core.execute.record import RunLog
from flowlock_core.execute.skip import SKIPPED, holds
from flowlock_core.task import bind

_PAIR = 2


class StepCalls:
    """What a step runs, with `arguments` and `argvalues` in which results stand where the plan has `Ref`.

    What all elements share is checked once, before the first call; with skip conditions only when a call
    is not skipped. Where results stay with those who execute the calls, all of this is deferred to them.
    """

    def __init__(
        self,
        step: PlannedStep,
        arguments: Mapping[str, Any],
        argvalues: Any,
        *,
        number: int,
        options: Options,
        log: RunLog,
        context: RunContext,
    ) -> None:
        self.step = step
        self.arguments = {**options.params.get(step.id, {}), **arguments}
        self.mocked = False
        self.count = 1
        self._options, self._log, self._number, self._context = options, log, number, context
        self._argvalues = argvalues
        self._method = step.method
        self._takes = arguments_of(step.task.func)
        self._shared: dict[str, Any] | None = None
        # Checks the one value in which elements differ, once the values that they share are checked.
        self._check: Callable[..., Any] | None = None
        self._validation = log.validation(step.id, options.base, mock_io=options.mock_io)
        self._mock: Mock | None = None
        self._element = ""
        self._keys: list[Any] = []

    def open(self) -> None:
        """Find out how many calls there are, and whether a mock stands for them; a TaskError says why not."""
        options, step = self._options, self.step
        if options.mock_io or options.mocks:
            self._mock = mock_of(step.task, step.id, options.mocks, mock_io=options.mock_io)
        if self._mock:
            self.mocked = True
            self._log.mocks[step.id] = self._mock
        if self._method is Method.CALL:
            return
        if self._argvalues is SKIPPED:
            # Nothing to map over: the conditions decide, as for one call that is given the marker.
            self._method = Method.CALL
            return
        self._argvalues = _elements(step.argnames, items_of(self._argvalues))
        self.count = len(self._argvalues)

    def prepare(self, index: int) -> Call | Outcome:
        """Return the call of an element, or its outcome if there is nothing to run."""
        if self._options.executor is Executor.DASK:
            return self._deferred(index, self._own(index))
        values = self._plain_values(index)
        if values is None:
            return self._prepared(index, self._own(index))
        return self._call(index, values)

    def prepare_one(self, element: str, index: int, own: Mapping[str, Any]) -> Call | Outcome:
        """Return the only call of these arguments, which were taken from the elements elsewhere."""
        self._element = element
        options, step = self._options, self.step
        self._mock = mock_of(step.task, step.id, options.mocks, mock_io=options.mock_io)
        return self._prepared(index, own)

    def _prepared(self, index: int, own: Mapping[str, Any]) -> Call | Outcome:
        step = self.step
        if self._mock:
            return Outcome(load_mock(self._mock, step.task, self.arguments), ran=False)
        if step.conditions:
            conditioned = [*self.arguments.values(), *own.values()]
            if holds(step.conditions, conditioned, step.unpack_depth):
                return Outcome(SKIPPED, ran=False)
        return self._call(index, self._checked(own))

    def _call(self, index: int, values: Mapping[str, Any]) -> Call:
        step, position = self.step, (self._number, index)
        return Call(step.id, step.task, values, self._context, self._element, position, step.policy)

    def _deferred(self, index: int, own: Mapping[str, Any]) -> Call:
        # The values that the plan has are resolved, and what is mapped over need not travel whole.
        step = replace(self.step, method=Method.CALL, arguments={}, argvalues=None)
        options = self._options
        deferred = Deferred(step, self.arguments, own, options.mock_io, options.mocks)
        return self._call(index, {})._replace(deferred=deferred)

    def failed(self, error: BaseException) -> Failure:
        """Return the failure of a call that could not be prepared."""
        label = label_of(self.step.id, self._element)
        return failure_of(error, self.step.id, label, self.step.task, self.arguments)

    @property
    def explanation(self) -> str:
        """Nothing: each call runs."""
        return ""

    def kept(self, _index: int, outcome: Outcome, /) -> Any:
        """Return what a call gave."""
        return outcome.value

    def gather(self, results: list[Any]) -> Any:
        """Return the result of the step from those of its calls."""
        if self._method is Method.CALL:
            return results[0]
        if self._method is Method.MAP:
            return results
        return list(zip(self._keys, results, strict=True))

    def _own(self, index: int) -> dict[str, Any]:
        """Return the arguments that only this element has."""
        names = self.step.argnames
        if self._method is Method.CALL:
            # A map over a skipped step is one call that is given the marker.
            return dict.fromkeys(names, SKIPPED)
        value = self._argvalues[index]
        if self._method is Method.MAP:
            self._element = str(index + 1)
        else:
            value = self._value_of_pair(value)
        try:
            return bind(names, items_of(value) if len(names) > 1 else value)
        except ValueError as error:
            raise TaskError(str(error), parameter=names[0]) from error

    def _value_of_pair(self, pair: Any) -> Any:
        parts = items_of(pair)
        if not (isinstance(parts, tuple | list) and len(parts) == _PAIR):
            raise TaskError(
                f"mapvalues iterates over (key, value) pairs, got {kind_of(pair)}",
                parameter=self.step.argnames[0],
            )
        key, value = fetched(parts[0]), parts[1]
        self._element = element_name(key)
        self._keys.append(key)
        return value

    def _plain_values(self, index: int) -> dict[str, Any] | None:
        """Return the arguments of an element that differs from the others in one value.

        None if it has to be prepared like any other call: it is the first one, it is wrong, or the step has
        conditions.
        """
        if self._check is None or self._shared is None:
            return None
        value = self._argvalues[index]
        if value is SKIPPED:
            return None
        self._element = str(index + 1)
        try:
            checked = self._check(value, context=self._validation)
        except ValidationError:
            return None
        return {**self._shared, self.step.argnames[0]: checked}

    def _checked(self, own: Mapping[str, Any]) -> Mapping[str, Any]:
        shared = self._shared
        if shared is None:
            _refuse_skipped(self.arguments)
            mapped = self.step.argnames
            self._shared = shared = self._takes.validate(self.arguments, self._validation, given=mapped)
            if self._method is Method.MAP and len(mapped) == 1 and not self.step.conditions:
                self._check = self._takes.by_name[mapped[0]].check
        if not own:
            return shared
        _refuse_skipped(own)
        return shared | self._takes.check(own, self._validation)


def _elements(names: tuple[str, ...], argvalues: Any) -> Sequence[Any]:
    if isinstance(argvalues, list | tuple):
        return argvalues
    raise TaskError(f"expected a list to map over, got {kind_of(argvalues)}", parameter=names[0])


def _refuse_skipped(values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if value is SKIPPED:
            raise TaskError(
                "the step that produces this value was skipped",
                parameter=name,
                hint="skip this step too: add any_dependency_skipped to its skipif conditions",
            )
