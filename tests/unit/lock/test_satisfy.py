"""Each rule of `lock --check` by itself: what it lets pass, and what it says of the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from flowlock.conda.artifact import Artifact
from flowlock.conda.match import RattlerMatcher
from flowlock.conda.records import Record, from_repodata
from flowlock.conda.virtual import TargetPlatform, target
from flowlock.errors import Location
from flowlock.lock.lockfile.document import Lock, LockedEnvironment, LockPlatform
from flowlock.lock.manifest.model import (
    ExcludeNewer,
    Manifest,
    ManifestEnvironment,
    ManifestRequirement,
)
from flowlock.lock.satisfy import CurrentBuild, Rule, StaleReason, check, locked_records
from flowlock.names import Sha256
from unit.lock.universe import EPOCH, package

CHANNEL = "https://x.example/c"
LINUX = TargetPlatform(name="linux-64", subdir="linux-64", virtual_packages=("__linux=4.18", "__glibc=2.28"))
ONE, TWO = Sha256("1" * 64), Sha256("2" * 64)


def record(name: str, version: str = "1.0", *depends: str, **fields: Any) -> Record:
    entry = package(name, version, *depends, **fields)
    return from_repodata(f"{CHANNEL}/noarch/{name}-{version}-{entry['build']}.conda", CHANNEL, entry)


def required(spec: str, location: Location | None = None) -> ManifestRequirement:
    return ManifestRequirement(name=spec.split(" ", maxsplit=1)[0], spec=spec, location=location)


def environment(*specs: str, name: str = "default", **fields: Any) -> ManifestEnvironment:
    made = ManifestEnvironment(
        name=name,
        channels=(CHANNEL,),
        platforms=(LINUX,),
        requirements={"linux-64": tuple(required(spec) for spec in specs)},
    )
    return replace(made, **fields)


def pinned(*records: Record, **fields: Any) -> LockedEnvironment:
    return replace(LockedEnvironment(channels=(CHANNEL,), packages={"linux-64": records}), **fields)


def reasons(
    wanted: ManifestEnvironment | Sequence[ManifestEnvironment],
    locked: LockedEnvironment | Mapping[str, LockedEnvironment],
    *,
    platforms: Sequence[LockPlatform] = (LockPlatform(name="linux-64", subdir="linux-64"),),
    own: Mapping[str, CurrentBuild] | None = None,
) -> list[StaleReason]:
    environments = (wanted,) if isinstance(wanted, ManifestEnvironment) else tuple(wanted)
    manifest = Manifest(label="demo", file="pixi.toml", environments=environments)
    pins = {"default": locked} if isinstance(locked, LockedEnvironment) else locked
    lock = Lock(platforms=tuple(platforms), environments=pins)
    return check(manifest, lock, matcher=RattlerMatcher(), identities=own or {})


def told(found: Sequence[StaleReason]) -> list[str]:
    return [f"{reason.rule} {reason}" for reason in found]


def test_the_last_rules_have_the_names_that_json_shows() -> None:
    assert [*Rule][-4:] == ["solve-group", "pin", "bytes", "format"]


def test_what_fits_has_no_reason() -> None:
    a = record("a", "1.0", "b >=1", "__glibc >=2.17")
    assert reasons(environment("a 1.*"), pinned(a, record("b"))) == []


def test_environments_are_compared_both_ways_and_the_others_are_still_checked() -> None:
    wanted = [environment(name="missing"), environment("a", name="default")]
    found = reasons(wanted, {"default": pinned(), "extra": pinned()})
    assert told(found) == [
        "environments demo/missing: the environment is not in the lock",
        "environments demo/extra: the environment is in the lock, but not in pixi.toml",
        "requirement demo/default/linux-64: `a`, required by the manifest, is not in the lock",
    ]
    assert [reason.environment for reason in found] == ["missing", "extra", "default"]
    assert found[-1].package == "a"


def test_channels_are_compared_in_order_without_the_slash_at_their_end() -> None:
    assert reasons(environment(), pinned(channels=(f"{CHANNEL}/",))) == []
    two = environment(channels=(CHANNEL, "https://y.example/d/"))
    assert told(reasons(two, pinned(channels=()))) == [
        f"channels demo/default: locked with the channels none; the manifest has {CHANNEL}, https://y.example/d"
    ]


@pytest.mark.parametrize(
    ("virtual_packages", "found"),
    [
        ((), True),
        (("__cuda=12", "__glibc=2.40"), True),
        (("__cuda=12", "__glibc=2.40", "__archspec=1=zen3"), True),
        (("__cuda=12",), False),
        (("__cuda=12", "__glibc=2.35"), False),
    ],
)
def test_a_row_of_the_subdir_counts_if_it_has_all_that_the_platform_declares(
    virtual_packages: tuple[str, ...], *, found: bool
) -> None:
    wanted = target("linux-64", ["__cuda=12", "__glibc=2.40"])
    pins = pinned(record("a"))
    row = LockPlatform(name="linux-64", subdir="linux-64", virtual_packages=virtual_packages)
    lock = Lock(platforms=(row,), environments={"default": pins})
    assert wanted.name != "linux-64"
    assert locked_records(lock, pins, wanted) == (pins.packages["linux-64"] if found else None)


def test_a_platform_is_compared_by_its_subdir_and_its_virtual_packages() -> None:
    other = [LockPlatform(name="linux-64", subdir="osx-64", virtual_packages=("__osx=99",))]
    assert told(reasons(environment(), pinned(), platforms=other)) == [
        "platforms demo/default/linux-64: locked for the subdir osx-64; the manifest has linux-64"
    ]
    cuda = replace(LINUX, virtual_packages=(*LINUX.virtual_packages, "__cuda=12", "__archspec=1=x86_64_v3"))
    old = [LockPlatform(name="linux-64", subdir="linux-64", virtual_packages=("__glibc=2.17", "__cuda=11"))]
    assert told(reasons(environment(platforms=(cuda,)), pinned(), platforms=old)) == [
        (
            "platforms demo/default/linux-64: locked with the virtual packages __cuda=11, __glibc=2.17; "
            "the manifest has __archspec=1=x86_64_v3, __cuda=12"
        )
    ]
    plain = [LockPlatform(name="linux-64", subdir="linux-64")]
    assert told(reasons(environment(platforms=(cuda,)), pinned(), platforms=plain)) == [
        (
            "platforms demo/default/linux-64: locked with the virtual packages the defaults; "
            "the manifest has __archspec=1=x86_64_v3, __cuda=12"
        )
    ]


def test_what_is_not_a_conda_package_is_named() -> None:
    foreign: tuple[Mapping[str, str], ...] = (
        {"pypi": "https://x.example/p.whl"},
        {},
        {"conda_source": "./src"},
    )
    assert told(reasons(environment(), pinned(foreign={"linux-64": foreign}))) == [
        (
            "foreign demo/default/linux-64: the manifest has no PyPI or source packages, "
            "but the lock has https://x.example/p.whl, ./src"
        )
    ]


def test_options_of_the_solve_are_compared() -> None:
    assert told(reasons(environment(), pinned(options={"strategy": "lowest"}))) == [
        "options demo/default: locked with strategy lowest; the manifest has default"
    ]
    assert reasons(environment(), pinned(options={"pypi-prerelease-mode": "allow"})) == []


@pytest.mark.parametrize(
    ("limit", "timestamp", "late"),
    [
        (ExcludeNewer(cutoff=EPOCH), EPOCH, False),
        (ExcludeNewer(cutoff=EPOCH), EPOCH + 1, True),
        (ExcludeNewer(cutoff=EPOCH), None, False),
        (ExcludeNewer(), EPOCH, False),
        (ExcludeNewer(cutoff=EPOCH, by_package={"a": EPOCH - 1}), EPOCH, True),
        (ExcludeNewer(cutoff=EPOCH, exempt=(required("a"),)), EPOCH + 1, False),
        (ExcludeNewer(cutoff=EPOCH, exempt=(required("a >=2"),)), EPOCH + 1, True),
        (ExcludeNewer(cutoff=EPOCH, exempt=(required("b"), required("a >=2"))), EPOCH + 1, True),
    ],
)
def test_a_package_that_is_newer_than_the_manifest_allows_is_named(
    limit: ExcludeNewer, timestamp: int | None, *, late: bool
) -> None:
    a = replace(record("a"), timestamp=timestamp)
    said = ["exclude-newer demo/default/linux-64: a 1.0 is newer than the manifest's exclude-newer"]
    found = reasons(environment("a", exclude_newer=limit), pinned(a))
    assert told(found) == (said if late else [])
    assert [reason.package for reason in found] == ["a"] * late


def test_a_package_that_is_pinned_twice_is_named() -> None:
    found = reasons(environment("a"), pinned(record("a"), record("a", "2.0")))
    assert told(found) == ["duplicate demo/default/linux-64: a is pinned twice"]


def test_constraints_hold_for_what_is_pinned_alone() -> None:
    where = Location(file="pixi.toml", line=7)
    constraints = {"linux-64": (required("a <1", where), required("a >=1"), required("gone <1"))}
    found = reasons(environment("a", constraints=constraints), pinned(record("a")))
    assert told(found) == [
        f"constraint demo/default/linux-64: a 1.0 violates the constraint `a <1` ({where})"
    ]


def test_every_dependency_is_followed_once_and_what_nothing_requires_is_named() -> None:
    where = Location(file="pixi.toml", line=3)
    wanted = environment(requirements={"linux-64": (required("x[", where), required("a", where))})
    a = record("a", "1.0", "b >=2", "gone", "__cuda", "__glibc >=3", "b >=2", "a")
    found = reasons(wanted, pinned(a, record("b", "1.0", "gone"), record("stray"), record("aside")))
    assert told(found)[1:] == [
        "requirement demo/default/linux-64: `b >=2`, required by a, is not satisfied by b 1.0 h0_0",
        "requirement demo/default/linux-64: `gone`, required by b, is not in the lock",
        "requirement demo/default/linux-64: `__cuda`, required by a, is not in the lock",
        (
            "requirement demo/default/linux-64: `__glibc >=3`, required by a, "
            "is not satisfied by the platform's __glibc=2.28"
        ),
        "unused demo/default/linux-64: nothing requires aside, stray",
    ]
    assert told(found)[0].endswith(f", required by the manifest ({where})")
    assert found[-1].package == "aside"


def test_extras_and_conditions_bring_their_dependencies() -> None:
    a = record("a", extra_depends={"more": ["b"]})
    assert told(reasons(environment("a"), pinned(a, record("b")))) == [
        "unused demo/default/linux-64: nothing requires b"
    ]
    assert reasons(environment("a[extras=[more]]"), pinned(a, record("b"))) == []
    for condition, holds in {"__glibc >=2": True, "__glibc >=3": False, "b": False, "a": True}.items():
        found = reasons(environment("a", f'c[when="{condition}"]', "d"), pinned(a, record("d")))
        assert [reason.package for reason in found] == ["c"] * holds


def test_environments_of_a_solve_group_agree() -> None:
    alone = environment("a", name="alone")
    first, second = (environment("a", name=name, solve_group="g") for name in ("first", "second"))
    other = environment("a", name="other", solve_group="h")
    missing = environment("a", name="missing", solve_group="g")
    locked = {"alone": pinned(record("a", "3.0")), "first": pinned(record("a"))}
    locked |= {"second": pinned(record("a", "2.0")), "other": pinned(record("a", "4.0"))}
    found = reasons([alone, missing, first, second, other], locked)
    assert found[1:] == [
        StaleReason(
            rule=Rule.SOLVE_GROUP,
            label="demo",
            environment="second",
            platform="linux-64",
            package="a",
            message="a differs from first, which is in the same solve-group",
        )
    ]


def made(version: str, build: str, sha256: Sha256 | None = None, **fields: Any) -> CurrentBuild:
    artifact = Artifact(name="a", version=version, build=build, number=0, subdir="noarch", sha256=sha256)
    return CurrentBuild(artifact=artifact, **fields)


@pytest.mark.parametrize(
    ("now", "message"),
    [
        (made("1.0", "h0_0"), ""),
        (made("1.0", "h0_0", ONE), ""),
        (made("1.0", "h0_0", TWO), f"a is pinned with the sha256 {ONE}, but the build has {TWO}"),
        (made("1.0", "h1_0"), "a is pinned to h0_0, but the source is now h1_0"),
        (made("1.0", "h1_0", why="edited"), "a is pinned to h0_0, but the source is now h1_0 (edited)"),
        (made("1.1", "h0_0"), "a is pinned to 1.0 h0_0, but the source is now 1.1 h0_0"),
        (made("1.0", "h1_0", variants=("h0_0", "h1_0")), ""),
        (made("1.1", "h1_0", variants=("h0_0",)), "a is pinned to 1.0 h0_0, but the source is now 1.1 h1_0"),
    ],
)
def test_a_pin_is_compared_with_the_source(now: CurrentBuild, message: str) -> None:
    a, b = replace(record("a"), sha256=ONE), record("b")
    found = reasons(environment("b", "a"), pinned(b, a), own={"a": now})
    assert told(found) == ([f"pin demo/default/linux-64: {message}"] if message else [])
    assert [reason.package for reason in found] == ["a"] * bool(message)
