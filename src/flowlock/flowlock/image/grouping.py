"""Which packages share a layer: large ones have separate layers, the workflow is last. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flowlock.conda.records import Record

# In bytes of the archive, which the lock states.
LARGE = 1_000_000
# Container runtimes mount at most 127 layers; the base and what derived images add must fit too.
MOST_LARGE = 60
SMALL, WORKSPACE, WORKFLOW = "small packages", "workspace packages", "workflow package"


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageGroup:
    """The packages of one layer, sorted by name."""

    title: str
    records: tuple[Record, ...]


def grouped(records: Sequence[Record], own_channel: str, workflow: str) -> list[PackageGroup]:
    """Return the layers of an environment, those that change most often last.

    `own_channel` is the channel of the workspace's packages. `workflow` is the package of the workflow: an
    edit of its spec changes no other.
    """
    large = _large(record for record in records if _shared(record, own_channel, workflow) == SMALL)
    groups: dict[str, list[Record]] = {record.name: [record] for record in large}
    # No package has a name with a space.
    groups |= {title: [] for title in (SMALL, WORKSPACE, WORKFLOW)}
    for record in sorted(records, key=lambda record: record.name):
        if record not in large:
            groups[_shared(record, own_channel, workflow)].append(record)
    return [PackageGroup(title=title, records=tuple(group)) for title, group in groups.items() if group]


def _shared(record: Record, own_channel: str, workflow: str) -> str:
    """Return the title of the layer that a package is in unless it has its own."""
    if record.name == workflow:
        return WORKFLOW
    return WORKSPACE if record.channel == own_channel else SMALL


def _large(records: Iterable[Record]) -> list[Record]:
    """Return the packages that are worth a layer, by name."""
    worth = [record for record in records if _size(record) >= LARGE]
    largest = sorted(worth, key=_size, reverse=True)[:MOST_LARGE]
    return sorted(largest, key=lambda record: record.name)


def _size(record: Record) -> int:
    return record.size or 0
