"""The records of runs in SQLite: every change is on disk before anyone hears of it."""

import json
import sqlite3
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flowlock_core.errors import WorkflowError
from flowlock_core.runs.event_lines import now_text
from flowlock_core.runs.identity import new_run_id, time_text
from flowlock_serve.runs.record import (
    FINAL,
    UNFINISHED,
    FinishedRun,
    RunEnd,
    RunOrder,
    RunRecord,
    ServedState,
)

_SCHEMA = """
create table if not exists runs (
    number integer primary key autoincrement,
    id text unique not null,
    state text not null,
    created text not null,
    started text,
    ended text,
    request text not null,
    resumed_from text,
    resumed_by text,
    steps_ended integer not null default 0,
    problems text not null default '[]',
    results text not null default '[]',
    size integer not null default 0,
    key text unique,
    key_digest text
);
create index if not exists runs_by_state on runs (state, number);
create index if not exists runs_by_time on runs (created, number);
"""
_BUSY_SECONDS = 10
_PAGE = """
select * from runs
where (:before is null or number < :before)
    and (:state is null or state = :state)
    and (:since is null or created >= :since)
    and (:until is null or created <= :until)
order by number desc
limit :limit
"""
_IN_STATES = "select * from runs where state in (select value from json_each(?)) order by number"
_FINISHED = "select id, ended, size from runs where state in (select value from json_each(?)) order by number"
_ADD = """
insert into runs (id, state, created, request, resumed_from, key, key_digest)
values (:id, :state, :created, :request, :resumed_from, :key, :key_digest)
returning *
"""
_MOVE = "update runs set state = ? where id = ? and state in (select value from json_each(?))"
_END = """
update runs set state = ?, ended = ?, steps_ended = ?, problems = ?, results = ?, size = ?
where id = ? and state in (select value from json_each(?))
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFilter:
    """Which runs a page has: those before a number, of a state, created from `since` until `until`."""

    limit: int
    before: int | None = None
    state: ServedState | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestKey:
    """The Idempotency-Key of a request, and a digest of what it asks for."""

    key: str
    digest: str


class RunDatabase:
    """The records; one connection that all threads share."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        try:
            self._connection = sqlite3.connect(
                path, isolation_level=None, timeout=_BUSY_SECONDS, check_same_thread=False
            )
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("pragma journal_mode = wal")
            # A run that was accepted must be there after a power failure, too.
            self._connection.execute("pragma synchronous = full")
            self._connection.executescript(_SCHEMA)
        except sqlite3.Error as error:
            raise WorkflowError(
                f"the records of runs in {path} cannot be used: {error}",
                code="FL780",
                hint="choose another folder with --results, or move this file away",
            ) from error

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def require_usable(self) -> None:
        """Raise a sqlite3.Error if the records cannot be read."""
        self._rows("select 1 from runs limit 1")

    def add(self, order: RunOrder, key: RequestKey | None = None) -> RunRecord:
        """Add a queued run, and return it."""
        values = {
            "id": new_run_id(),
            "state": ServedState.QUEUED.value,
            "created": now_text(),
            "request": _request_text(order),
            "resumed_from": order.resumed_from,
            "key": None if key is None else key.key,
            "key_digest": None if key is None else key.digest,
        }
        with self._writing() as connection:
            (row,) = connection.execute(_ADD, values).fetchall()
            if order.resumed_from is not None:
                connection.execute(
                    "update runs set resumed_by = ? where id = ?", (row["id"], order.resumed_from)
                )
        return _record(row)

    def get(self, run: str) -> RunRecord | None:
        """Return a run, None if it does not exist."""
        rows = self._rows("select * from runs where id = ?", [run])
        return _record(rows[0]) if rows else None

    def by_key(self, key: str) -> tuple[RunRecord, str] | None:
        """Return the run that a request with this Idempotency-Key made, and the digest of that request."""
        rows = self._rows("select * from runs where key = ?", [key])
        return (_record(rows[0]), rows[0]["key_digest"]) if rows else None

    def page(self, chosen: RunFilter) -> list[RunRecord]:
        """Return runs, the newest first."""
        values = {
            "limit": chosen.limit,
            "before": chosen.before,
            "state": None if chosen.state is None else chosen.state.value,
            "since": _time_of(chosen.since),
            "until": _time_of(chosen.until),
        }
        return [_record(row) for row in self._rows(_PAGE, values)]

    def in_states(self, states: Collection[ServedState]) -> list[RunRecord]:
        """Return all runs in some states, the oldest first."""
        rows = self._rows(_IN_STATES, [_names_of(states)])
        return [_record(row) for row in rows]

    def counts(self) -> dict[ServedState, int]:
        """Return how many runs are in each state."""
        counts = dict.fromkeys(ServedState, 0)
        for state, count in self._rows("select state, count(*) from runs group by state"):
            counts[ServedState(state)] = count
        return counts

    def finished(self) -> list[FinishedRun]:
        """Return the runs that have ended, the oldest first."""
        rows = self._rows(_FINISHED, [_names_of(FINAL)])
        return [FinishedRun(id=row["id"], ended=row["ended"], size=row["size"]) for row in rows]

    def queued(self) -> int:
        """Return how many runs wait."""
        rows = self._rows("select count(*) from runs where state = 'queued'")
        count: int = rows[0][0]
        return count

    def claim(self) -> RunRecord | None:
        """Let the run that waits longest be starting, and return it."""
        with self._writing() as connection:
            rows = connection.execute(
                "update runs set state = 'starting', started = ? where number = "
                "(select number from runs where state = 'queued' order by number limit 1) returning *",
                (now_text(),),
            ).fetchall()
        return _record(rows[0]) if rows else None

    def move(self, run: str, to: ServedState, *, only_from: Collection[ServedState]) -> bool:
        """Change the state of a run that has not ended; return whether it was in one of the states."""
        with self._writing() as connection:
            done = connection.execute(_MOVE, (to.value, run, _names_of(only_from)))
        return done.rowcount == 1

    def end(self, run: str, end: RunEnd, *, only_from: Collection[ServedState] = UNFINISHED) -> bool:
        """Write how a run ended; return whether it was in one of the states."""
        problems, results = json.dumps(list(end.problems)), json.dumps(list(end.results))
        values = (end.state.value, end.ended, end.steps_ended, problems, results, end.size)
        with self._writing() as connection:
            done = connection.execute(_END, (*values, run, _names_of(only_from)))
        return done.rowcount == 1

    def remove(self, run: str) -> None:
        """Remove the record of a run."""
        with self._writing() as connection:
            connection.execute("delete from runs where id = ?", (run,))

    def _rows(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[sqlite3.Row]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("begin immediate")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("rollback")
                raise
            self._connection.execute("commit")


def _record(row: sqlite3.Row) -> RunRecord:
    order = RunOrder(**json.loads(row["request"]), resumed_from=row["resumed_from"])
    return RunRecord(
        number=row["number"],
        id=row["id"],
        state=ServedState(row["state"]),
        created=row["created"],
        order=order,
        started=row["started"],
        ended=row["ended"],
        seconds=_seconds(row["started"], row["ended"]),
        steps_ended=row["steps_ended"],
        problems=json.loads(row["problems"]),
        results=json.loads(row["results"]),
        resumed_by=row["resumed_by"],
        size=row["size"],
    )


def _names_of(states: Collection[ServedState]) -> str:
    return json.dumps([state.value for state in states])


def _request_text(order: RunOrder) -> str:
    document = {
        "params": order.params,
        "executor": order.executor,
        "jobs": order.jobs,
        "mock_io": order.mock_io,
        "keep_going": order.keep_going,
    }
    return json.dumps(document, ensure_ascii=False)


def _seconds(started: str | None, ended: str | None) -> float | None:
    """Return how long a run took, None if it has not ended or never started."""
    if started is None or ended is None:
        return None
    duration = datetime.fromisoformat(ended) - datetime.fromisoformat(started)
    return round(duration.total_seconds(), 3)


def _time_of(moment: datetime | None) -> str | None:
    """Return a time as the records have it: texts of equal length in UTC sort as the times do."""
    return None if moment is None else time_text(moment.astimezone(UTC))
