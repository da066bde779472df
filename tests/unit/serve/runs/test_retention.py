"""Which finished runs are kept."""

from datetime import UTC, datetime, timedelta

import pytest

from flowlock_core.runs.identity import time_text
from flowlock_serve.runs.record import FinishedRun
from flowlock_serve.runs.retention import expired
from flowlock_serve.settings import DAY, Retention

# The oldest first: how many days ago they ended, and their sizes.
RUNS = {"a": (40, 10), "b": (30, 10), "c": (20, 500), "d": (10, 10), "e": (0.5, 10)}


def finished() -> list[FinishedRun]:
    now = datetime.now(tz=UTC)
    return [
        FinishedRun(id=name, ended=time_text(now - timedelta(days=days)), size=size)
        for name, (days, size) in RUNS.items()
    ]


@pytest.mark.parametrize(
    ("retention", "gone"),
    [
        (Retention(), ""),
        (Retention(runs=2), "abc"),
        (Retention(seconds=25 * DAY), "ab"),
        (Retention(size=520), "ab"),
        (Retention(size=519), "abc"),
        (Retention(runs=4, seconds=25 * DAY, size=520), "ab"),
        (Retention(size=1), "abcd"),
        (Retention(seconds=1), "abcde"),
    ],
)
def test_old_runs_are_removed_by_number_age_and_size(retention: Retention, gone: str) -> None:
    assert expired(finished(), retention) == list(gone)


def test_nothing_has_expired_without_runs() -> None:
    assert expired([], Retention(runs=1, seconds=0.0, size=0)) == []
