"""The embedded base channel: the running CPython and wheels as conda packages, made as far as needed."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from flowlock.base.archive import LEVEL, Archive
from flowlock.base.convert import NOT_WHEELS, parse_requirements
from flowlock.base.debian import InterpreterEdit
from flowlock.base.interpreter import Interpreter, find
from flowlock.base.manifest import BaseEntry, BaseManifest, load, save, sound_entries
from flowlock.base.package import SCHEMA, Conversion
from flowlock.base.relocate import fingerprint, python_abi_package, python_package
from flowlock.base.universe import Universe
from flowlock.base.wheel import read
from flowlock.base.wheels import resolve
from flowlock.conda.index import repodata_json
from flowlock.edges import file_locks as locks
from flowlock.edges import files
from flowlock.edges.downloads import PinnedFile, download
from flowlock.edges.memo import digest_of
from flowlock.edges.pool import concurrently
from flowlock.errors import FlowlockError, from_os_error
from flowlock.report.reporter import Progress
from flowlock.workspace import Workspace

_Job = Callable[[], Archive]


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseResult:
    """The channel as it is now, and what had to be done for it; `indexed` if its repodata was written.

    `edits` are what the packaged interpreter has otherwise than the one on this machine.
    """

    folder: Path
    python: str
    edits: tuple[InterpreterEdit, ...]
    made: int
    kept: int
    removed: int
    indexed: bool
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether the channel is there; what prevents that is raised."""
        return True

    def as_json(self) -> Mapping[str, Any]:
        """Return the document that --json prints."""
        return {
            "folder": str(self.folder),
            "python": self.python,
            "edits": [asdict(edit) for edit in self.edits],
            "made": self.made,
            "kept": self.kept,
            "removed": self.removed,
            "indexed": self.indexed,
            "seconds": round(self.seconds, 3),
        }

    def as_text(self) -> str:
        """Return one line for people."""
        return f"{self.folder}: {self.told()}"

    def told(self) -> str:
        """Return what the channel holds, and what was done if anything was."""
        done = [f"{self.made} made"] if self.made else []
        done += [f"{self.removed} removed"] if self.removed else []
        done += ["index written"] if self.indexed else []
        edited = f" with {len(self.edits)} edits" if self.edits else ""
        packages = f"Python {self.python}{edited}, {self.made + self.kept} packages"
        return f"{packages} ({', '.join(done)})" if done else packages


def make(
    workspace: Workspace,
    requirements: Sequence[str],
    *,
    python: Path | None = None,
    offline: bool,
    progress: Progress,
) -> BaseResult:
    """Make `.flowlock/base/<python tag>/` a channel of an interpreter and the wheels that were asked for.

    `requirements` are PEP 508; what they need in turn comes along, and nothing else stays. What is there and
    made of the same inputs is kept; a second call reads no archive and needs no network.
    """
    started = time.perf_counter()
    asked = [str(one) for one in parse_requirements(requirements)]
    with progress.stage("base") as stage:
        interpreter = find(python, kept=workspace.state.interpreter)
        order = _Order(workspace=workspace, python=interpreter, offline=offline, progress=progress)
        with _alone(order.folder):
            known = load(order.folder)
            sound = sound_entries(order.folder, known.entries)
            now = _current(order, asked, known, sound)
            removed, indexed = _publish(order, now)
        made = sum(one.path not in sound for one in now.entries)
        result = BaseResult(
            folder=order.folder,
            python=order.python.version,
            edits=order.python.edits,
            made=made,
            kept=len(now.entries) - made,
            removed=removed,
            indexed=indexed,
            seconds=time.perf_counter() - started,
        )
        stage.status = "made" if made or removed or indexed else "current"
        stage.detail = result.told()
    return result


@dataclass(frozen=True, kw_only=True, slots=True)
class _Order:
    """What one call works with."""

    workspace: Workspace
    python: Interpreter
    offline: bool
    progress: Progress

    @property
    def folder(self) -> Path:
        return self.workspace.state.base_channel(self.python.tag)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time make a channel; the operating system's refusals become ours."""
    try:
        with locks.alone(folder / ".lock"):
            yield
    except OSError as error:
        raise from_os_error(error, "make", folder) from error


def _current(
    order: _Order, requirements: Sequence[str], known: BaseManifest, sound: Mapping[str, BaseEntry]
) -> BaseManifest:
    """Return what the channel shall hold, after making what of it is not there."""
    workspace, python = order.workspace, order.python
    resolutions = workspace.state.resolutions
    pins = resolve(requirements, python, kept=resolutions, root=workspace.root, offline=order.offline)
    interpreter = digest_of([fingerprint(python), version("zstandard"), workspace.epoch.isoformat()])
    environment, names = dict(python.environment), dict(workspace.wheel_names)
    inputs = digest_of([interpreter, SCHEMA, LEVEL, [asdict(pin) for pin in pins], environment, names])
    if inputs == known.inputs and len(sound) == len(known.entries):
        return known

    kept = _kept_interpreter(sound) if interpreter == known.interpreter else []
    jobs: list[_Job] = []
    if not kept:
        jobs.append(partial(python_package, python, workspace.epoch, scratch=workspace.state.edited_python))
        jobs.append(partial(python_abi_package, python, workspace.epoch))
    for conversion in _conversions(order, pins):
        if conversion.path in sound:
            kept.append(sound[conversion.path])
        else:
            jobs.append(conversion.archive)
    if jobs:
        order.progress.note(f"packaging Python {python.version} and wheels: {len(jobs)} packages to make")
    made = concurrently(partial(_write, order), jobs, workers=os.cpu_count() or 1)
    entries = tuple(sorted([*kept, *made], key=lambda one: one.path))
    return BaseManifest(inputs=inputs, interpreter=interpreter, edits=python.edits, entries=entries)


def _kept_interpreter(sound: Mapping[str, BaseEntry]) -> list[BaseEntry]:
    """Return the packages of the interpreter, which are made together, if both are sound."""
    found = [one for one in sound.values() if one.record["name"] in NOT_WHEELS]
    return found if len(found) == len(NOT_WHEELS) else []


def _conversions(order: _Order, pins: Sequence[PinnedFile]) -> list[Conversion]:
    """Return what each wheel becomes, the largest first, so that the last to be made is a small one."""
    workspace, python = order.workspace, order.python
    places = download(pins, workspace.state.wheels, offline=order.offline, progress=order.progress)
    opened = {pin: read(path) for pin, path in places.items()}
    universe = Universe(
        wheels={one.metadata.name: one.metadata for one in opened.values()},
        environment=python.environment,
        conda_name=workspace.conda_name,
    )
    _no_shared_names(universe)
    conversions = [
        Conversion(
            wheel=one,
            sha256=pin.sha256,
            name=workspace.conda_name(one.metadata.name),
            depends=universe.dependencies(one.metadata.name),
            python=python.series,
            subdir=python.subdir,
            epoch=workspace.epoch,
        )
        for pin, one in opened.items()
    ]
    return sorted(conversions, key=lambda one: one.wheel.path.stat().st_size, reverse=True)


def _no_shared_names(universe: Universe) -> None:
    by_name: dict[str, list[str]] = {}
    for name in universe.wheels:
        by_name.setdefault(universe.conda_name(name), []).append(name)
    shared = {name: those for name, those in by_name.items() if len(those) > 1 or name in NOT_WHEELS}
    if shared:
        raise FlowlockError(
            "; ".join(f"{' and '.join(those)} would be `{name}`" for name, those in sorted(shared.items())),
            code="FL422",
            hint="give each a name of its own in [names] of flowlock.toml",
        )


def _write(order: _Order, job: _Job) -> BaseEntry:
    made = job()
    order.progress.working(f"packaged {made.name}")
    path = f"{made.record['subdir']}/{made.name}"
    files.write_bytes(order.folder / path, made.data)
    return BaseEntry(path=path, record=made.record)


def _publish(order: _Order, now: BaseManifest) -> tuple[int, bool]:
    """Write the index of what the channel holds, and delete what it no longer does.

    Returns how many archives were deleted, and whether the index was another.

    In this order a process that is killed leaves an index of files that are there.
    """
    subdirs: dict[str, dict[str, Any]] = {"noarch": {}, order.python.subdir: {}}
    for one in now.entries:
        subdir, _, file = one.path.partition("/")
        subdirs[subdir][file] = dict(one.record)
    index = {
        f"{subdir}/repodata.json": repodata_json(subdir, records).decode()
        for subdir, records in subdirs.items()
    }
    written = files.sync_folder(order.folder, index)
    wanted = {order.folder / one.path for one in now.entries}
    found = {path for subdir in subdirs for path in (order.folder / subdir).iterdir()}
    strays = {path for path in found - wanted if path.name != "repodata.json"}
    for path in strays:
        path.unlink()
    save(order.folder, now)
    return sum(path.suffix == ".conda" for path in strays), bool(written)
