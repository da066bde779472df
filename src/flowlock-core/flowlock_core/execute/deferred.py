"""A deferred call, where its values are: they are checked, the conditions are asked, and the task runs."""

from collections.abc import Callable
from functools import partial

from flowlock_core.execute.call import Call, Deferred, Outcome, prepared_or_failed, run_call
from flowlock_core.execute.held import fetched
from flowlock_core.execute.options import Options
from flowlock_core.execute.record import RunLog
from flowlock_core.execute.step_calls import StepCalls


def run_here(call: Call) -> Outcome:
    """Run a call in this process, whether it is deferred or not; what it needs is fetched."""
    if call.deferred is None:
        return run_call(call)
    arguments, own = fetched((call.deferred.arguments, call.deferred.own))
    return run_deferred(call, call.deferred._replace(arguments=arguments, own=own))


def run_deferred(call: Call, deferred: Deferred, execute: Callable[[Call], Outcome] = run_call) -> Outcome:
    """Prepare a call whose values are here, and run it unless it is skipped, mocked or wrong."""
    log = RunLog()
    calls = StepCalls(
        deferred.step,
        deferred.arguments,
        None,
        number=call.position[0],
        options=Options(
            base=call.of_run.base,
            results=call.of_run.results,
            mock_io=deferred.mock_io,
            mocks=deferred.mocks,
        ),
        log=log,
        context=call.of_run,
    )
    prepared = prepared_or_failed(
        partial(calls.prepare_one, call.element, call.position[1], deferred.own), calls.failed
    )
    outcome = prepared if isinstance(prepared, Outcome) else execute(prepared._replace(delay=call.delay))
    return outcome._replace(inputs=tuple(sorted(log.inputs)))
