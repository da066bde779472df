"""Every kind of file that flowlock reads: sound files, and what reads them in this process.

A reader is what the commands call. It returns problems, or raises FlowlockError or WorkflowError.
"""

import json
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from answer_kinds import answers
from archive_kinds import conda_archives, wheels
from flowlock.commands.compile import read_text
from flowlock.commands.init import init
from flowlock.commands.recipe import recipe_problems
from flowlock.compile.package import render
from flowlock.conda.match import RattlerMatcher, compare_versions
from flowlock.edges import files, memo
from flowlock.errors import Location
from flowlock.lock.formats import require_readable
from flowlock.lock.lockfile import document, export
from flowlock.lock.lockfile.diff import as_markdown, changes, platforms_by_environment
from flowlock.lock.lockfile.forms import ExportKind
from flowlock.lock.manifest import pixi
from flowlock.lock.manifest.model import ExcludeNewer, ManifestRequirement
from flowlock.lock.result import LockOptions, LockTarget
from flowlock.lock.solver import sources
from flowlock.lock.solver.metadata import ChannelMetadata
from flowlock.lock.solver.solve import SolveRequest, solve_environment
from flowlock.lock.solver.sources import ChannelFolder
from flowlock.lock.state import read_state
from flowlock.release.targets import make as make_target
from flowlock.release.targets.protocol import Context
from flowlock.report.renderings import errors
from flowlock.spec.rules.check import check_text
from flowlock.workspace import load
from flowlock_core.errors import WorkflowError
from flowlock_core.parameters.params import load_params
from flowlock_core.testing import load_cases
from kind import Kind, Place, Problems, each
from mutations import Syntax
from sound_files import CASES, FORGE, LOCK, LOCK_MANIFEST, MANIFEST, PARAMS, REPODATA
from specs import FACTS, GOLDEN, catalog
from state_readers import CONTENTS, NAMES, PLAIN, READERS, SOUND

TODAY = datetime(2026, 11, 1, tzinfo=UTC)


def spec(_folder: Path) -> Iterator[Kind]:
    def read(path: Path) -> Problems:
        text, unreadable = read_text(path, path.name)
        if unreadable:
            return unreadable
        parsed, problems = check_text(text, path.name, catalog(), FACTS)
        if parsed is not None and not errors(problems):
            render(parsed, catalog(), FACTS, source=text)
        return problems

    sound = [path.read_bytes() for path in sorted(GOLDEN.glob("valid/*/spec.yaml"))]
    seeds = [data for data in sound if len(data) < 4000]
    yield Kind(name="spec", seeds=seeds, read=read, file="spec.yaml", syntax=Syntax.YAML)


WORKSPACE_FILES = {
    "flowlock.toml": ("flowlock.toml", Syntax.TOML),
    "recipe": ("recipes/space-tasks/recipe.yaml", Syntax.YAML),
    "pyproject": ("src/space-tasks/pyproject.toml", Syntax.TOML),
}


def workspace_file(name: str, folder: Path) -> Iterator[Kind]:
    """A file that is read together with the workspace that it lies in."""
    root = folder / "space"
    init(root, today=TODAY)
    subprocess.run(["git", "init", "-q", root], check=True)
    context = Context(root=root, tag="v1.0.0")

    def read(_path: Path) -> Problems:
        workspace = load(root)
        for target in workspace.targets:
            make_target(target, workspace.targets, context)
        return recipe_problems(workspace)

    file, syntax = WORKSPACE_FILES[name]
    yield Kind(name=name, seeds=[(root / file).read_bytes()], read=read, file=f"space/{file}", syntax=syntax)


def pixi_toml(_folder: Path) -> Iterator[Kind]:
    matcher = RattlerMatcher()

    def read(path: Path) -> Problems:
        manifest = pixi.read(files.read_text(path, path.name), path.name, label="demo", now=TODAY)
        target = LockTarget(manifest=manifest, path=path.with_name("absent.lock"), shown="absent.lock")
        read_state(target, matcher, {}, [], LockOptions())
        return []

    yield Kind(name="pixi.toml", seeds=[MANIFEST.encode()], read=read, file="pixi.toml", syntax=Syntax.TOML)


def pixi_lock(_folder: Path) -> Iterator[Kind]:
    matcher = RattlerMatcher()
    manifest = pixi.read(LOCK_MANIFEST, "pixi.toml", label="demo", now=TODAY)
    sound = document.read(LOCK, "pixi.lock")

    def read(path: Path) -> Problems:
        target = LockTarget(manifest=manifest, path=path, shown=path.name)
        read_state(target, matcher, {}, [], LockOptions())
        lock = document.read(files.read_text(path, path.name), path.name)
        as_markdown(changes(sound, lock, compare_versions), platforms_by_environment(sound, lock))
        for kind in (ExportKind.EXPLICIT, ExportKind.ENVIRONMENT):
            export.export(kind, lock, environment="default", platform="linux-64", name="demo")
        require_readable(lock.text(), path.name)
        return []

    yield Kind(name="pixi.lock", seeds=[LOCK.encode()], read=read, file="pixi.lock", syntax=Syntax.YAML)


def params(_folder: Path) -> Iterator[Kind]:
    def read(path: Path) -> Problems:
        read = load_params(str(path))
        if read.problems:
            raise WorkflowError("wrong parameters", problems=read.problems)
        return []

    yield Kind(name="params", seeds=[PARAMS.encode()], read=read, file="params.yaml", syntax=Syntax.YAML)


def cases(_folder: Path) -> Iterator[Kind]:
    def read(path: Path) -> Problems:
        load_cases(path)
        return []

    yield Kind(
        name="test cases", seeds=[CASES.encode()], read=read, file="test-cases.yaml", syntax=Syntax.YAML
    )


def repodata(_folder: Path) -> Iterator[Kind]:
    """A channel's metadata: which channel it is, its entries, and solves with and without a limit."""
    exempt = ManifestRequirement(name="a", spec="a >=1")
    limits = (None, ExcludeNewer(cutoff=0, exempt=(exempt,), by_package={"b": 2**53}))
    location = Location(file="pixi.toml", line=1, column=1)
    wanted = ManifestRequirement(name="a", spec="a", location=location)

    def solved(folder: ChannelFolder, limit: ExcludeNewer | None) -> None:
        request = SolveRequest(
            label="demo",
            subdir="linux-64",
            channels=(folder.url,),
            requirements=(wanted,),
            virtual_packages=("__unix=0=0",),
            exclude_newer=limit,
        )
        with ChannelMetadata(folders=[folder]) as metadata:
            solve_environment(request, metadata)

    def read(path: Path) -> Problems:
        folder = path.parent.parent
        served = ChannelFolder(url="https://example.org/release", path=folder)
        return each(
            [
                lambda: sources.snapshots([str(folder)], [f"{FORGE}/"]),
                lambda: list(sources.entries(served)),
                *(partial(solved, served, limit) for limit in limits),
            ]
        )

    yield Kind(
        name="repodata",
        seeds=[REPODATA.encode()],
        read=read,
        file="channel/noarch/repodata.json",
        syntax=Syntax.JSON,
    )


def state(_folder: Path) -> Iterator[Kind]:
    """What flowlock keeps for itself: damaged, it counts as absent, and nothing is refused.

    So there are no codes to be counted, but two outcomes for each file: it is read, or counts as absent.
    """
    plain = [data for data in PLAIN if data.startswith(b"{") and len(data) < 1000]
    for name, (read, absent) in READERS.items():
        contents = [json.dumps(content).encode() for content in (*CONTENTS, *SOUND.get(name, ()))]
        kept = partial(
            Kind,
            name="state files",
            read=partial(_kept, read),
            file=f"{name}/{NAMES.get(name, 'kept.json')}",
            place=Place.NONE,
            outcome=partial(_outcome, name, read, absent),
        )
        yield kept(seeds=plain, syntax=Syntax.JSON)
        yield kept(seeds=[memo._sealed(content) for content in contents])
        yield kept(seeds=contents, syntax=Syntax.JSON, pack=memo._sealed)


def _kept(read: Callable[[Path], object], path: Path) -> Problems:
    read(path)
    return []


def _outcome(name: str, read: Callable[[Path], object], absent: object, path: Path) -> str:
    return f"{name}: {'absent' if read(path) == absent else 'read'}"


KINDS: Mapping[str, Callable[[Path], Iterable[Kind]]] = {
    "spec": spec,
    "flowlock.toml": partial(workspace_file, "flowlock.toml"),
    "recipe": partial(workspace_file, "recipe"),
    "pyproject": partial(workspace_file, "pyproject"),
    "pixi.toml": pixi_toml,
    "pixi.lock": pixi_lock,
    "params": params,
    "test cases": cases,
    "repodata": repodata,
    ".conda": conda_archives,
    "wheel": wheels,
    "server answers": answers,
    "state files": state,
}
