"""The tasks that specs may name: signatures of the workspace's packages and of installed ones.

Entry points are read from the workspace packages' own pyproject.toml (no installation is
required) and described in a separate process. Signatures are kept by the sources they were made from,
so that a second compile imports none of the packages.
"""

import hashlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import Distribution, version
from pathlib import Path
from typing import Any, Protocol, Self
from urllib.parse import unquote, urlsplit

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pydantic import BaseModel, TypeAdapter

from flowlock.conda.closure import closure
from flowlock.edges import files, memo, process, shapes
from flowlock.edges.distributions import installed
from flowlock.edges.sources import snapshots
from flowlock.edges.temporary import temporaries_below
from flowlock.errors import FlowlockError, from_os_error
from flowlock.names import CORE, TASK_GROUP
from flowlock.recipe import pyproject
from flowlock.report.reporter import Progress, Silent
from flowlock.spec.catalog import BrokenTask, Catalog, Verdicts
from flowlock.spec.model import SpecRequirement
from flowlock.tasks.unregistered import registration
from flowlock.tasks.verdicts import (
    VerdictsByCheck,
    read_verdicts,
    verdicts_by_owner,
    verdicts_of,
    write_verdicts,
)
from flowlock.workspace import Package, Workspace
from flowlock_core.parameters.literals import LiteralCheck
from flowlock_core.schema import TaskSignature

SIGNATURES, VERDICTS = ".json", ".literals.json"
# Raised when kept signatures of an earlier flowlock can no longer be read.
SCHEMA = 4
# What solvers draw around their sentences.
_DRAWN = re.compile(r"[\u2500-\u27bf\u00d7]")
_MODULE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskSource:
    """A distribution that registers tasks; `identity` stands for all that its signatures depend on."""

    distribution: str
    entry_points: Mapping[str, str]
    identity: str


def signatures(
    workspace: Workspace,
    requirements: Collection[str] | None = None,
    *,
    checks: Collection[LiteralCheck] = (),
    progress: Progress | None = None,
) -> Catalog:
    """Return the tasks of every workspace package, and of the installed distributions that are required.

    `requirements` are distribution names; None means every installed distribution with tasks. The catalog
    has the verdicts of the checks.
    """
    projects = {package: _project(workspace, package) for package in workspace.packages}
    own = _workspace_sources(workspace, projects)
    # A package without tasks is in the workspace, too.
    own_names: set[str] = {canonicalize_name(package.name) for package in projects}
    distributions = installed()
    others = {name: distribution for name, distribution in distributions.items() if name not in own_names}
    sources = [*own, *_installed_sources(others, requirements)]
    descriptions = _descriptions(workspace, sources, checks, progress or Silent())
    documents = [kept.document for kept in descriptions.values() if kept.document is not None]
    verdicts = {
        (distribution, check): refusals
        for distribution, kept in descriptions.items()
        for check, refusals in kept.verdicts.items()
    }
    catalog = _catalog(documents, own_names | distributions.keys(), verdicts)
    return replace(catalog, own_versions=_versions(projects), registration=partial(registration, workspace))


def _descriptions(
    workspace: Workspace,
    sources: Sequence[TaskSource],
    checks: Collection[LiteralCheck],
    progress: Progress,
) -> dict[str, "_CachedDescription"]:
    """Return the description of each distribution; packages are imported only for what was not kept."""
    descriptions = {source.distribution: _CachedDescription.kept(workspace, source) for source in sources}
    unchecked: dict[str, list[LiteralCheck]] = {}
    incomplete: list[TaskSource] = []
    for source in sources:
        kept = descriptions[source.distribution]
        unchecked[source.distribution] = kept.unchecked(source, checks)
        if kept.document is None or unchecked[source.distribution]:
            incomplete.append(source)
    if incomplete:
        described = _describe(workspace, incomplete, unchecked, progress)
        for source in incomplete:
            kept = descriptions[source.distribution]
            descriptions[source.distribution] = kept.completed(workspace, source, described)
    return descriptions


def _versions(projects: Mapping[Package, Mapping[str, Any]]) -> dict[str, str]:
    """Return the versions that packages write into their pyproject.toml."""
    return {
        canonicalize_name(package.name): project["version"]
        for package, project in projects.items()
        if isinstance(project.get("version"), str)
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class _CachedDescription:
    """What an earlier run kept of a distribution: the description of its tasks, and its verdicts."""

    document: Mapping[str, Any] | None
    verdicts: VerdictsByCheck

    @classmethod
    def kept(cls, workspace: Workspace, source: TaskSource) -> Self:
        """Read both; what cannot be read counts as absent."""
        signatures = _kept_file(workspace, source, SIGNATURES)
        return cls(
            document=kept_description(signatures, ("tasks", "errors")),
            verdicts=read_verdicts(_kept_file(workspace, source, VERDICTS)),
        )

    def unchecked(self, source: TaskSource, checks: Iterable[LiteralCheck]) -> list[LiteralCheck]:
        """Return the checks to the distribution's tasks that have no verdict."""
        own = [check for check in checks if check.task in source.entry_points]
        return [check for check in own if check not in self.verdicts]

    def completed(self, workspace: Workspace, source: TaskSource, described: Mapping[str, Any]) -> Self:
        """Return and keep it with what a process says now."""
        own = [item for item in described["literals"] if item["distribution"] == source.distribution]
        new = {**self.verdicts, **verdicts_of(own)}
        if new != self.verdicts:
            path = _kept_file(workspace, source, VERDICTS)
            write_verdicts(path, new)
            _forget_others(path, source, VERDICTS)
        return replace(self, document=_keep(workspace, source, described), verdicts=new)


class TaskLookup(Protocol):
    """Looks into packages that are neither of the workspace nor installed."""

    def describe(
        self, requirements: Sequence[SpecRequirement], checks: Collection[LiteralCheck], /
    ) -> Mapping[str, Any]:
        """Return the document of `flowlock_core.command.describe`; a FlowlockError says why there is none."""


def with_foreign_tasks(
    catalog: Catalog,
    missing: Sequence[SpecRequirement],
    lookup: TaskLookup,
    checks: Collection[LiteralCheck] = (),
) -> Catalog:
    """Return a catalog with the tasks of packages that it lacks, or with why they cannot be looked at."""
    names = [canonicalize_name(requirement.name.value) for requirement in missing if requirement.name]
    try:
        document = lookup.describe(missing, checks)
    except FlowlockError as error:
        # It becomes part of the problem of the requirement, which has a location in the spec.
        why = f"{error.message}: {error.detail}" if error.detail else error.message
        return replace(catalog, unavailable=dict.fromkeys(names, _line(_DRAWN.sub(" ", why))))
    return catalog.joined(_catalog([document], names, verdicts_by_owner(document["literals"])))


def _catalog(documents: Iterable[Mapping[str, Any]], present: Iterable[str], verdicts: Verdicts) -> Catalog:
    tasks, broken = [], []
    for document in documents:
        broken += [
            BrokenTask(
                name=refusal["task"], distribution=refusal["distribution"], message=_line(refusal["message"])
            )
            for refusal in document["errors"]
        ]
        for task in map(TaskSignature.from_json, document["tasks"]):
            if _MODULE.fullmatch(task.module) and task.function.isascii() and task.function.isidentifier():
                tasks.append(task)
            else:
                message = f"{task.module}.{task.function} is not defined at the top level of its module"
                broken.append(BrokenTask(name=task.name, distribution=task.distribution, message=message))
    return Catalog.of(tasks, broken=broken, distributions=present, verdicts=verdicts)


def _line(text: str) -> str:
    return " ".join(text.split())[:500]


def _workspace_sources(
    workspace: Workspace, projects: Mapping[Package, Mapping[str, Any]]
) -> list[TaskSource]:
    folders = {package.folder: package.excludes for package in workspace.packages}
    snapshot = snapshots(workspace.root, folders, cache_file=workspace.state.source_digests)
    digests: dict[str, str] = {
        canonicalize_name(package.name): snapshot[package.folder].digest for package in workspace.packages
    }
    needs: dict[str, set[str]] = {}
    for package, project in projects.items():
        dependencies = [Requirement(text).name for text in project.get("dependencies", ())]
        needs[canonicalize_name(package.name)] = digests.keys() & set(map(canonicalize_name, dependencies))
    sources = []
    for package, project in projects.items():
        points = project.get("entry-points", {}).get(TASK_GROUP, {})
        if points:
            name: str = canonicalize_name(package.name)
            used = sorted({*closure([name], needs.__getitem__), *({CORE} & set(digests))})
            identity = _identity(*(f"{needed} {digests[needed]}" for needed in used))
            sources.append(TaskSource(distribution=name, entry_points=points, identity=identity))
    return sources


def _project(workspace: Workspace, package: Package) -> Mapping[str, Any]:
    path = package.project_file
    if not path.is_file():
        return {}
    shown = workspace.relative(path)
    project: Mapping[str, Any] = pyproject.read(files.read_text(path, shown), shown).get("project", {})
    return project


def _installed_sources(
    distributions: Mapping[str, Distribution], requirements: Collection[str] | None
) -> Iterator[TaskSource]:
    """Yield those of the required distributions (None: of all) that register tasks."""
    required: Collection[str] = distributions
    if requirements is not None:
        required = {canonicalize_name(name) for name in (CORE, *requirements)}
    for name, distribution in distributions.items():
        if name not in required:
            continue
        points = {point.name: point.value for point in distribution.entry_points.select(group=TASK_GROUP)}
        if points:
            yield TaskSource(
                distribution=name, entry_points=points, identity=_installed_identity(distribution)
            )


class _OriginFolder(BaseModel):
    editable: bool = False


class _Origin(BaseModel):
    """What is read of a direct_url.json (PEP 610)."""

    url: str
    dir_info: _OriginFolder = _OriginFolder()


def editable_folder(distribution: Distribution) -> Path | None:
    """Return where the sources of an editable install are; None for any other one."""
    text = distribution.read_text("direct_url.json") or ""
    origin = shapes.parsed_or_none(_Origin, text.encode(errors="replace"))
    if origin is None or not origin.dir_info.editable:
        return None
    return Path(unquote(urlsplit(origin.url).path))


def _installed_identity(distribution: Distribution) -> str:
    """Return the identity of all that the signatures of an installed distribution depend on."""
    folder = editable_folder(distribution)
    if folder is None:
        return _identity(distribution.version, distribution.read_text("RECORD") or "", version(CORE))
    stats = [(path, path.stat()) for path in folder.rglob("*.py")]
    stamps = [f"{path} {stat.st_size} {stat.st_mtime_ns} {stat.st_ino}" for path, stat in stats]
    return _identity(version(CORE), *sorted(stamps))


def _identity(*parts: str) -> str:
    fixed = (str(SCHEMA), sys.version, version("pydantic"))
    return hashlib.sha256("\0".join((*fixed, *parts)).encode()).hexdigest()


def _kept_file(workspace: Workspace, source: TaskSource, ending: str) -> Path:
    return workspace.state.signatures / f"{source.distribution}-{source.identity}{ending}"


class _Fault(BaseModel):
    """A task that could not be described."""

    task: str
    distribution: str
    message: str


def kept_description(path: Path, parts: Sequence[str]) -> Mapping[str, Any] | None:
    """Return a description of tasks that was kept with these parts, None if any of it cannot be used."""
    kept = memo.read(path, dict[str, list[dict[str, Any]]])
    return kept if kept is not None and memo.made_of(kept, partial(_is_description, parts)) else None


def _is_description(parts: Sequence[str], document: Mapping[str, Any]) -> bool:
    """Take a description apart as its users do; what they would stumble over raises."""
    TypeAdapter(list[TaskSignature]).validate_python(document["tasks"])
    TypeAdapter(list[_Fault]).validate_python(document["errors"])
    return set(document) == set(parts)


def _keep(workspace: Workspace, source: TaskSource, described: Mapping[str, Any]) -> Mapping[str, Any]:
    """Keep one distribution's part of a description, unless it has errors, whose cause may lie outside."""
    document = {}
    for key in ("tasks", "errors"):
        document[key] = [item for item in described[key] if item["distribution"] == source.distribution]
    if not document["errors"]:
        path = _kept_file(workspace, source, SIGNATURES)
        memo.write(path, document)
        _forget_others(path, source, SIGNATURES)
    return document


def _forget_others(path: Path, source: TaskSource, ending: str) -> None:
    """Delete what was kept of other states of a distribution."""
    name = re.compile(rf"{re.escape(source.distribution)}-[0-9a-f]{{64}}{re.escape(ending)}")
    for old in path.parent.glob(f"{source.distribution}-*{ending}"):
        if name.fullmatch(old.name) and old != path:
            old.unlink(missing_ok=True)


def _describe(
    workspace: Workspace,
    sources: Iterable[TaskSource],
    unchecked: Mapping[str, Sequence[LiteralCheck]],
    progress: Progress,
) -> Mapping[str, Any]:
    """Import the packages in a separate process and return what it says of their tasks."""
    points = {source.distribution: dict(source.entry_points) for source in sources}
    progress.working(f"describing the tasks of {', '.join(points)}")
    checks = {check for distribution in points for check in unchecked[distribution]}
    try:
        with temporaries_below(workspace.state.temporary), tempfile.TemporaryDirectory() as folder:
            listing = Path(folder) / "entry-points.json"
            files.write_text(listing, json.dumps(points))
            literals = Path(folder) / "literals.json"
            files.write_text(literals, json.dumps([check.as_json() for check in checks]))
            # -P: the folder where the command runs must not become a place to import from.
            command: list[str | Path] = [
                sys.executable,
                "-P",
                "-m",
                "flowlock_core.command.describe",
                "--entry-points",
            ]
            command += [listing, "--literals", literals]
            done = process.run(command, cwd=Path(folder), env=_environment(workspace), check=False)
    except OSError as error:
        raise from_os_error(error, "use", workspace.state.temporary) from error
    return read_description(done, ", ".join(points))


def _environment(workspace: Workspace) -> dict[str, str]:
    """Return the environment of a process that imports the workspace's packages from their sources."""
    passed = ("PATH", "HOME", "LANG", "LC_ALL", "SYSTEMROOT", "TMPDIR", "TEMP")
    env = {name: os.environ[name] for name in passed if name in os.environ}
    roots = [folder for package in workspace.packages for folder in (package.folder, package.folder / "src")]
    env["PYTHONPATH"] = os.pathsep.join(str(root) for root in roots if root.is_dir())
    return env


def read_description(done: process.Completed, packages: str) -> dict[str, list[dict[str, Any]]]:
    """Return what `flowlock_core.command.describe` wrote of packages; FL202 says that it did not."""
    document = shapes.parsed_or_none(dict[str, list[dict[str, Any]]], done.stdout.encode(errors="replace"))
    if document is None:
        raise FlowlockError(
            f"the tasks of {packages} cannot be described: exit code {done.returncode}",
            code="FL202",
            hint="import the packages in Python to see why the process ends",
            detail="\n".join(done.stderr.splitlines()[-process.LOG_TAIL :]),
        )
    return document
