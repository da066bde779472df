"""The wheels that a release carries beside the conda packages, for those who install with uv or pip."""

from collections.abc import Collection, Iterable
from pathlib import Path

from flowlock.conda.wheel import wheel_of
from flowlock.edges import files
from flowlock.release.targets import artifact
from flowlock.release.targets.artifact import Item


def wheels(items: Iterable[Item], names: Collection[str], folder: Path) -> list[Item]:
    """Write the wheels of the named packages among the items into a folder; return them as items.

    A package that cannot be a wheel (native, of data, with links) has none.
    """
    written = []
    for item in items:
        if item.artifact is None or item.artifact.name not in names or item.artifact.subdir != "noarch":
            continue
        wheel = wheel_of(item.path)
        if wheel is not None:
            files.write_bytes(folder / wheel.file, wheel.data)
            written.append(artifact.plain(folder / wheel.file))
    return written
