"""The calls of a step in a run with a cache: each is looked up by its key before anything is loaded."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from flowlock_core.execute.call import Call, Failure, Outcome, failure_of, label_of
from flowlock_core.execute.context import RunContext, element_name
from flowlock_core.execute.deferred import run_here
from flowlock_core.execute.mocks import mock_of
from flowlock_core.execute.options import Options
from flowlock_core.execute.plan import Method, PlannedStep, Ref, refs_in, resolved
from flowlock_core.execute.record import RunLog
from flowlock_core.execute.step_calls import StepCalls
from flowlock_core.store.cache import CacheHit, RunCache
from flowlock_core.store.errors import NotCachedError, UndigestibleError
from flowlock_core.store.explain import explanation
from flowlock_core.store.keys import KeyMaker, Parts, secret_parts
from flowlock_core.store.result import Result
from flowlock_core.store.stored_value import Format
from flowlock_core.store.where_held import digest_here, digest_in, keep_here

_PAIR = 2
OUTPUT_TAG = "output"
# Makes the calls themselves, of arguments and elements.
MakeCalls = Callable[[Mapping[str, Any], Any], StepCalls]


class CachedCalls:
    """What a step runs or reuses. The plain calls are made when the first one has to run."""

    def __init__(
        self,
        step: PlannedStep,
        arguments: Mapping[str, Any],
        results: Mapping[str, Result],
        *,
        cache: RunCache,
        keys: KeyMaker,
        make: MakeCalls,
        mocked: bool,
    ) -> None:
        self.step = step
        self.mocked = mocked
        self.count = 1
        self._arguments = arguments
        self._results = {needed: results[needed] for needed in step.dependencies()}
        self._cache, self._keys, self._make = cache, keys, make
        self._calls: StepCalls | None = None
        self._parts: Parts | None = None
        # The elements of a map; None if there is one call.
        self._elements: list[Result] | None = None
        self._pair_keys: dict[int, Result] = {}
        self._call_parts: dict[int, Parts] = {}
        self._reused = 0
        self._why_ran, self._why_not_kept = "", ""

    @property
    def explanation(self) -> str:
        """Why the step ran, was reused or was not kept."""
        return explanation(
            reused=self._reused,
            ran=self.count - self._reused,
            why_ran=self._why_ran,
            why_not_kept=self._why_not_kept,
        )

    def open(self) -> None:
        """Find out how many calls there are, and what their keys are made of."""
        if self.mocked:
            self._why_not_kept = "it is mocked"
        else:
            self._find_parts()
        if self.step.method is Method.CALL:
            return
        argvalues = self.step.argvalues
        if isinstance(argvalues, Ref) and self._results[argvalues.step].is_skipped:
            # One call that is given the marker.
            if self._parts is not None:
                self._parts["mapped over"] = "skipped"
            return
        self._elements = self._result_of(argvalues).items()
        # Where there are no elements, the calls themselves tell what is wrong.
        self.count = self._plain().count if self._elements is None else len(self._elements)

    def prepare(self, index: int) -> Call | Outcome:
        """Return what the call gave before, or the call."""
        parts = self._parts_of(index)
        if parts is not None:
            secret = secret_parts(self.step)
            hit = self._cache.find(self.step.id, self._label(index), parts, secret)
            if not isinstance(hit, str):
                return self._reused_outcome(index, parts, hit)
            self._why_ran = self._why_ran or hit
            self._call_parts[index] = parts
        prepared = self._plain().prepare(index)
        if isinstance(prepared, Call) and prepared.deferred is not None:
            # Where the result will be, so that the value need not come here for it.
            folder = self._cache.store.folder.path
            describe = digest_here if parts is None else partial(keep_here, folder)
            return prepared._replace(deferred=prepared.deferred._replace(describe=describe))
        return prepared

    def failed(self, error: BaseException) -> Failure:
        """Return the failure of a call that could not be prepared."""
        if self._calls is not None:
            return self._calls.failed(error)
        return failure_of(error, self.step.id, self.step.id, self.step.task, {})

    def kept(self, index: int, outcome: Outcome, /) -> Result:
        """Keep what a call gave."""
        if isinstance(outcome.value, Result):
            return outcome.value
        parts = self._call_parts.pop(index, None)
        result = Result(self._cache.store, value=outcome.value, digest=digest_in(outcome.kept))
        if parts is not None:
            kept = self._kept_result(index, parts, outcome)
            if isinstance(kept, str):
                self._why_not_kept = kept
            else:
                result = kept
        result.recompute = partial(self._again, index, parts)
        return result

    def gather(self, results: list[Any]) -> Result:
        """Return the result of the step from those of its calls, and release their inputs."""
        self._calls = None
        if self._elements is None:
            only: Result = results[0]
            return only
        store = self._cache.store
        if self.step.method is Method.MAPVALUES:
            pairs = [[self._pair_keys[index], result] for index, result in enumerate(results)]
            results = [Result.made_of(store, Format.TUPLE, pair) for pair in pairs]
        return Result.made_of(store, Format.LIST, results)

    def _find_parts(self) -> None:
        try:
            self._parts = self._keys.step_parts(self.step, self._arguments, self._results)
        except (NotCachedError, UndigestibleError) as error:
            self._why_not_kept = str(error)

    def _reused_outcome(self, index: int, parts: Parts, hit: CacheHit) -> Outcome:
        self._reused += 1
        kept = hit.entry.result
        result = Result(self._cache.store, kept=kept, recompute=partial(self._again, index, parts))
        skipped = kept.format is Format.SKIPPED
        return Outcome(result, hit.written, ran=False, reused=not skipped, label=self._label(index))

    def _kept_result(self, index: int, parts: Parts, outcome: Outcome) -> Result | str:
        if outcome.ran and not outcome.written and OUTPUT_TAG in self.step.task.tags:
            return "its task is tagged `output`, but it did not report the files that it wrote"
        return self._cache.keep(self._label(index), parts, outcome)

    def _again(self, index: int, parts: Parts | None) -> Any:
        """Compute a result again whose cached value is damaged or was released."""
        prepared = self._plain().prepare(index)
        outcome = run_here(prepared) if isinstance(prepared, Call) else prepared
        self._calls = None
        if outcome.failure is not None:
            raise outcome.failure.as_error()
        if parts is not None:
            self._cache.damaged.append(self._label(index))
            self._kept_result(index, parts, outcome)
        return outcome.value

    def _plain(self) -> StepCalls:
        """Return the calls, for which everything that they need is loaded."""
        if self._calls is None:
            values = {step: result.for_call() for step, result in self._results.items()}
            arguments = {name: resolved(value, values) for name, value in self._arguments.items()}
            self._calls = self._make(arguments, resolved(self.step.argvalues, values))
            self._calls.open()
        return self._calls

    def _result_of(self, value: Any) -> Result:
        """Return a value of the plan as a result that is made of results, as far as it refers to some."""
        if isinstance(value, Ref):
            return self._results[value.step]
        if isinstance(value, list | tuple) and any(refs_in(value)):
            kind = Format.LIST if isinstance(value, list) else Format.TUPLE
            return Result.made_of(self._cache.store, kind, list(map(self._result_of, value)))
        values = {step: self._results[step].get() for step in refs_in(value)}
        return Result(self._cache.store, value=resolved(value, values))

    def _parts_of(self, index: int) -> Parts | None:
        """Return what the key of a call is made of; None if it has none."""
        values = self._values_of(index)
        if self._parts is None or values is None:
            return None
        if self._elements is None:
            return self._parts
        try:
            own = self._keys.element_parts(self.step, values)
        except (NotCachedError, UndigestibleError) as error:
            self._why_not_kept = str(error)
            return None
        # A task may look at the name of its element.
        return {**self._parts, **own, "element": self._element(index)}

    def _values_of(self, index: int) -> dict[str, Result] | None:
        """Return the arguments that only this call has; None if the element does not fit."""
        if self._elements is None:
            return {}
        value, names = self._elements[index], self.step.argnames
        if self.step.method is Method.MAPVALUES:
            pair = value.items()
            if pair is None or len(pair) != _PAIR:
                return None
            self._pair_keys[index], value = pair
        if len(names) == 1:
            return {names[0]: value}
        values = value.items()
        if values is None or len(values) != len(names):
            return None
        return dict(zip(names, values, strict=True))

    def _element(self, index: int) -> str:
        if self._elements is None:
            return ""
        key = self._pair_keys.get(index)
        return str(index + 1) if key is None else element_name(key.get())

    def _label(self, index: int) -> str:
        return label_of(self.step.id, self._element(index))


class CachedOpener:
    """Opens the steps of a run with a cache."""

    def __init__(self, cache: RunCache, options: Options, log: RunLog) -> None:
        self._cache, self._options, self._log = cache, options, log
        self._keys = KeyMaker(cache.store.folder, options, log)

    def calls(
        self, number: int, step: PlannedStep, results: Mapping[str, Result], context: RunContext
    ) -> CachedCalls:
        """Return the calls of a step whose inputs are there."""
        options, log = self._options, self._log
        mock = mock_of(step.task, step.id, options.mocks, mock_io=options.mock_io)

        def make(arguments: Mapping[str, Any], argvalues: Any) -> StepCalls:
            return StepCalls(
                step, arguments, argvalues, number=number, options=options, log=log, context=context
            )

        return CachedCalls(
            step,
            {**options.params.get(step.id, {}), **step.arguments},
            results,
            cache=self._cache,
            keys=self._keys,
            make=make,
            mocked=mock is not None,
        )

    def value_of(self, result: Result) -> Any:
        """Return the value of a result."""
        return result.get()

    def release(self, result: Result) -> None:
        """Release the value of a result that no step needs any more."""
        result.unload()
