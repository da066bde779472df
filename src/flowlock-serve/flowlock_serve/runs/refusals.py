"""Why a request about a run is refused; routes answer with the status of each."""

from flowlock_core.errors import WorkflowError


class RunRefusedError(WorkflowError):
    """A request about a run that is valid, but cannot be done now."""

    status = 409
    retry_after: int | None = None


class UnknownRunError(RunRefusedError):
    """The run does not exist."""

    status = 404

    def __init__(self, run: str) -> None:
        message = f"the run {run} does not exist"
        super().__init__(message, code="FL775", hint="`GET /runs` lists the runs")


class UnknownResultError(RunRefusedError):
    """The run does not have this file among its results."""

    status = 404

    def __init__(self) -> None:
        hint = "`results` of the run lists its files"
        super().__init__("the run has no such result", code="FL775", hint=hint)


class StoreError(RunRefusedError):
    """The bucket with the results does not answer as it should."""

    status = 503
    retry_after = 5

    def __init__(self, error: WorkflowError) -> None:
        super().__init__(error.message, problems=error.problems)


class ElsewhereError(RunRefusedError):
    """The results of the run are in a bucket that the service was not started with."""

    def __init__(self, url: str) -> None:
        super().__init__(
            f"the results of the run are in {url}, which this service does not use",
            code="FL749",
            hint=f"start the service with --results {url}",
        )


class ConflictError(RunRefusedError):
    """The state of the run does not allow it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="FL778", hint="`GET /runs/{id}` has the state of a run")


class KeyReusedError(RunRefusedError):
    """An Idempotency-Key was used for another request before."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"the Idempotency-Key `{key}` was sent with another request before",
            code="FL783",
            hint="send a new key with each new request, and the same key only to repeat a request",
        )


class QueueFullError(RunRefusedError):
    """Too many runs wait."""

    status = 429
    retry_after = 5

    def __init__(self, most: int) -> None:
        super().__init__(
            f"{most} runs are waiting, which is the maximum",
            code="FL777",
            hint="send the request again later; the option --queue of `serve` sets the maximum",
        )
