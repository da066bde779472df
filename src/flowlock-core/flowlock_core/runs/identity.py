"""The id of a run: sorted by time, unique, and a name on every file system and in every URL; and its time."""

import os
import re
from datetime import UTC, datetime

_ID = re.compile(r"[0-9]{8}T[0-9]{6}\.[0-9]{6}Z-[0-9a-f]{4}")


def new_run_id() -> str:
    """Return the id of a run that starts now, such as `20261126T170930.123456Z-9f2c`."""
    return f"{datetime.now(tz=UTC):%Y%m%dT%H%M%S.%fZ}-{os.urandom(2).hex()}"


def is_run_id(text: str) -> bool:
    """Return whether a text is the id of a run; none of these leads out of a folder."""
    return _ID.fullmatch(text) is not None


def time_text(moment: datetime) -> str:
    """Return a time in UTC as RFC 3339 writes it, to the millisecond."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def started_at(run: str) -> datetime:
    """Return when a run started, by its id."""
    return datetime.strptime(run.partition("-")[0], "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)
