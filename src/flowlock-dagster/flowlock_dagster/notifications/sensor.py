"""The sensor that delivers notifications: what a receiver does not accept stays in its cursor."""

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import dagster as dg

from flowlock_dagster.notifications.channels import Channel, DeliveryError
from flowlock_dagster.notifications.message import Ending, message_of

_EVENTS = {
    Ending.SUCCESS: dg.DagsterEventType.RUN_SUCCESS,
    Ending.FAILURE: dg.DagsterEventType.RUN_FAILURE,
    Ending.CANCELED: dg.DagsterEventType.RUN_CANCELED,
}
# Of one kind in one tick, which has 60 seconds.
_MOST_EVENTS = 20
_MOST_SECONDS = 40.0
# Seconds between attempts: twice as many after each, up to the second number; given up after the third.
_PAUSE, _LONGEST_PAUSE, _PATIENCE = 5.0, 900.0, 3 * 86400.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """A notification that a channel has not delivered yet."""

    run: str
    ending: str
    channel: str
    since: float
    attempts: int = 0
    due: float = 0.0


@dataclass(kw_only=True, slots=True)
class Outbox:
    """What the sensor remembers: how far it has read each kind of event, and what is left to deliver."""

    read: dict[str, str] = field(default_factory=dict)
    left: list[Delivery] = field(default_factory=list)

    @classmethod
    def loaded(cls, cursor: str | None) -> "Outbox":
        """Return what a cursor holds."""
        document = json.loads(cursor) if cursor else {}
        left = [Delivery(**entry) for entry in document.get("left", ())]
        return cls(read=document.get("read", {}), left=left)

    def text(self) -> str:
        """Return the cursor."""
        return json.dumps({"read": self.read, "left": [asdict(entry) for entry in self.left]})


def notification_sensor(
    channels: Sequence[Channel],
    *,
    name: str = "notifications",
    endings: Iterable[Ending] = tuple(Ending),
    jobs: Iterable[str] | None = None,
    interval: int = 30,
) -> dg.SensorDefinition:
    """Return the sensor that notifies `channels` of runs that have ended, from when it is first on.

    Without `jobs`, runs of all jobs of the instance. A receiver that fails, hangs or is gone is tried again
    for three days, with growing pauses, and holds up neither the others nor a run.
    """
    endings = tuple(endings)
    wanted = None if jobs is None else frozenset(jobs)

    def notify(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        outbox = Outbox.loaded(context.cursor)
        _collect(context.instance, outbox, endings, channels, wanted)
        problems = list(_deliver_all(context.instance, outbox, channels))
        # Not an exception: with one, Dagster would forget what has been delivered.
        context.update_cursor(outbox.text())
        for problem in problems:
            context.log.warning(problem)
        left = f"{len(outbox.left)} not delivered yet" if outbox.left else "all delivered"
        return dg.SkipReason("; ".join([left, *problems]))

    return dg.SensorDefinition(
        name=name,
        evaluation_fn=notify,
        minimum_interval_seconds=interval,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Reports how runs ended.",
    )


def _collect(
    instance: dg.DagsterInstance,
    outbox: Outbox,
    endings: Sequence[Ending],
    channels: Sequence[Channel],
    wanted: frozenset[str] | None,
) -> None:
    """Note what the events since the last tick make necessary; at the first tick, nothing."""
    now = time.time()
    for ending in endings:
        event = _EVENTS[ending]
        if ending.value not in outbox.read:
            newest = instance.fetch_run_status_changes(event, limit=1)
            outbox.read[ending.value] = newest.cursor
            continue
        changes = instance.fetch_run_status_changes(
            event, limit=_MOST_EVENTS, cursor=outbox.read[ending.value], ascending=True
        )
        outbox.read[ending.value] = changes.cursor
        for change in changes.records:
            entry = change.event_log_entry
            if wanted is None or entry.job_name in wanted:
                outbox.left += [
                    Delivery(run=entry.run_id, ending=ending.value, channel=channel.name, since=now)
                    for channel in channels
                ]


def _deliver_all(instance: dg.DagsterInstance, outbox: Outbox, channels: Sequence[Channel]) -> Iterator[str]:
    """Deliver what is due, and yield why something was not accepted; what is left stays in the outbox."""
    by_name = {channel.name: channel for channel in channels}
    begun, left = time.monotonic(), []
    failing: set[str] = set()
    for delivery in outbox.left:
        channel = by_name.get(delivery.channel)
        now = time.time()
        late = time.monotonic() - begun > _MOST_SECONDS
        if channel is not None and (delivery.due > now or late or delivery.channel in failing):
            left.append(delivery)
            continue
        try:
            _deliver(instance, delivery, channel)
        except DeliveryError as error:
            # One that hangs would take the time of all others.
            failing.add(delivery.channel)
            if now - delivery.since > _PATIENCE or channel is None:
                yield f"{error}; given up, so nobody hears of the run {delivery.run}"
            else:
                left.append(_later(delivery, now))
                yield str(error)
    outbox.left = left


def _deliver(instance: dg.DagsterInstance, delivery: Delivery, channel: Channel | None) -> None:
    if channel is None:
        raise DeliveryError(f"there is no channel {delivery.channel} any more")
    record: Any = instance.get_run_record_by_id(delivery.run)
    # A run that was deleted cannot be described.
    if record is not None:
        channel.deliver(message_of(instance, record, Ending(delivery.ending)))


def _later(delivery: Delivery, now: float) -> Delivery:
    pause = min(_PAUSE * 2.0**delivery.attempts, _LONGEST_PAUSE)
    return replace(delivery, attempts=delivery.attempts + 1, due=now + pause)
