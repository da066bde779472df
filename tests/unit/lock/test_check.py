"""`lock --check` says why a lock is not what the manifest asks for, by pixi's rules in pixi's order."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from flowlock.lock.lockfile.document import Lock
from flowlock.lock.manifest.model import Manifest
from flowlock.lock.solver.sources import ChannelFolder
from unit.lock.universe import RELEASE, lock, ours, read, wanting


def reasons(wanted: Manifest, place: Path, edit: Callable[[Lock], Lock] = lambda lock: lock) -> Sequence[str]:
    place.write_text(edit(read(place)).text())
    return [str(reason) for reason in lock(wanted, place, check=True).locks[0].reasons]


def test_pixis_rules_are_kept_in_pixis_order_with_a_line_each(place: Path, forge: ChannelFolder) -> None:
    lock(wanting("numpy"), place, [forge, ours(place.parent)])

    def broken(found: Lock) -> Lock:
        default = found.environments["default"]
        numpy, python = default.packages["linux-64"]
        old = replace(python, url=python.url.replace("3.12.0", "3.8.0"), version="3.8.0")
        stray = replace(python, url=python.url.replace("python", "stray"), name="stray")
        edited = replace(
            default,
            channels=default.channels[::-1],
            options={"channel-priority": "disabled"},
            packages={"linux-64": (numpy, old, stray)},
        )
        return replace(found, environments={"default": edited, "ghost": default})

    forge_url = "https://conda.anaconda.org/conda-forge"
    channels = f"locked with the channels {forge_url}, {RELEASE}; the manifest has {RELEASE}, {forge_url}"
    assert reasons(wanting("numpy"), place, broken) == [
        "demo/ghost: the environment is in the lock, but not in demo",
        f"demo/default: {channels}",
        "demo/default: locked with channel-priority disabled; the manifest has default",
        "demo/default/linux-64: `python >=3.9`, required by numpy, is not satisfied by python 3.8.0 h0_0",
        "demo/default/linux-64: nothing requires stray",
    ]


def test_platforms_are_compared_by_what_is_not_default(place: Path, forge: ChannelFolder) -> None:
    lock(wanting("python"), place, [forge, ours(place.parent)])

    def with_virtual(*packages: str) -> Callable[[Lock], Lock]:
        return lambda found: replace(
            found, platforms=tuple(replace(p, virtual_packages=packages) for p in found.platforms)
        )

    assert reasons(wanting("python"), place, with_virtual()) == []
    assert reasons(wanting("python"), place, with_virtual("__glibc=2.28", "__linux=4.18")) == []
    assert reasons(wanting("python"), place, with_virtual("__glibc=2.17")) == [
        "demo/default/linux-64: locked with the virtual packages __glibc=2.17; the manifest has the defaults"
    ]
    assert reasons(wanting("python", platforms=["osx-64"]), place) == [
        "demo/default/linux-64: the platform is locked, but not in the manifest",
        "demo/default/osx-64: the platform is not locked",
    ]
