"""The one retry: what passes is tried again, with growing pauses and as the server asks."""

import math
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from flowlock.errors import FlowlockError

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """How long faults that pass are borne: tries, the first pause (it doubles), the longest pause, timeouts.

    All in seconds. A server's Retry-After is honoured up to `longest_wait`; one that asks for more has
    refused.
    """

    tries: int = 6
    first_pause: float = 0.5
    longest_pause: float = 30.0
    longest_wait: float = 300.0
    connect: float = 10.0
    read: float = 120.0

    def pause(self, attempt: int, requested: float | None) -> float:
        """Return the seconds before the next try after `attempt` (from 0) failed."""
        doubled = self.first_pause * 2.0**attempt
        return min(doubled, self.longest_pause) if requested is None else requested


DEFAULT_RETRY_POLICY = RetryPolicy()


class PassingError(Exception):
    """Try again: the reason, and the seconds that the server asked us to wait."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait = wait


def persist(
    action: Callable[[], T],
    what: str,
    *,
    retry_policy: RetryPolicy = DEFAULT_RETRY_POLICY,
    landed: Callable[[], T | None] | None = None,
    code: str = "FL811",
) -> T:
    """Repeat an action while it raises PassingError; the last fault becomes a FlowlockError of this code.

    `landed` looks before each further try whether the last one did happen after all, and returns what stands
    for its result.
    """
    fault = PassingError("at least one attempt must be allowed")
    for attempt in range(retry_policy.tries):
        try:
            return action()
        except PassingError as passing:
            fault = passing
        pause = retry_policy.pause(attempt, fault.wait)
        if pause > retry_policy.longest_wait:
            break
        time.sleep(pause if attempt + 1 < retry_policy.tries else 0)
        result = landed() if landed else None
        if result is not None:
            return result
    raise FlowlockError(
        f"{what} failed repeatedly: {fault.reason}",
        code=code,
        hint="check the network, the proxy settings and the service's status page, then run the same command "
        "again",
    ) from fault


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the seconds of a Retry-After (a number or a date, RFC 9110), or until a rate limit's reset.

    Any other value is ignored.
    """
    present = now or datetime.now(UTC)
    value = headers.get("retry-after", "").strip()
    if value:
        return _seconds(value) if _seconds(value) is not None else _until(value, present)
    reset = _seconds(headers.get("x-ratelimit-reset", ""))
    if headers.get("x-ratelimit-remaining") == "0" and reset is not None:
        return max(0.0, reset - present.timestamp())
    return None


def _seconds(text: str) -> float | None:
    """Return an integer of seconds; a number that a float cannot hold is infinite."""
    if not (text.isascii() and text.isdecimal()):
        return None
    return float(text) if len(text) <= sys.float_info.dig else math.inf


def _until(text: str, present: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (aware - present).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None
