"""`build --output`: a folder with the channel and a manifest of digests, to hand to another machine."""

import json
import os
import re
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path

from pydantic import BaseModel

from flowlock.channel import store
from flowlock.conda.wheel import wheel_of
from flowlock.edges import files, memo
from flowlock.errors import FlowlockError, shortened

MANIFEST = "manifest.json"
# In the form of sha256sum, for the receiver of the folder.
SUMS = "SHA256SUMS"
# A channel's index, as `flowlock.conda.index` names its files.
_INDEX = re.compile(
    r"[a-z0-9-]+/(repodata(_shards)?\.(json|json\.zst|msgpack\.zst)|shards/\w+\.msgpack\.zst)"
)
_SHOWN = 5
NOARCH, WHEELS = "noarch", "wheels"
_WHEEL = re.compile(rf"{WHEELS}/[^/]+\.whl")


def write_output(folder: Path, source: Path, *, wheels: Collection[str] = ()) -> None:
    """Make the folder a copy of the channel: its artifacts, their digests as JSON, and those of all files.

    Beside it are the wheels of the packages that `wheels` names, as a release has them. It replaces what an
    earlier call left there; a folder that holds anything else is refused.
    """
    refuse_foreign(folder)
    listed = store.entries(source)
    with files.staged_folder(folder.absolute()) as staging:
        shutil.copytree(source, staging, dirs_exist_ok=True)
        for entry in listed:
            if files.sha256_of(staging / entry.artifact.path) != entry.artifact.sha256:
                name = entry.artifact.file
                raise FlowlockError(f"{name} is damaged", code="FL605", hint="run `flowlock build`")
        _write_wheels(staging, [entry.artifact.path for entry in listed if entry.artifact.name in wheels])
        packages = [entry.as_json() for entry in listed]
        text = json.dumps({"schema": 1, "packages": packages}, indent=2) + "\n"
        (staging / MANIFEST).write_text(text, encoding="utf-8")
        paths = sorted(path.relative_to(staging).as_posix() for path in staging.rglob("*") if path.is_file())
        sums = "".join(f"{files.sha256_of(staging / path)}  {path}\n" for path in paths)
        (staging / SUMS).write_text(sums, encoding="utf-8")


def _write_wheels(staging: Path, packages: Iterable[str]) -> None:
    """Write the wheels of those packages of a channel that can be wheels."""
    for package in packages:
        wheel = wheel_of(staging / package) if package.startswith(f"{NOARCH}/") else None
        if wheel is not None:
            files.write_bytes(staging / WHEELS / wheel.file, wheel.data)


def refuse_foreign(folder: Path) -> None:
    """Refuse a folder that holds anything which was not made here: all of it would be replaced."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not folder.is_dir():
        raise FlowlockError(f"{folder} is a file", code="FL550", hint="use a new folder")
    foreign = _foreign_paths(folder)
    if foreign:
        raise FlowlockError(
            f"{folder} contains other files: {shortened(foreign, _SHOWN)}",
            code="FL550",
            hint="use a new folder, or move the other files out of this one",
        )


def _foreign_paths(folder: Path) -> list[str]:
    """Return what a folder holds beside an earlier output; of a foreign folder only its own path."""
    ours = _written(folder)
    our_folders = {parent for path in ours for parent in path.parents}
    foreign = []
    for root, folders, names in os.walk(folder):
        inside = Path(root).relative_to(folder)
        for name in folders.copy():
            if inside / name not in our_folders or Path(root, name).is_symlink():
                folders.remove(name)
                foreign.append(f"{(inside / name).as_posix()}/")
        foreign += [(inside / name).as_posix() for name in names if inside / name not in ours]
    return sorted(foreign)


class _Packed(BaseModel):
    subdir: str
    file: str


class _Manifest(BaseModel):
    """The packages that an earlier call put into a folder."""

    packages: list[_Packed]


def _written(folder: Path) -> set[Path]:
    """Return the files that an earlier call made, by its own manifest and sums; none if it made no folder.

    Both have to name them: other tools write a manifest.json too, and list whatever is there.
    """
    manifest = memo.read_plain(folder / MANIFEST, _Manifest)
    if manifest is None:
        return set()
    artifacts = {f"{package.subdir}/{package.file}" for package in manifest.packages}
    try:
        listed = {row.partition("  ")[2] for row in (folder / SUMS).read_text(encoding="utf-8").splitlines()}
    except (OSError, ValueError):
        return set()
    written = {path for path in listed if path in artifacts or _is_named(path)}
    return {Path(path) for path in (*written, SUMS)}


def _is_named(path: str) -> bool:
    """Return whether a path is that of a file which every output has, whatever the packages."""
    return path == MANIFEST or any(pattern.fullmatch(path) for pattern in (_INDEX, _WHEEL))
