"""Which finished runs have expired: by their age, their number and their size."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from flowlock_core.runs.identity import time_text
from flowlock_serve.runs.record import FinishedRun
from flowlock_serve.settings import Retention


def expired(finished: Sequence[FinishedRun], retention: Retention) -> list[str]:
    """Return the ids of the runs that are not kept, the oldest first; `finished` is in their order.

    The newest is kept however large it is: its results have just been made.
    """
    oldest = time_text(datetime.now(tz=UTC) - timedelta(seconds=retention.seconds))
    kept_size = 0
    gone = []
    for place, record in enumerate(reversed(finished)):
        kept_size += record.size
        too_many = place >= retention.runs
        too_large = place > 0 and kept_size > retention.size
        if too_many or too_large or record.ended < oldest:
            gone.append(record.id)
    return gone[::-1]
