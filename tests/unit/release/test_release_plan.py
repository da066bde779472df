"""What is published in which order, and what a target's answer means."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlock.conda.artifact import Artifact
from flowlock.errors import FlowlockError
from flowlock.names import Sha256
from flowlock.release.publish_plan import PinnedBuild, admit, dependencies, judge
from flowlock.release.targets.artifact import Item
from flowlock.release.targets.protocol import Delivery, DeliveryStatus, PublishTarget, Served, TargetKind
from flowlock.release.upload import upload
from flowlock.report.reporter import Silent

ONE, TWO = Sha256("1" * 64), Sha256("2" * 64)


def built(name: str, version: str = "1.0", build: str = "pyhaa_0", sha256: Sha256 | None = None) -> Artifact:
    number = int(build.rsplit("_", 1)[1])
    return Artifact(name=name, version=version, build=build, number=number, subdir="noarch", sha256=sha256)


def item(
    name: str, version: str = "1.0", build: str = "pyhaa_0", *, sha256: Sha256 = ONE, depends: str = ""
) -> Item:
    return Item(
        path=Path(),
        file=f"{name}-{version}-{build}.conda",
        sha256=sha256,
        size=1,
        artifact=built(name, version, build, sha256),
        depends=frozenset(depends.split()),
    )


def served(*items: Item) -> dict[str, Served]:
    return {
        one.place: Served(place=one.place, url="", sha256=one.sha256, artifact=one.artifact) for one in items
    }


@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        ([], DeliveryStatus.MISSING),
        ([item("a")], DeliveryStatus.PRESENT),
        ([item("a", sha256=TWO)], DeliveryStatus.CONFLICT),
        ([item("a", build="pyhbb_0")], DeliveryStatus.CONFLICT),
        ([item("a", build="pyhbb_1")], DeliveryStatus.CONFLICT),
        ([item("a", version="1.0.0", build="pyhbb_0")], DeliveryStatus.CONFLICT),
        ([item("a", version="1.1", build="pyhbb_0")], DeliveryStatus.MISSING),
        ([item("b", build="pyhbb_0")], DeliveryStatus.MISSING),
        ([item("a"), item("a", build="pyhbb_0")], DeliveryStatus.PRESENT),
    ],
)
def test_what_a_target_has_decides(theirs: list[Item], expected: DeliveryStatus) -> None:
    assert judge(item("a"), served(*theirs)).status is expected


def test_a_higher_build_number_may_stand_beside_another_build() -> None:
    assert judge(item("a", build="pyhbb_1"), served(item("a"))).status is DeliveryStatus.MISSING


def test_every_file_is_pinned_and_every_pin_is_there() -> None:
    pins = [
        PinnedBuild(artifact=built("a", sha256=TWO), where="pixi.lock"),
        PinnedBuild(artifact=built("b"), where="the source"),
        PinnedBuild(artifact=built("c", sha256=ONE), where="pixi.lock"),
    ]
    found = admit([item("a"), item("b"), item("d")], pins)
    assert [
        (problem.code, problem.message.removeprefix("no lock in this tag pins ").split("-")[0])
        for problem in found
    ] == [
        ("FL823", "a"),
        ("FL822", "d"),
        ("FL824", "c"),
    ]


def test_a_circle_of_packages_is_named() -> None:
    with pytest.raises(FlowlockError, match="circular"):
        dependencies([item("a", depends="b"), item("b", depends="a")], [])


class Recording:
    """A target that takes everything but what it was told to refuse."""

    name, kind = "recording:", TargetKind.CHANNEL

    def __init__(self, broken: set[str]) -> None:
        self.broken, self.taken = broken, []  # type: tuple[set[str], list[str]]

    def upload(self, item: Item) -> Delivery:
        if item.artifact and item.artifact.name in self.broken:
            raise FlowlockError("no", code="FL812")
        self.taken.append(item.place)
        return Delivery(status=DeliveryStatus.UPLOADED, url="")

    def check(self) -> None: ...
    def served(self, items: object) -> dict[str, Served]:  # noqa: ARG002 - the protocol's
        return {}

    def digest(self, item: Item) -> None: ...
    def complete(self) -> None: ...


@given(st.integers(1, 9), st.data())
def test_nothing_goes_up_before_what_it_needs_and_nothing_whose_need_failed(
    size: int, data: st.DataObject
) -> None:
    names = [f"p{number}" for number in range(size)]
    items = [
        item(name, depends=" ".join(data.draw(st.sets(st.sampled_from(names[:n] or ["other"])))))
        for n, name in enumerate(names)
    ]
    last = {one.file for one in items[-1:]}
    broken = data.draw(st.sets(st.sampled_from(names)))
    graph = dependencies(items, last)
    target = Recording(broken)
    checked: PublishTarget = target
    verdicts = {one.place: judge(one, {}) for one in items}
    done: dict[str, Delivery] = {}
    upload(checked, items, graph, verdicts, done=done, jobs=3, progress=Silent())
    assert set(done) == {one.place for one in items}
    for place, before in graph.items():
        if place in target.taken:
            assert all(target.taken.index(other) < target.taken.index(place) for other in before)
        elif place.split("/")[1].split("-")[0] not in broken:
            assert any(done[other].status is DeliveryStatus.FAILED for other in before)
