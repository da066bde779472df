"""Whether a platform runs what was deployed: checks in order, each of which says why it failed."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from flowlock.deploy.dagster_api import DaemonState, DagsterApi, LocationEntry, LogEvent
from flowlock.errors import FlowlockError, nearest

POLL = 0.5
WAITING = ("NOT_STARTED", "QUEUED")
ENDED = ("SUCCESS", "FAILURE", "CANCELED")
LOG_LINES = 40
# After a reload, in seconds.
SETTLED, MOST_LOOKS = 2.0, 10
# Daemons send a heartbeat every 30 seconds.
LONGEST_SILENCE = 120.0
TAG = "flowlock/verify"


class CheckStatus(StrEnum):
    """How a check ended; one that others have made pointless is skipped, with the reason."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckOutcome:
    """A check: what was found, or why it failed; `log` are lines of a run."""

    name: str
    status: CheckStatus
    detail: str
    seconds: float = 0.0
    log: tuple[str, ...] = ()

    def as_json(self) -> Mapping[str, Any]:
        """Return everything by name."""
        return {
            "name": self.name,
            "status": str(self.status),
            "detail": self.detail,
            "seconds": round(self.seconds, 3),
            "log": list(self.log),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class SliceRun:
    """A run on a small part of the data, and the seconds that it may take."""

    job: str
    config: Mapping[str, Any]
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Expectation:
    """What was deployed: the image, empty if unknown; the jobs, None if unknown; workflows that are gone.

    With `open_ended` the location may have more jobs than these.
    """

    location: str
    image: str = ""
    jobs: frozenset[str] | None = None
    open_ended: bool = False
    removed: tuple[str, ...] = ()
    slice: SliceRun | None = None


@dataclass(kw_only=True, slots=True)
class _Verification:
    api: DagsterApi
    expected: Expectation
    entry: LocationEntry | None = None
    outcomes: list[CheckOutcome] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    @property
    def failed(self) -> list[str]:
        """The names of the checks that did not pass, apart from those that were skipped."""
        return [outcome.name for outcome in self.outcomes if outcome.status is CheckStatus.FAILED]


class _SkippedError(Exception):
    """A check that cannot be made: the reason."""


class _FailedError(Exception):
    """A check that failed: the reason."""


def verify(api: DagsterApi, expected: Expectation, *, wait: float = 0.0) -> list[CheckOutcome]:
    """Make all checks; those that a rollout changes are repeated until they pass, for `wait` seconds."""
    until = time.monotonic() + wait
    verification = _look(api, expected)
    while verification.failed and time.monotonic() < until:
        time.sleep(min(POLL, max(0.0, until - time.monotonic())))
        verification = _look(api, expected)
    _make(verification, "removed", _removed)
    _make(verification, "run", _run)
    return verification.outcomes


def reload(api: DagsterApi, name: str) -> LocationEntry:
    """Let Dagster load a location again, and return what came of it.

    Its answer may still have the definitions from before, which are replaced a moment later: so the location
    is looked at until it stays the same.
    """
    entry = api.reload(name)
    for _ in range(MOST_LOOKS):
        time.sleep(SETTLED)
        again = api.location(name)
        if again.updated == entry.updated:
            return again
        entry = again
    return entry


def _look(api: DagsterApi, expected: Expectation) -> _Verification:
    verification = _Verification(api=api, expected=expected)
    for name, check in ROLLOUT:
        _make(verification, name, check)
    return verification


def _make(verification: _Verification, name: str, check: Callable[[_Verification], str]) -> None:
    """Make one check; what it raises is its outcome."""
    start, status = time.monotonic(), CheckStatus.PASSED
    try:
        detail = check(verification)
    except _SkippedError as skipped:
        status, detail = CheckStatus.SKIPPED, str(skipped)
    except _FailedError as failed:
        status, detail = CheckStatus.FAILED, str(failed)
    except FlowlockError as error:
        status, detail = CheckStatus.FAILED, error.message
    outcome = CheckOutcome(
        name=name,
        status=status,
        detail=detail,
        seconds=time.monotonic() - start,
        log=tuple(verification.log),
    )
    verification.log.clear()
    verification.outcomes.append(outcome)


def _location(verification: _Verification) -> str:
    entry = verification.api.location(verification.expected.location)
    if not entry.is_loaded:
        raise _FailedError(f"the location {entry.name} has not loaded: {entry.load_error}")
    verification.entry = entry
    return f"{entry.name} has loaded without an error"


def _loaded(verification: _Verification) -> LocationEntry:
    if verification.entry is None:
        raise _SkippedError("the location has not loaded")
    return verification.entry


def _image(verification: _Verification) -> str:
    entry, expected = _loaded(verification), verification.expected.image
    if not expected:
        raise _SkippedError("no tag is expected: name it with --tag")
    if not entry.image:
        raise _FailedError(
            "the location does not say which image it runs in: start its code server with --container-image"
        )
    if entry.image != expected:
        raise _FailedError(f"it runs {entry.image}, not {expected}")
    return f"it runs {entry.image}"


def _jobs(verification: _Verification) -> str:
    jobs, expected = set(_loaded(verification).jobs), verification.expected
    if expected.jobs is None:
        raise _SkippedError("flowlock.toml does not say which jobs it has")
    faults = [f"the job {name} is missing" for name in sorted(expected.jobs - jobs)]
    if not expected.open_ended:
        faults += [f"the job {name} is not one of the location" for name in sorted(jobs - expected.jobs)]
    if faults:
        raise _FailedError("; ".join(faults))
    return f"it has {', '.join(sorted(jobs)) or 'no jobs'}"


def _daemons(verification: _Verification) -> str:
    required = [daemon for daemon in verification.api.daemons() if daemon.required]
    now = time.time()
    faults = [fault for daemon in required if (fault := daemon_fault(daemon, now))]
    if faults:
        raise _FailedError("; ".join(faults))
    return f"all {len(required)} are healthy"


def daemon_fault(daemon: DaemonState, now: float) -> str:
    """Return why a daemon is not healthy, nothing for one that is; `now` in seconds since the epoch.

    Dagster itself calls a daemon healthy until it has been silent for half an hour.
    """
    if daemon.healthy and daemon.heartbeat is not None:
        silence = now - daemon.heartbeat
        return f"{daemon.kind} has been silent for {silence:.0f} s" if silence > LONGEST_SILENCE else ""
    reasons = [error.reason for error in daemon.errors] or ["it sends no heartbeats"]
    return f"{daemon.kind} is not healthy: {reasons[0]}"


def _removed(verification: _Verification) -> str:
    """Find the workflows that were removed gone, and the logs of their last runs still there."""
    expected = verification.expected
    if not expected.removed:
        raise _SkippedError("no workflow is named with --removed")
    jobs = _loaded(verification).jobs
    faults, kept = [], 0
    for name in expected.removed:
        run = verification.api.last_run(name)
        if name in jobs:
            faults.append(f"the job {name} is still there")
        elif run is not None:
            kept += bool(verification.api.logs(run, limit=1))
    if faults:
        raise _FailedError("; ".join(faults))
    return f"{', '.join(expected.removed)} gone; logs of {kept} kept"


def _run(verification: _Verification) -> str:
    """Run the slice, unless something else makes its outcome meaningless."""
    entry, wanted = _loaded(verification), verification.expected.slice
    if wanted is None:
        raise _SkippedError("no job is named with --job, nor in flowlock.toml")
    hindering = {"image", "daemons"}.intersection(verification.failed)
    if hindering:
        raise _SkippedError(f"not run: {' and '.join(sorted(hindering))} failed")
    if wanted.job not in entry.jobs:
        hint = nearest(wanted.job, list(entry.jobs))
        raise _FailedError(f"the job {wanted.job} does not exist{f'; {hint}' if hint else ''}")
    launch = verification.api.launch(
        entry.name, entry.jobs[wanted.job], wanted.job, wanted.config, {TAG: "true"}
    )
    if launch.run is None:
        raise _FailedError(f"{wanted.job} was not launched: {launch.refusal}")
    return _await(verification, wanted, launch.run.id)


def _await(verification: _Verification, wanted: SliceRun, run: str) -> str:
    api, start = verification.api, time.monotonic()
    status = api.status(run)
    while status not in ENDED and time.monotonic() < start + wanted.seconds:
        time.sleep(POLL)
        status = api.status(run)
    took = time.monotonic() - start
    events = api.logs(run)
    verification.log += [event.line for event in events][-LOG_LINES:]
    if status not in ENDED:
        api.terminate(run)
        why = ", which a daemon should have ended" if status in WAITING else ""
        raise _FailedError(
            f"{wanted.job} did not end within {wanted.seconds:g} s: it was {status}{why}, and has to end; "
            f"run {run}"
        )
    if status != "SUCCESS":
        reason = next(iter(_reasons(events)), "its log does not say why")
        raise _FailedError(f"{wanted.job} ended with {status}: {reason}; run {run}")
    return f"{wanted.job} succeeded in {took:.1f} s; run {run}"


def _reasons(events: Sequence[LogEvent]) -> Iterator[str]:
    """Yield why steps failed."""
    for event in events:
        if event.error is not None:
            yield event.line.partition(" ")[2].strip()


# What a rollout changes; the run follows when it is through.
ROLLOUT: tuple[tuple[str, Callable[[_Verification], str]], ...] = (
    ("location", _location),
    ("image", _image),
    ("jobs", _jobs),
    ("daemons", _daemons),
)
