"""A run as the service knows it: what was asked for, how far it is, and how it ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any


class ServedState(Enum):
    """The state of a run of the service."""

    QUEUED = "queued"
    # Its process is being started.
    STARTING = "starting"
    RUNNING = "running"
    # Its process is being ended.
    CANCELLING = "cancelling"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    # The service or the process of the run was ended.
    INTERRUPTED = "interrupted"

    @property
    def is_final(self) -> bool:
        """Whether the run has ended."""
        return self in FINAL


FINAL = frozenset(
    (ServedState.DONE, ServedState.FAILED, ServedState.CANCELLED, ServedState.INTERRUPTED),
)
# A process may exist.
ACTIVE = frozenset((ServedState.STARTING, ServedState.RUNNING, ServedState.CANCELLING))
UNFINISHED = ACTIVE | {ServedState.QUEUED}
RESUMABLE = FINAL - {ServedState.DONE}


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOrder:
    """What a request asks for; a run with `resumed_from` reuses the cached results of that run."""

    params: dict[str, dict[str, Any]]
    executor: str = "sequential"
    jobs: int | None = None
    mock_io: bool = False
    keep_going: bool = False
    resumed_from: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRecord:
    """A run: times are RFC 3339 in UTC, `results` are paths relative to the folder of its results.

    `number` counts the runs in the order in which they were accepted.
    """

    number: int
    id: str
    state: ServedState
    created: str
    order: RunOrder
    started: str | None = None
    ended: str | None = None
    seconds: float | None = None
    steps_ended: int = 0
    problems: Sequence[Mapping[str, Any]] = ()
    results: Sequence[str] = ()
    resumed_by: str | None = None
    size: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class FinishedRun:
    """What decides whether a run that has ended is kept."""

    id: str
    ended: str
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RunEnd:
    """How a run ended; `size` are the bytes of its folder."""

    state: ServedState
    ended: str
    steps_ended: int = 0
    problems: Sequence[Mapping[str, Any]] = ()
    results: Sequence[str] = ()
    size: int = 0
