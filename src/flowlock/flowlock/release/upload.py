"""Upload to one target: concurrently, what others depend on first, past failures."""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter

from flowlock.errors import FlowlockError
from flowlock.release.publish_plan import Verdict
from flowlock.release.targets.artifact import Item
from flowlock.release.targets.client import DENIED
from flowlock.release.targets.protocol import Delivery, DeliveryStatus, PublishTarget
from flowlock.report.reporter import Progress

GOOD = (DeliveryStatus.UPLOADED, DeliveryStatus.PRESENT)


def upload(
    target: PublishTarget,
    items: Sequence[Item],
    graph: Mapping[str, set[str]],
    verdicts: Mapping[str, Verdict],
    *,
    done: dict[str, Delivery],
    jobs: int,
    progress: Progress,
) -> None:
    """Upload every item to the target, and record its outcome in `done` as soon as it is known.

    An item whose dependency is missing is held back, so that a channel never serves what cannot be
    installed. A refusal that concerns the whole place ends the uploads to it.
    """
    by_place = {item.place: item for item in items}
    closed: list[str] = []
    order = TopologicalSorter({place: graph.get(place, set()) & by_place.keys() for place in by_place})
    order.prepare()
    running: dict[Future[Delivery], str] = {}
    with ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="upload") as pool:
        try:
            while order.is_active():
                for place in order.get_ready():
                    settled = _settled(verdicts[place], graph.get(place, set()), done, closed)
                    if settled is None:
                        running[pool.submit(_one, target, by_place[place], closed)] = place
                    else:
                        done[place] = settled
                        order.done(place)
                for future in _finished(running):
                    place = running.pop(future)
                    done[place] = future.result()
                    order.done(place)
                    progress.working(f"{target.name}: {len(done)} of {len(items)} files, {place}")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _finished(running: Collection[Future[Delivery]]) -> set[Future[Delivery]]:
    """Wait for the next upload to end; without any, return at once."""
    return wait(running, return_when=FIRST_COMPLETED).done if running else set()


def _settled(
    verdict: Verdict, before: set[str], done: Mapping[str, Delivery], closed: Sequence[str]
) -> Delivery | None:
    """Return the outcome of an item that need not, or must not, be uploaded; None for one to upload."""
    if verdict.status is not DeliveryStatus.MISSING:
        return Delivery(status=verdict.status, url=verdict.url, detail=verdict.detail)
    if closed:
        return _not_attempted(closed)
    lacking = sorted(other for other in before if other in done and done[other].status not in GOOD)
    if lacking:
        return Delivery(
            status=DeliveryStatus.FAILED, detail=f"not uploaded: it requires {', '.join(lacking)}"
        )
    return None


def _not_attempted(closed: Sequence[str]) -> Delivery:
    return Delivery(status=DeliveryStatus.FAILED, detail=f"not attempted: {closed[0]}")


def _one(target: PublishTarget, item: Item, closed: list[str]) -> Delivery:
    """Upload an item, unless one before it in the queue was refused for a reason that concerns all."""
    if closed:
        return _not_attempted(closed)
    try:
        return target.upload(item)
    except FlowlockError as error:
        hint = error.problems[0].hint
        detail = f"{error.message} ({hint})" if hint else error.message
        if error.problems[0].code == DENIED:
            closed.append(detail)
        return Delivery(status=DeliveryStatus.FAILED, detail=detail)
