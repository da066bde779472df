"""What is published in which order, and what a target's answer means."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlock.conda.artifact import Artifact
from flowlock.errors import FlowlockError
from flowlock.names import Sha256
from flowlock.release.publish_plan import PinnedBuild, Verdict, admit, dependencies, judge
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
        PinnedBuild(artifact=built("a", sha256=TWO), where="pixi.lock", workflow=False),
        PinnedBuild(artifact=built("b"), where="the source", workflow=False),
        PinnedBuild(artifact=built("c", sha256=ONE), where="pixi.lock", workflow=False),
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


def test_a_file_is_refused_with_what_to_do() -> None:
    pins = [
        PinnedBuild(artifact=built("a", sha256=TWO), where="examples/pixi.lock", workflow=False),
        PinnedBuild(artifact=built("c", sha256=ONE), where="examples/pixi.lock", workflow=False),
    ]
    stranger, other, missing = sorted(admit([item("a"), item("b")], pins), key=lambda found: found.code)
    assert (stranger.message, stranger.hint) == (
        "no lock in this tag pins b-1.0-pyhaa_0.conda",
        "publish only packages built from the source of the tag; remove the file from the folder",
    )
    assert other.message == (f"a-1.0-pyhaa_0.conda has the sha256 {ONE}, but examples/pixi.lock pins {TWO}")
    assert missing.message == "c-1.0-pyhaa_0.conda, which examples/pixi.lock pins, is missing"
    assert not admit([item("a", sha256=TWO), item("c")], pins)


def test_a_workflow_waits_for_everything_and_a_package_for_what_it_needs() -> None:
    flow, second = item("flow", depends="b"), item("second")
    older, a, b = item("a", version="0.9"), item("a"), item("b", depends="a unknown b")
    alone = replace(item("file"), artifact=None)
    graph = dependencies([flow, second, older, a, b, alone], [flow.file, second.file])
    rest = {older.place, a.place, b.place, alone.place}
    assert graph == {
        flow.place: rest,
        second.place: rest,
        older.place: set(),
        a.place: set(),
        b.place: {older.place, a.place},
        alone.place: set(),
    }


def test_a_circle_of_packages_has_its_code_and_its_members() -> None:
    with pytest.raises(FlowlockError, match=r"circular dependency: noarch/.* → noarch/") as caught:
        dependencies([item("a", depends="b"), item("b", depends="a")], [])
    assert caught.value.problems[0].code == "FL825"


def test_a_verdict_that_needs_no_words_has_none() -> None:
    missing = judge(item("a"), {})
    present = judge(item("a"), served(item("a")))
    assert [(verdict.url, verdict.detail) for verdict in (missing, present)] == [("", ""), ("", "")]


def test_a_draft_may_be_replaced_and_what_is_public_may_not() -> None:
    ours = replace(item("a"), replaceable=True)
    theirs = Served(place=ours.place, url="https://x/a", sha256=TWO, artifact=ours.artifact)
    draft, public = {theirs.place: replace(theirs, public=False)}, {theirs.place: theirs}
    assert judge(ours, draft) == Verdict(
        status=DeliveryStatus.MISSING, detail="replaces an earlier one of this draft"
    )
    assert judge(ours, public) == Verdict(
        status=DeliveryStatus.PRESENT, url="https://x/a", detail="the build that was published first"
    )
    assert judge(item("a"), public) == Verdict(
        status=DeliveryStatus.CONFLICT, url="https://x/a", detail=f"the server has different bytes: {TWO}"
    )
    assert judge(item("a", sha256=TWO), public) == Verdict(status=DeliveryStatus.PRESENT, url="https://x/a")


def test_a_rival_is_named_with_the_way_out() -> None:
    rival = item("a", build="pyhbb_0")
    theirs = Served(place=rival.place, url="https://x/a", sha256=TWO, artifact=rival.artifact)
    nameless = Served(place="noarch/file", url="", sha256=TWO, artifact=None)
    verdict = judge(item("a"), {nameless.place: nameless, theirs.place: theirs})
    assert verdict == Verdict(
        status=DeliveryStatus.CONFLICT,
        url="https://x/a",
        detail="1.0 is already served as build pyhbb_0: raise the version, or the build number",
    )
    elsewhere = replace(theirs, artifact=replace(built("a", build="pyhbb_0"), subdir="linux-64"))
    assert judge(item("a"), {"linux-64/a": elsewhere}).status is DeliveryStatus.MISSING
    assert judge(replace(item("a"), artifact=None), {theirs.place: theirs}).status is DeliveryStatus.MISSING


@pytest.mark.parametrize(
    ("version", "expected"), [("1.0-x", DeliveryStatus.CONFLICT), ("1.0-y", DeliveryStatus.MISSING)]
)
def test_versions_that_no_standard_orders_are_compared_as_they_are(
    version: str, expected: DeliveryStatus
) -> None:
    ours = item("a", version="1.0-x")
    assert judge(ours, served(item("a", version=version, build="pyhbb_0"))).status is expected


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
