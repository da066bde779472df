"""The embedded base channel: the running CPython and wheels as conda packages, made when needed."""

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
from flowlock.conda.index import REPODATA, record_json, repodata_json
from flowlock.conda.safe_archives import SafeArchives
from flowlock.edges import file_locks as locks
from flowlock.edges import files
from flowlock.edges.amounts import Tally
from flowlock.edges.downloads import PinnedFile, download
from flowlock.edges.memo import digest_of
from flowlock.edges.pool import concurrently
from flowlock.errors import FlowlockError, from_os_error
from flowlock.report.reporter import Progress
from flowlock.workspace import Workspace

_Job = Callable[[], Archive]


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseResult:
    """The current state of the channel, and what was done for it; `indexed` if its repodata was written.

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
        """Return a one-line summary."""
        return f"{self.folder}: {self.summary()}"

    def summary(self) -> str:
        """Return what the channel holds, and what was done if anything was."""
        counts = {"made": self.made, "removed": self.removed}
        done = [f"{count} {verb}" for verb, count in counts.items() if count]
        if self.indexed:
            done.append("index written")
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
    """Make `.flowlock/base/<python tag>/` a channel of an interpreter and the wheels of these requirements.

    `requirements` are PEP 508; what they need in turn comes along, and nothing else is kept. Packages
    with the same inputs are kept; a second call reads no archive and needs no network.
    """
    started = time.perf_counter()
    specs = [str(requirement) for requirement in parse_requirements(requirements)]
    with progress.stage("base") as stage:
        interpreter = find(python, kept=workspace.state.interpreter)
        request = _Request(workspace=workspace, python=interpreter, offline=offline, progress=progress)
        with _alone(request.folder):
            previous = load(request.folder)
            sound = sound_entries(request.folder, previous.entries)
            now = _current(request, specs, previous, sound)
            removed, indexed = _publish(request, now)
        packaged = sum(entry.path not in sound for entry in now.entries)
        result = BaseResult(
            folder=request.folder,
            python=request.python.version,
            edits=request.python.edits,
            made=packaged,
            kept=len(now.entries) - packaged,
            removed=removed,
            indexed=indexed,
            seconds=time.perf_counter() - started,
        )
        stage.status = "made" if packaged or removed or indexed else "current"
        stage.detail = result.summary()
    return result


@dataclass(frozen=True, kw_only=True, slots=True)
class _Request:
    """The arguments of one call, and its interpreter."""

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
    request: _Request, requirements: Sequence[str], previous: BaseManifest, sound: Mapping[str, BaseEntry]
) -> BaseManifest:
    """Return what the channel has to hold, after making what is missing."""
    workspace, python = request.workspace, request.python
    resolutions = workspace.state.resolutions
    pins = resolve(requirements, python, kept=resolutions, root=workspace.root, offline=request.offline)
    interpreter = digest_of([fingerprint(python), version("zstandard"), workspace.epoch.isoformat()])
    environment, names = dict(python.environment), dict(workspace.wheel_names)
    inputs = digest_of([interpreter, SCHEMA, LEVEL, [asdict(pin) for pin in pins], environment, names])
    if inputs == previous.inputs and len(sound) == len(previous.entries):
        return previous

    kept: list[BaseEntry] = []
    if interpreter == previous.interpreter:
        kept = _kept_interpreter(sound)
    jobs: list[_Job] = []
    if not kept:
        jobs.append(partial(python_package, python, workspace.epoch, scratch=workspace.state.edited_python))
        jobs.append(partial(python_abi_package, python, workspace.epoch))
    for conversion in _conversions(request, pins):
        if conversion.path in sound:
            kept.append(sound[conversion.path])
        else:
            jobs.append(conversion.archive)
    entries = tuple(sorted([*kept, *_written(request, jobs)], key=lambda entry: entry.path))
    return BaseManifest(inputs=inputs, interpreter=interpreter, edits=python.edits, entries=entries)


def _written(request: _Request, jobs: Sequence[_Job]) -> list[BaseEntry]:
    """Make packages, of which no environment has to check whether they are safe."""
    if jobs:
        python = f"Python {request.python.version}"
        request.progress.note(f"packaging {python} and wheels: {len(jobs)} packages to make")
    write = partial(_write, request, Tally(len(jobs)))
    written = concurrently(write, jobs, workers=os.cpu_count() or 1)
    digests = [entry.record["sha256"] for entry in written]
    SafeArchives(request.workspace.state.safe_archives).add(digests)
    return written


def _kept_interpreter(sound: Mapping[str, BaseEntry]) -> list[BaseEntry]:
    """Return the packages of the interpreter, which are made together, if both are sound."""
    packages = [entry for entry in sound.values() if entry.record["name"] in NOT_WHEELS]
    if len(packages) < len(NOT_WHEELS):
        return []
    return packages


def _conversions(request: _Request, pins: Sequence[PinnedFile]) -> list[Conversion]:
    """Return what each wheel becomes, the largest first, so that the last to be made is a small one."""
    workspace, python = request.workspace, request.python
    places = download(pins, workspace.state.wheels, offline=request.offline, progress=request.progress)
    opened = {pin: read(path) for pin, path in places.items()}
    universe = Universe(
        wheels={wheel.metadata.name: wheel.metadata for wheel in opened.values()},
        environment=python.environment,
        conda_name=workspace.conda_name,
    )
    _no_shared_names(universe)
    conversions = [
        Conversion(
            wheel=wheel,
            sha256=pin.sha256,
            name=workspace.conda_name(wheel.metadata.name),
            depends=universe.dependencies(wheel.metadata.name),
            python=python,
            epoch=workspace.epoch,
        )
        for pin, wheel in opened.items()
    ]
    return sorted(conversions, key=lambda conversion: conversion.wheel.path.stat().st_size, reverse=True)


def _no_shared_names(universe: Universe) -> None:
    by_name: dict[str, list[str]] = {}
    for name in universe.wheels:
        by_name.setdefault(universe.conda_name(name), []).append(name)
    shared = {conda: names for conda, names in by_name.items() if len(names) > 1 or conda in NOT_WHEELS}
    if shared:
        raise FlowlockError(
            "; ".join(f"{' and '.join(names)} would be `{conda}`" for conda, names in sorted(shared.items())),
            code="FL422",
            hint="give each a unique name in [names] of flowlock.toml",
        )


def _write(request: _Request, tally: Tally, job: _Job) -> BaseEntry:
    package = job()
    request.progress.working(f"packaged {tally.add(len(package.data))}: {package.name}")
    path = f"{package.record['subdir']}/{package.name}"
    files.write_bytes(request.folder / path, package.data)
    return BaseEntry(path=path, record=package.record)


def _publish(request: _Request, now: BaseManifest) -> tuple[int, bool]:
    """Write the index of what the channel holds, and delete what it no longer does.

    Returns how many archives were deleted, and whether the index changed.

    In this order a process that is killed leaves an index of files that are there.
    """
    subdirs: dict[str, dict[str, str]] = {"noarch": {}, request.python.subdir: {}}
    for entry in now.entries:
        subdir, _, file = entry.path.partition("/")
        subdirs[subdir][file] = record_json(entry.record)
    index = {
        f"{subdir}/{REPODATA}": repodata_json(subdir, records).decode() for subdir, records in subdirs.items()
    }
    written = files.sync_folder(request.folder, index)
    wanted = {request.folder / entry.path for entry in now.entries}
    present = {path for subdir in subdirs for path in (request.folder / subdir).iterdir()}
    strays = {path for path in present - wanted if path.name != REPODATA}
    for path in strays:
        path.unlink()
    save(request.folder, now)
    return sum(path.suffix == ".conda" for path in strays), bool(written)
