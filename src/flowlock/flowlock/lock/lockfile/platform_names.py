"""The names of a lock's platforms, matched to those of its manifest. Pure.

pixi writes platforms with their own virtual packages as `p1`, `p2`, and finds them again by their subdir
and their virtual packages (its `lock_file/platform_rename.rs`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from flowlock.conda.virtual import TargetPlatform
from flowlock.lock.lockfile.document import Lock

T = TypeVar("T")


def manifest_names(lock: Lock, targets: Iterable[TargetPlatform]) -> dict[str, str]:
    """Return the lock's name → the manifest's name of each platform whose names differ.

    A platform is renamed only if exactly one of the manifest has its subdir and virtual packages, and neither
    of the two names is taken.
    """
    by_name = {target.name: target for target in targets}
    taken = {platform.name for platform in lock.platforms}
    names: dict[str, str] = {}
    for platform in lock.platforms:
        matching = [name for name, target in by_name.items() if platform.is_for(target)]
        if platform.name not in by_name and len(matching) == 1 and matching[0] not in taken:
            names[platform.name] = matching[0]
            taken.add(matching[0])
    return names


def renamed(lock: Lock, names: Mapping[str, str]) -> Lock:
    """Return the lock with other names of platforms, old name → new name."""
    if not names:
        return lock
    environments = {}
    for name, pins in lock.environments.items():
        packages, foreign = _keyed(pins.packages, names), _keyed(pins.foreign, names)
        environments[name] = replace(pins, packages=packages, foreign=foreign)
    return replace(
        lock,
        platforms=tuple(replace(p, name=names.get(p.name, p.name)) for p in lock.platforms),
        environments=environments,
    )


def _keyed(rows: Mapping[str, T], names: Mapping[str, str]) -> dict[str, T]:
    return {names.get(platform, platform): row for platform, row in rows.items()}
