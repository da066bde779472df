"""`flowlock.toml`, read into one frozen Workspace."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from packaging.utils import canonicalize_name
from pydantic import ValidationError

from flowlock.documents import toml
from flowlock.documents.deploy_table import DeployTable
from flowlock.documents.location_table import LocationTable
from flowlock.documents.settings import SettingsDocument
from flowlock.documents.settings_problems import (
    location_problems,
    schema_problem,
    unknown_aliases,
    unknown_workflows,
)
from flowlock.edges.files import read_text
from flowlock.edges.state_folder import StateFolder
from flowlock.errors import FlowlockError, Location, Problem, nearest_or_all
from flowlock.names import PackageName, Platform, import_name, location_distribution, workflow_distribution

FILE = "flowlock.toml"
PYPROJECT, RECIPE = "pyproject.toml", "recipe.yaml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """A distribution under `src/`: its folder, and the recipe that builds it."""

    name: PackageName
    folder: Path
    recipe: Path
    excludes: tuple[str, ...] = ()

    @property
    def project_file(self) -> Path:
        """Where its pyproject.toml is; a package of data needs none."""
        return self.folder / PYPROJECT


@dataclass(frozen=True, kw_only=True, slots=True)
class Workflow:
    """A workflow's folder: its spec, parameters, test cases, and the package that is compiled from them.

    The folder is named as the workflow's id (with `-` or `_`), so that a name is enough to find it.
    """

    name: str
    folder: Path

    @property
    def spec(self) -> Path:
        """The spec's file."""
        return self.folder / "spec.yaml"

    @property
    def distribution(self) -> PackageName:
        """The name of the package, and of the command that it installs."""
        return PackageName(workflow_distribution(self.name))

    @property
    def package(self) -> Path:
        """The generated package's folder."""
        return self.folder / self.distribution


@dataclass(frozen=True, kw_only=True, slots=True)
class DagsterLocation:
    """The code location of Dagster that flowlock.toml declares, and its generated package.

    `problems` are the names in it that are wrong: only who uses the location is concerned.
    """

    table: LocationTable
    folder: Path
    problems: tuple[Problem, ...] = ()

    def require_valid(self) -> None:
        """Refuse a location whose names are wrong."""
        if self.problems:
            raise FlowlockError(self.problems[0].message, problems=self.problems)

    @property
    def name(self) -> str:
        """The name of the location."""
        return self.table.name

    @property
    def distribution(self) -> PackageName:
        """The name of the generated package."""
        return PackageName(location_distribution(self.name))

    @property
    def package(self) -> Path:
        """The generated package's folder."""
        return self.folder / self.distribution

    @property
    def commits(self) -> Path:
        """The file with the commits of the packages that other repositories have."""
        return self.folder / "sources.lock"

    @property
    def module(self) -> str:
        """The name under which the generated package is imported."""
        return import_name(self.distribution)


# What has a generated package and, unless it is declared without one, a lock.
GeneratedPackage: TypeAlias = Workflow | DagsterLocation


@dataclass(frozen=True, kw_only=True, slots=True)
class Workspace:
    """What `flowlock.toml` says, with every path absolute.

    `offline` is the command's option: it decides whether sources in other repositories may be fetched.
    """

    root: Path
    name: str
    version: str
    epoch: datetime
    platforms: tuple[Platform, ...]
    release_channel: str
    other_channels: tuple[str, ...]
    channel_aliases: Mapping[str, str] = field(default_factory=dict)
    build_backend: str
    build_installer: str
    build_platforms: tuple[Platform, ...]
    wheel_names: Mapping[str, str] = field(default_factory=dict)
    packages: tuple[Package, ...]
    sources: Path
    recipes: Path
    workflows: Path
    targets: Mapping[str, str] = field(default_factory=dict)
    service: bool = True
    unlocked: Mapping[str, str] = field(default_factory=dict)
    image_base: str = ""
    image_source: str = ""
    location: DagsterLocation | None = None
    deployments: Mapping[str, DeployTable] = field(default_factory=dict)
    offline: bool = False

    @property
    def state(self) -> StateFolder:
        """Everything that can be made again: caches, channels, environments."""
        return StateFolder.of(self.root)

    @property
    def workflow_list(self) -> tuple[Workflow, ...]:
        """Every folder with a spec.yaml, by name."""
        folders = sorted(path.parent for path in self.workflows.glob("*/spec.yaml"))
        return tuple(Workflow(name=folder.name, folder=folder) for folder in folders)

    def workflow(self, name: str) -> Workflow:
        """Return a workflow by its name or its package's; a FlowlockError suggests the nearest."""
        workflows = self.workflow_list
        for workflow in workflows:
            if canonicalize_name(name) in {canonicalize_name(workflow.name), workflow.distribution}:
                return workflow
        raise FlowlockError(
            f"workflow `{name}` does not exist in {self.relative(self.workflows)}",
            code="FL305",
            hint=self._named_by_path(name) or nearest_or_all(name, [workflow.name for workflow in workflows]),
        )

    def _named_by_path(self, path: str) -> str | None:
        """Return a hint for the path of a workflow's folder or spec, where its name is expected."""
        for part in reversed(Path(path).parts):
            for workflow in self.workflow_list:
                if workflow.name == part:
                    return f"write its name, not a path: `{part}`"
        return None

    @property
    def generated(self) -> tuple[GeneratedPackage, ...]:
        """The workflows by name, and the code location if there is one."""
        if self.location is None:
            return self.workflow_list
        return (*self.workflow_list, self.location)

    def generated_named(self, name: str) -> GeneratedPackage:
        """Return the location if it has this name, or a workflow as `workflow` does."""
        location = self.location
        if location is not None and name in {location.name, location.distribution}:
            return location
        return self.workflow(name)

    def unlocked_reason(self, generated: GeneratedPackage) -> str | None:
        """Return why something is declared to have no lock, None for what must have a lock."""
        if isinstance(generated, Workflow):
            return self.unlocked.get(canonicalize_name(generated.name))
        return None if generated.table.locked else generated.table.reason

    @property
    def package_names(self) -> frozenset[PackageName]:
        """The names of the packages of `src/`."""
        return frozenset(package.name for package in self.packages)

    def conda_name(self, wheel_name: str) -> PackageName:
        """Return the conda-forge name of a wheel: the table's, or the PEP 503 name."""
        name = canonicalize_name(wheel_name)
        return PackageName(self.wheel_names.get(name, name))

    def relative(self, path: Path) -> str:
        """Return a path as messages show it: relative to the workspace if it is in it, POSIX style."""
        resolved = path.resolve()
        inside = resolved.is_relative_to(self.root)
        return (resolved.relative_to(self.root) if inside else resolved).as_posix()


def find(start: Path) -> Path:
    """Return the nearest folder at or above `start` that holds a flowlock.toml."""
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / FILE).is_file():
            return folder
    raise FlowlockError(
        f"no {FILE} in {start.resolve()} or above it",
        code="FL301",
        hint="change to a workspace, select one with -C DIR, or create one with `flowlock init DIR`",
    )


def load(root: Path, *, offline: bool = False) -> Workspace:
    """Read a workspace's flowlock.toml; all its problems are reported together."""
    path = root / FILE
    written = toml.read(read_text(path, FILE), FILE, code="FL302")
    try:
        document = SettingsDocument.model_validate(written.data)
    except ValidationError as error:
        problems = [schema_problem(fault, written) for fault in error.errors()]
        raise FlowlockError(f"{FILE} has {len(problems)} problem(s)", problems=problems) from error
    workspace = _workspace(root.resolve(), document, offline=offline)
    workflows = [workflow.name for workflow in workspace.workflow_list]
    problems = [*unknown_workflows(document, workflows, written), *unknown_aliases(document, written)]
    if problems:
        raise FlowlockError(problems[0].message, problems=problems)
    location = workspace.location
    if location is None:
        return workspace
    faults = location_problems(location.table, workflows, workspace.package_names, written)
    return replace(workspace, location=replace(location, problems=tuple(faults)))


def _workspace(root: Path, document: SettingsDocument, *, offline: bool) -> Workspace:
    table = document.workspace
    epoch = table.epoch if table.epoch.tzinfo else table.epoch.replace(tzinfo=UTC)
    return Workspace(
        root=root,
        name=table.name,
        version=table.version,
        epoch=epoch.astimezone(UTC),
        platforms=tuple(Platform(name) for name in table.platforms),
        release_channel=document.channels.release.rstrip("/"),
        other_channels=tuple(document.channels.others),
        channel_aliases=document.channels.aliases,
        build_backend=document.build.backend,
        build_installer=document.build.installer,
        build_platforms=tuple(Platform(name) for name in document.build.platforms or table.platforms),
        wheel_names={canonicalize_name(wheel): conda for wheel, conda in document.names.items()},
        packages=tuple(_packages(root, document)),
        sources=root / table.packages,
        recipes=root / table.recipes,
        workflows=root / table.workflows,
        targets=document.targets,
        service=table.service,
        unlocked={
            canonicalize_name(name): options.reason
            for name, options in document.workflows.items()
            if not options.locked
        },
        image_base=document.image.base,
        image_source=document.image.source,
        location=_location(root, document.location),
        deployments=document.deploy,
        offline=offline,
    )


def _location(root: Path, table: LocationTable | None) -> DagsterLocation | None:
    if table is None:
        return None
    return DagsterLocation(table=table, folder=root / table.folder / table.name)


def _packages(root: Path, document: SettingsDocument) -> Iterator[Package]:
    """Yield the packages that have a folder of sources, with the recipes that build them."""
    sources = root / document.workspace.packages
    recipes = root / document.workspace.recipes
    described = {path.parent for path in sources.glob(f"*/{PYPROJECT}")}
    # A package of data has a recipe, and need not have a pyproject.
    recorded = {path.parent.name for path in recipes.glob(f"*/{RECIPE}")}
    described |= {sources / name for name in recorded}
    described |= set(_hand_written(root, document.location, recorded))
    folders = sorted((folder for folder in described if folder.is_dir()), key=lambda folder: folder.name)
    excludes = {name: options.excludes for name, options in document.packages.items()}
    for folder, name in zip(folders, _package_names(root, folders), strict=True):
        yield Package(
            name=name,
            folder=folder,
            recipe=recipes / folder.name / RECIPE,
            excludes=tuple(excludes.get(folder.name, ())),
        )


def _hand_written(root: Path, table: LocationTable | None, recorded: Collection[str]) -> Iterator[Path]:
    """Yield the folders of the location's packages that lie beside its generated one, and have a recipe."""
    for name in table.packages if table else ():
        if name in recorded and table:
            yield root / table.folder / table.name / name


def _package_names(root: Path, folders: Sequence[Path]) -> list[PackageName]:
    """Return the names that folders give their packages; those that cannot are refused together."""
    names, problems = [], []
    for folder in folders:
        try:
            names.append(PackageName(folder.name))
        except ValueError as error:
            where = Location(file=folder.relative_to(root).as_posix())
            hint = "rename the folder and the package in it"
            problems.append(Problem(code="FL306", message=str(error), location=where, hint=hint))
    if problems:
        raise FlowlockError(problems[0].message, problems=problems)
    return names
