"""A thousand small universes: whatever we lock passes our check, and each kind of harm is found and named."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, event, given, reject, settings
from hypothesis import strategies as st

from flowlock.conda.match import RattlerMatcher
from flowlock.conda.records import Record
from flowlock.errors import FlowlockError
from flowlock.lock import satisfy
from flowlock.lock.lockfile import document
from flowlock.lock.lockfile.document import Lock
from flowlock.lock.manifest.model import Manifest, ManifestRequirement
from flowlock.lock.satisfy import CurrentBuild, Rule, StaleReason
from flowlock.lock.solver.solve import UnsolvableError
from unit.lock.universe import FORGE, RELEASE, channel, current, lock, package, wanting

NAMES = ("a", "b", "c", "d", "e")
VERSIONS = ("1.0", "1.5", "2.0")
OWN = current("0.1", "pyh0_0")
MATCHER = RattlerMatcher()

versions = st.sampled_from(["", " >=1.5", " <2", " 1.*", " ==1.0", " >1.0,<3"])
specs = st.builds(str.__add__, st.sampled_from(NAMES), versions)
dependencies = st.lists(st.one_of(specs, st.just("__unix"), st.just("__glibc >=2.17")), max_size=2)


@st.composite
def universes(draw: st.DrawFn) -> list[dict[str, Any]]:
    return [
        package(name, version, *draw(dependencies))
        for name in NAMES
        for version in draw(st.lists(st.sampled_from(VERSIONS), min_size=1, unique=True))
    ]


@st.composite
def locked(draw: st.DrawFn) -> tuple[Manifest, Lock]:
    """Lock a manifest of our own package and some others against a universe that solves."""
    third, asked = draw(universes()), draw(st.lists(specs, max_size=3, unique=True))
    ours = package("ours", "0.1", *draw(dependencies), build=OWN.artifact.build)
    platforms = draw(st.sampled_from([["linux-64"], ["linux-64", "osx-arm64"]]))
    wanted = wanting("ours", *asked, platforms=platforms)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folders = [
            channel(folder / "ours", RELEASE, [ours], serves=True),
            channel(folder / "forge", FORGE, third),
        ]
        place = folder / "pixi.lock"
        try:
            lock(wanted, place, folders, own={"ours": OWN})
        except UnsolvableError:
            reject()
        text = place.read_text()
    return wanted, document.read(text, "pixi.lock")


def check(manifest: Manifest, found: Lock, own: CurrentBuild = OWN) -> list[StaleReason]:
    return satisfy.check(manifest, found, matcher=MATCHER, identities={"ours": own})


def with_records(found: Lock, edit: Callable[[tuple[Record, ...]], tuple[Record, ...]]) -> Lock:
    default = found.environments["default"]
    packages = {platform: edit(records) for platform, records in default.packages.items()}
    return replace(found, environments={"default": replace(default, packages=packages)})


def about(reasons: list[StaleReason], package_name: str, rule: Rule) -> bool:
    return any(
        reason.rule is rule and package_name in reason.message and reason.platform == "linux-64"
        for reason in reasons
    )


@given(locked(), st.data())
@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_we_lock_passes_and_what_is_harmed_fails_by_name(
    made: tuple[Manifest, Lock], data: st.DataObject
) -> None:
    manifest, found = made
    records = found.environments["default"].packages["linux-64"]
    event(f"{len(records)} records")
    assert check(manifest, found) == []
    assert document.read(found.text(), "pixi.lock") == found

    gone = data.draw(st.sampled_from(records), label="removed")
    removed = check(manifest, with_records(found, lambda rs: tuple(r for r in rs if r.name != gone.name)))
    assert about(removed, gone.name, Rule.REQUIREMENT)

    stray = replace(records[0], name="stray", url=records[0].url.replace(records[0].name, "stray"))
    added = check(manifest, with_records(found, lambda rs: (*rs, stray)))
    assert [(reason.rule, reason.package) for reason in added if reason.platform == "linux-64"] == [
        (Rule.UNUSED, "stray")
    ]

    broken = data.draw(st.sampled_from(records), label="violated")
    asked = ManifestRequirement(name=broken.name, spec=f"{broken.name} >{broken.version}")
    environment = manifest.environments[0]
    harmed = replace(
        manifest,
        environments=(
            replace(
                environment,
                requirements={p: (*asks, asked) for p, asks in environment.requirements.items()},
            ),
        ),
    )
    assert about(check(harmed, found), asked.spec, Rule.REQUIREMENT)

    edited = check(manifest, found, current("0.1", "pyh1_0", why="ours/x.py changed"))
    assert about(
        edited, "ours is pinned to pyh0_0, but the source is now pyh1_0 (ours/x.py changed)", Rule.PIN
    )


@given(universes(), st.lists(specs, min_size=1, max_size=3, unique=True), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_order_of_specs_jobs_and_failed_runs_change_nothing(
    third: list[dict[str, Any]], asked: list[str], random: Any
) -> None:
    texts = set()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folders = [channel(folder / "ours", RELEASE, []), channel(folder / "forge", FORGE, third)]
        for number in range(3):
            place = folder / f"{number}.lock"
            order = random.sample(asked, len(asked))
            try:
                lock(wanting(*order, platforms=["linux-64", "osx-64"]), place, folders, jobs=number + 1)
            except FlowlockError as error:
                texts.add(error.problems[0].code)
            else:
                texts.add(place.read_text())
    assert len(texts) == 1
