"""`flowlock cache`: what is kept to save time, who needs it, and the removal of what nobody does."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowlock.builder.plan.snapshot import WorkspaceSnapshot, read_snapshot
from flowlock.commands.build_lock import FILE as BUILD_LOCK
from flowlock.commands.session import Session
from flowlock.conda.records import ARCHIVES
from flowlock.edges import files, git
from flowlock.edges.amounts import bytes_text
from flowlock.errors import FlowlockError
from flowlock.image.kept import cached_parts, digest_of_pins
from flowlock.image.layers import LayerCache
from flowlock.lock.lockfile import document
from flowlock.lock.lockfile.document import Lock
from flowlock.running.bytecode import read_kept
from flowlock.workspace import Workspace

BUILDS, WORKFLOW_LOCK = "current builds", "pixi.lock"


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheEntry:
    """Something in the cache: its kind and name, the bytes it takes, and who needs it (empty: nobody)."""

    kind: str
    name: str
    size: int
    needed_by: str
    paths: tuple[Path, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheResult:
    """The cache's contents; after `gc` what was freed, with `dry_run` what would be."""

    entries: tuple[CacheEntry, ...]
    freed: bool = False
    dry_run: bool = False

    @property
    def ok(self) -> bool:
        """Whether the cache could be looked at; what prevents that is raised."""
        return True

    @property
    def size(self) -> int:
        """The bytes of all entries."""
        return sum(entry.size for entry in self.entries)

    def as_json(self) -> Mapping[str, Any]:
        """Return {"entries": [{kind, name, size, needed_by}], "size", "dry_run"}."""
        rows = [
            {"kind": entry.kind, "name": entry.name, "size": entry.size, "needed_by": entry.needed_by}
            for entry in self.entries
        ]
        return {"entries": rows, "size": self.size, "dry_run": self.dry_run}

    def as_text(self) -> str:
        """Return a line per entry, and the sum."""
        width = max((len(entry.name) for entry in self.entries), default=0)
        lines = []
        for entry in self.entries:
            line = f"{entry.kind:<9} {entry.name:<{width}} {bytes_text(entry.size):>9}"
            if not self.freed:
                line += f"  {entry.needed_by or 'unused'}"
            lines.append(line)
        verb = "in the cache"
        if self.freed:
            verb = "would be freed" if self.dry_run else "freed"
        return "\n".join([*lines, f"{bytes_text(self.size)} {verb}"])


def ls(session: Session) -> CacheResult:
    """Return everything in the cache, and who needs it."""
    return CacheResult(entries=tuple(_entries(session)))


def gc(session: Session, *, dry_run: bool) -> CacheResult:
    """Remove what neither a lock nor a current build needs; a damaged committed lock stops it all."""
    with session.exclusive():
        idle = tuple(entry for entry in _entries(session) if not entry.needed_by)
        if not dry_run:
            for path in (path for entry in idle for path in entry.paths):
                files.remove(path)
    return CacheResult(entries=idle, freed=True, dry_run=dry_run)


def _entries(session: Session) -> Iterator[CacheEntry]:
    workspace = session.workspace
    state = workspace.state
    locks = _locks(workspace)
    pinned = {_stem(record.file_name): shown for shown, lock in locks for _, _, record in lock.records()}
    snapshot = read_snapshot(workspace)
    current = {identity.artifact.stem: BUILDS for identity in snapshot.identities.values()}
    needed = {**pinned, **current}
    yield from _archives(state.artifacts, needed)
    yield from _folders("unpacked", state.worker_packages, pinned)
    yield from _folders("unpacked", state.unpacked_packages, needed)
    yield from _bytecode(state.bytecode, needed)
    yield from _downloads(state.archives, pinned)
    yield from _wheels(snapshot)
    yield from _layers(LayerCache(folder=state.image_layers), locks)


def _locks(workspace: Workspace) -> list[tuple[str, Lock]]:
    """Return each lock and how it is shown, the committed ones last.

    A damaged lock of the state folder pins nothing. It is solved again, and what it pinned is made again.
    """
    listed = [workspace.root / name for name in git.source_files(workspace.root)]
    committed = [path for path in listed if path.name == WORKFLOW_LOCK]
    derived = sorted(workspace.state.locks.rglob("*.lock"))
    locks = []
    for path in filter(Path.is_file, [*derived, workspace.recipes / BUILD_LOCK, *committed]):
        shown = workspace.relative(path)
        try:
            locks.append((shown, document.read(files.read_text(path, shown), shown)))
        except FlowlockError:
            if path not in derived:
                raise
    return locks


def _stem(file: str) -> str:
    """Return a file's name without the ending of an archive."""
    for ending in ARCHIVES:
        if file.endswith(ending):
            return file.removesuffix(ending)
    return file


def _archives(folder: Path, needed: Mapping[str, str]) -> Iterator[CacheEntry]:
    """Yield each artifact with its record; what was rejected as not reproducible is needed by nobody."""
    by_stem: dict[str, list[Path]] = {}
    for path in sorted(_files(folder, "*.conda", "*.json")):
        by_stem.setdefault(path.stem, []).append(path)
    for stem, paths in by_stem.items():
        yield _kept("artifact", stem, paths, needed.get(stem, ""))
    for path in sorted(_files(folder / "rejected", "*.conda")):
        yield _kept("rejected", path.stem, [path], "")


def _folders(kind: str, folder: Path, needed: Mapping[str, str]) -> Iterator[CacheEntry]:
    """Yield the engine's unpacked packages, each a folder with a lock file beside it."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.is_dir():
            lock = path.with_name(path.name + ".lock")
            paths = [path, lock] if lock.is_file() else [path]
            yield _kept(kind, path.name, paths, needed.get(path.name, ""))


def _bytecode(folder: Path, needed: Mapping[str, str]) -> Iterator[CacheEntry]:
    """Yield the bytecode of each unpacked package; what is damaged is needed by nobody."""
    for path in sorted(folder.glob("*/*/")):
        kept = read_kept(path)
        name = kept.package if kept else path.name
        yield _kept("bytecode", name, [path], needed.get(name, ""))


def _downloads(folder: Path, pinned: Mapping[str, str]) -> Iterator[CacheEntry]:
    """Yield the archives that builds took from elsewhere, each in a folder named by its digest."""
    for path in sorted(folder.glob("*")):
        name = _stem(next((file.name for file in path.iterdir()), path.name))
        yield _kept("download", name, [path], pinned.get(name, ""))


def _wheels(snapshot: WorkspaceSnapshot) -> Iterator[CacheEntry]:
    """Yield the wheels that the embedded base was made of, those of its present resolution as needed."""
    state = snapshot.workspace.state
    folders = [*sorted(state.wheels.glob("*")), *sorted(state.installed_wheels.glob("*"))]
    if not folders:
        return
    needed = _resolved(snapshot)
    for folder in folders:
        name = next((path.name for path in folder.iterdir()), folder.name)
        why = "base or vendored packages" if needed is None or folder.name in needed else ""
        yield _kept("wheel", name, [folder], why)


def _layers(cache: LayerCache, locks: Iterable[tuple[str, Lock]]) -> Iterator[CacheEntry]:
    """Yield the parts of images, those of images of a present lock as needed by it."""
    pins = {}
    for shown, lock in locks:
        for environment in lock.environments.values():
            for records in environment.packages.values():
                pins[digest_of_pins(records)] = shown
    for part in cached_parts(cache):
        needed_by = sorted(pins[digest] for digest in part.pins if digest in pins)
        yield _kept(part.kind, part.name, part.paths, needed_by[0] if needed_by else "")


def _resolved(snapshot: WorkspaceSnapshot) -> set[str] | None:
    """Return the digests of what the base channel and vendored packages are made of.

    None if the former cannot be determined without the network.
    """
    from flowlock.base.interpreter import find
    from flowlock.base.wheels import resolve
    from flowlock.commands.base_requirements import requirements

    workspace = snapshot.workspace
    downloads = (target.download for target in snapshot.targets.values())
    vendored = {str(download.sha256) for download in downloads if download is not None}
    if not workspace.state.running_base.is_dir():
        return vendored
    kept = workspace.state.resolutions
    try:
        needed = requirements(workspace, snapshot.targets, workspace.workflow_list)
        pins = resolve(needed, find(None), kept=kept, root=workspace.root, offline=True)
    except FlowlockError:
        return None
    return {pin.sha256 for pin in pins} | vendored


def _files(folder: Path, *patterns: str) -> Iterable[Path]:
    return (path for pattern in patterns for path in folder.glob(pattern))


def _kept(kind: str, name: str, paths: list[Path], needed_by: str) -> CacheEntry:
    size = 0
    for path in paths:
        size += sum(file.lstat().st_size for file in (path.rglob("*") if path.is_dir() else [path]))
    return CacheEntry(kind=kind, name=name, size=size, needed_by=needed_by, paths=tuple(paths))
