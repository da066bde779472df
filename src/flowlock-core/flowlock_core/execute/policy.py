"""How the calls of a step are executed: again after a failure, within a time limit, with a cached result."""

from dataclasses import dataclass

# Seconds; a pause is not doubled beyond it.
LONGEST_PAUSE = 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """The policy of a step; it holds for each of its calls.

    A call that fails runs again up to `retries` times: after `backoff` seconds, then after twice as many,
    and so on. A call that takes longer than `timeout` seconds is ended, and has failed. Without `cache`, no
    result is kept.
    """

    retries: int = 0
    backoff: float = 1.0
    timeout: float | None = None
    cache: bool = True

    def pause(self, retry: int) -> float:
        """Return how many seconds to wait before a retry, the first of which is 1."""
        return min(self.backoff * 2.0 ** (retry - 1), LONGEST_PAUSE)


DEFAULT_POLICY = Policy()
