"""What a worker does for a run: it executes calls, keeps their results, and describes them."""

from contextlib import ExitStack
from functools import partial
from threading import Lock
from typing import Any, NamedTuple

from flowlock_core.cluster.environment import WorkerReport, code_digest, report
from flowlock_core.errors import WorkflowError
from flowlock_core.execute.call import Call, Deferred, Failure, Outcome
from flowlock_core.execute.deferred import run_deferred
from flowlock_core.execute.held import Description, Small, replaced_in
from flowlock_core.execute.pools.limiter import Limiter
from flowlock_core.execute.pools.messages import Packed, PassingError, packed, unpacked
from flowlock_core.execute.pools.problems import NotPassed, in_words, name_of
from flowlock_core.execute.pools.worker import RunStoppedError, executed

# Bytes: a result that is not larger travels with its description.
SMALL = 8192
# Levels of a list that are described: elements, and what a pair or another element is made of.
_LEVELS = 2


class Input(NamedTuple):
    """Stands for a value that the worker is given: which one, and the index of an item at each level."""

    number: int
    path: tuple[int, ...] = ()


class CallRequest(NamedTuple):
    """A call, the modules that it needs, the digest of their code, and whether its result travels whole."""

    call: Call
    deferred: Deferred
    modules: tuple[str, ...]
    code: str
    whole: bool


class Executed(NamedTuple):
    """What a call gave: `value` stays on the worker, and `answer` is for the scheduler."""

    value: Any
    answer: "Answer"


class Answer(NamedTuple):
    """What the scheduler learns: the outcome, and the description of a value that is not in it.

    Otherwise: the exception that ends the run, or the report of a worker that has other code.
    """

    outcome: Outcome | None = None
    description: Description | None = None
    stopped: BaseException | None = None
    other: WorkerReport | None = None


def execute(request: bytes, inputs: list[Executed]) -> Executed:
    """Execute a call; the value of its result stays here."""
    content: CallRequest = unpacked(Packed(request, ()))
    if code_digest(content.modules) != content.code:
        return Executed(None, Answer(other=report(content.modules)))
    try:
        outcome = executed(partial(_run, content, inputs))
    except RunStoppedError as stopped:
        return Executed(None, Answer(stopped=stopped.error))
    return _executed(content, outcome)


def execute_whole(request: bytes, inputs: list[Executed]) -> Answer:
    """Execute a call whose result travels whole, so that nothing is lost with this worker."""
    return execute(request, inputs).answer


def received(data: bytes) -> Executed:
    """Return a value that the run has sent, as if a call had given it."""
    return Executed(unpacked(Packed(data, ())), Answer())


def answer_of(executed: Executed) -> Answer:
    """Return what the scheduler learns."""
    return executed.answer


def _run(content: CallRequest, inputs: list[Executed]) -> Outcome:
    deferred = content.deferred

    def value_of(reference: Input) -> Any:
        value = inputs[reference.number].value
        for index in reference.path:
            value = value[index]
        return value

    arguments, own = replaced_in((deferred.arguments, deferred.own), Input, value_of)
    return run_deferred(content.call, deferred._replace(arguments=arguments, own=own), _LIMITER.run)


def _executed(content: CallRequest, outcome: Outcome) -> Executed:
    value, describe = outcome.value, content.deferred.describe
    if outcome.failure is not None:
        return Executed(None, Answer(outcome))
    try:
        size = _size_of(value)
        kept = None if describe is None else describe(value)
    except PassingError as error:
        result = NotPassed(value=f"the result, {in_words(value)},", reason=str(error))
        failed = name_of(content.call).not_passed(result)
        return Executed(None, Answer(failed._replace(written=outcome.written, inputs=outcome.inputs)))
    except WorkflowError as error:
        failure = Failure(message=error.message, problems=error.problems, error=None)
        return Executed(None, Answer(outcome._replace(value=None, failure=failure)))
    outcome = outcome._replace(kept=kept)
    if content.whole or size <= SMALL:
        return Executed(value, Answer(outcome))
    return Executed(value, Answer(outcome._replace(value=None), _described(value, _LEVELS)))


def _size_of(value: Any) -> int:
    data, buffers = packed(value)
    return len(data) + sum(buffer.nbytes for buffer in buffers)


def _described(value: Any, levels: int) -> Description:
    kind = type(value).__name__
    if not isinstance(value, list | tuple):
        return Description(kind)
    if not levels:
        return Description(kind, is_container=True)
    items = tuple([_described_item(item, levels - 1) for item in value])
    if all(isinstance(item, Small) for item in items):
        # The value itself is as good as a description.
        return Description(kind, is_container=True)
    return Description(kind, is_container=True, items=items)


def _described_item(item: Any, levels: int) -> Small | Description:
    return Small(item) if _size_of(item) <= SMALL else _described(item, levels)


class _WorkerLimiter:
    """Executes calls with a time limit in other processes of this worker, until the run has ended."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open = ExitStack()
        self._limiter: Limiter | None = None

    def run(self, call: Call) -> Outcome:
        """Execute a call."""
        with self._lock:
            if self._limiter is None:
                self._limiter = self._open.enter_context(Limiter.open())
            limiter = self._limiter
        return limiter.run(call)

    def close(self) -> None:
        """End the processes."""
        with self._lock:
            self._limiter = None
            self._open.close()


_LIMITER = _WorkerLimiter()


def close_limiter() -> None:
    """End the processes of calls with a time limit."""
    _LIMITER.close()
