"""What the service costs the locks of workflows: few records."""

from pathlib import Path

import pytest

from flowlock.conda.closure import closure
from flowlock.conda.match_spec import name_of
from flowlock.conda.records import Record
from flowlock.lock.lockfile.document import read
from shared import ROOT

LOCKS = sorted((ROOT / "examples").glob("*/*/pixi.lock"))
SERVICE = "flowlock-serve"
# What the service requires, and the packages that those require.
MOST = 10


def needed(records: tuple[Record, ...], workflow: str, *, without: str = "") -> set[str]:
    """Return the names of the records that a workflow's package needs, if it did not require one of them."""
    names = {record.name: [name_of(spec) for spec in record.depends] for record in records}
    return set(
        closure([workflow], lambda name: [other for other in names.get(name, []) if other != without])
    ) & set(names)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.parts[-3])
def test_the_service_adds_at_most_ten_packages_beside_itself(lock: Path) -> None:
    environment = read(lock.read_text(), lock.name).environments["default"]
    assert len(environment.packages) == 5
    for platform, records in environment.packages.items():
        package = lock.parent.name
        added = needed(records, package) - needed(records, package, without=SERVICE)
        assert SERVICE in added
        assert len(added - {SERVICE}) <= MOST, (platform, sorted(added))
