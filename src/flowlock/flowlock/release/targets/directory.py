"""A channel on disk: a folder, or a mounted share."""

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from flowlock.channel.index import index_record
from flowlock.conda import archive
from flowlock.conda.artifact import SUFFIX
from flowlock.conda.index import Record, index_files
from flowlock.edges import files
from flowlock.errors import FlowlockError, Problem, from_os_error
from flowlock.names import Sha256
from flowlock.release.targets.artifact import Item
from flowlock.release.targets.artifact import read as read_artifact
from flowlock.release.targets.protocol import Context, Delivery, DeliveryStatus, Served, TargetKind

SUFFIXES = (SUFFIX, ".tar.bz2")


class Directory:
    """`directory:PATH`, relative to the workspace; created if it does not exist."""

    kind = TargetKind.CHANNEL

    def __init__(self, location: str, context: Context) -> None:
        self.name = f"directory:{location}"
        self._folder = (context.root / location).resolve()

    def check(self) -> None:
        """See that the folder, or the nearest one above that exists, takes new files and can be indexed.

        The index is made of every package in the folder, so each foreign one is read before anything is
        copied there.
        """
        nearest = self._folder
        while not nearest.exists():
            nearest = nearest.parent
        if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
            raise FlowlockError(
                f"{self.name}: {nearest} is not a writable folder",
                code="FL011",
                hint="name another folder, or change its permissions",
            )
        problems = [problem for path in self._packages() if (problem := _index_problem(path))]
        if problems:
            raise FlowlockError(f"{self.name} cannot be indexed", problems=problems)

    def served(self, items: Sequence[Item]) -> Mapping[str, Served]:
        """Return the builds of these packages that are in the folder: files are the truth, not the index."""
        wanted = {(item.artifact.subdir, item.artifact.name) for item in items if item.artifact}
        served_items = {}
        for subdir, name in sorted(wanted):
            for path in sorted((self._folder / subdir).glob(f"{name}-*{SUFFIX}")):
                other = read_artifact(path)
                if other.artifact and other.artifact.name == name:
                    served_items[other.place] = Served(
                        place=other.place, url=path.as_uri(), sha256=other.sha256, artifact=other.artifact
                    )
        return served_items

    def upload(self, item: Item) -> Delivery:
        """Copy the file beside its place and give it its name only if nobody has it."""
        place = self._folder / item.place
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            placed = _place(item.path, place)
        except OSError as error:
            raise from_os_error(error, "write", place) from error
        if placed:
            return Delivery(status=DeliveryStatus.UPLOADED, url=place.as_uri())
        same = self.digest(item) == item.sha256
        status = DeliveryStatus.PRESENT if same else DeliveryStatus.CONFLICT
        return Delivery(
            status=status,
            url=place.as_uri(),
            detail="" if same else "a file with that name has different bytes",
        )

    def digest(self, item: Item) -> Sha256 | None:
        """Return the sha256 of the file in the folder."""
        place = self._folder / item.place
        return files.sha256_of(place) if place.is_file() else None

    def complete(self) -> None:
        """Index the folder; what an interrupted copy left behind is deleted."""
        for left in self._folder.glob(f"*/{files.TEMPORARY_PREFIX}*"):
            left.unlink(missing_ok=True)
        records: dict[str, dict[str, Record]] = {"noarch": {}}
        for path in self._packages():
            problem = _index_problem(path)
            if problem is not None:
                raise FlowlockError(problem.message, problems=[problem])
            records.setdefault(path.parent.name, {})[path.name] = index_record(path)
        index = index_files(records, archive.compressor())
        # What an index names is there before the index is.
        shards = {place: data for place, data in index.items() if "/shards/" in place}
        files.sync_folder(self._folder, shards)
        files.sync_folder(self._folder, index)

    def _packages(self) -> list[Path]:
        """Return the packages in the folder, also those of the older format."""
        paths = [path for suffix in SUFFIXES for path in self._folder.glob(f"*/*{suffix}")]
        return sorted(path for path in paths if not path.name.startswith(files.TEMPORARY_PREFIX))


def _index_problem(path: Path) -> Problem | None:
    """Return why a package cannot be listed in the folder's index, None for one that can."""
    shown = f"{path.parent.name}/{path.name}"
    reason = _why_not_indexed(path, shown)
    if reason is None:
        return None
    hint = "move it out of the folder, or publish to another one; nothing was changed"
    return Problem(code="FL850", message=f"{shown} cannot be indexed: {reason}", hint=hint)


def _why_not_indexed(path: Path, shown: str) -> str | None:
    if path.suffix != SUFFIX:
        return "it has the older format, and the new index would not list it"
    try:
        item = read_artifact(path)
        index_files({path.parent.name: {path.name: index_record(path)}}, bytes)
    except (FlowlockError, KeyError, TypeError, ValueError) as error:
        return str(error)
    return None if item.place == shown else f"according to its metadata, it is {item.place}"


def _place(source: Path, place: Path) -> bool:
    """Copy a file to a name that is free, whole or not at all; return whether it was free."""
    handle, name = tempfile.mkstemp(prefix=files.TEMPORARY_PREFIX, dir=place.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as target, source.open("rb") as origin:
            shutil.copyfileobj(origin, target, 1 << 18)
            target.flush()
            os.fsync(target.fileno())
        temporary.chmod(0o644)
        return _link(temporary, place)
    finally:
        temporary.unlink(missing_ok=True)


def _link(temporary: Path, place: Path) -> bool:
    try:
        place.hardlink_to(temporary)
    except FileExistsError:
        return False
    except OSError:
        # A share without hard links: rename is atomic, and only its check for a rival is not.
        if place.exists():
            return False
        temporary.rename(place)
    return True
