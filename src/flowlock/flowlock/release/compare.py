"""What a target has of the files to publish, by the bytes that it serves and not by its index alone."""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from flowlock.release import publish_plan
from flowlock.release.publish_plan import Verdict
from flowlock.release.targets.artifact import Item
from flowlock.release.targets.protocol import DeliveryStatus, PublishTarget, Served


def compare(
    target: PublishTarget, items: Sequence[Item], *, jobs: int, already_read: Collection[str] = ()
) -> dict[str, Verdict]:
    """Return by place what a target has of each item.

    An item is `present` only if its bytes were read from the target: now, or before, if its place is in
    `already_read`. What the index lists but nobody can download is missing.
    """
    served = target.served(items)
    verdicts = {item.place: publish_plan.judge(item, served) for item in items}
    unread = [
        item for item in items if item.place not in already_read and _is_indexed(item, served, verdicts)
    ]
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        for item, digest in zip(unread, pool.map(target.digest, unread), strict=True):
            if digest is None:
                detail = "it is in the index, but the server does not have it"
                verdicts[item.place] = Verdict(status=DeliveryStatus.MISSING, detail=detail)
            elif digest != item.sha256:
                detail = f"the index lists the sha256 {item.sha256}, but the served file has {digest}"
                verdicts[item.place] = Verdict(
                    status=DeliveryStatus.CONFLICT, url=served[item.place].url, detail=detail
                )
    return verdicts


def _is_indexed(item: Item, served: Mapping[str, Served], verdicts: Mapping[str, Verdict]) -> bool:
    """Return whether the target's index has the item with its digest; a ledger may have other bytes."""
    present = verdicts[item.place].status is DeliveryStatus.PRESENT
    return present and served[item.place].sha256 == item.sha256
