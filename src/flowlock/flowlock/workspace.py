"""`flowlock.toml`, read into one frozen Workspace."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from flowlock.documents import toml
from flowlock.documents.lock_declaration import LockDeclaration
from flowlock.edges import address
from flowlock.edges.files import read_text
from flowlock.edges.state_folder import StateFolder
from flowlock.errors import FlowlockError, Location, Problem, nearest
from flowlock.names import SUBDIRS, PackageName, Platform

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
        return PackageName(f"flowlock-{canonicalize_name(self.name)}-workflow")

    @property
    def package(self) -> Path:
        """The generated package's folder."""
        return self.folder / self.distribution


@dataclass(frozen=True, kw_only=True, slots=True)
class Workspace:
    """What `flowlock.toml` says, with every path absolute."""

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
    recipes: Path
    workflows: Path
    targets: Mapping[str, str] = field(default_factory=dict)
    unlocked: Mapping[str, str] = field(default_factory=dict)

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
            hint=nearest(name, [workflow.name for workflow in workflows])
            or f"available: {', '.join(workflow.name for workflow in workflows) or 'none'}",
        )

    def unlocked_reason(self, workflow: Workflow) -> str | None:
        """Return why a workflow is declared to have no lock, None for one that must have a lock."""
        return self.unlocked.get(canonicalize_name(workflow.name))

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


class _StrictModel(BaseModel):
    # Only the whole document is validated: its tables need no separate validators.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class _WorkspaceTable(_StrictModel):
    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    version: str
    epoch: datetime
    platforms: list[str] = Field(default=list(SUBDIRS), min_length=1)
    packages: str = "src"
    recipes: str = "recipes"
    workflows: str = "examples"

    @field_validator("epoch")
    @classmethod
    def _in_utc(cls, value: datetime) -> datetime:
        try:
            if value.tzinfo:
                value.astimezone(UTC)
        except OverflowError as error:
            raise ValueError("expected a time whose year in UTC is between 1 and 9999") from error
        return value

    @field_validator("platforms")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        return [Platform(name) for name in value]

    @field_validator("packages", "recipes", "workflows")
    @classmethod
    def _inside(cls, value: str) -> str:
        if Path(value).is_absolute() or ".." in Path(value).parts:
            raise ValueError("expected a folder in the workspace, relative to flowlock.toml")
        return value


class _ChannelsTable(_StrictModel):
    release: str = Field(pattern=r"^https?://")
    others: list[str] = ["conda-forge"]
    aliases: dict[str, str] = {}

    @field_validator("release", "others", "aliases")
    @classmethod
    def _public(cls, value: Any) -> Any:
        """Refuse credentials: locks and recipes would have them, and everyone who can read the repository."""
        named = [value] if isinstance(value, str) else list(value)
        urls = [*named, *value.values()] if isinstance(value, dict) else named
        if any(address.user_info(url) for url in urls):
            raise ValueError("the address of a channel contains a user name or a password: remove them")
        return value


class _BuildTable(_StrictModel):
    backend: str = Field(pattern=r"^\S+ ==\S+$")
    installer: str = Field(pattern=r"^\S+ ==\S+$")
    platforms: list[str] | None = Field(default=None, min_length=1)

    @field_validator("platforms")
    @classmethod
    def _known(cls, value: list[str] | None) -> list[str] | None:
        return value and [Platform(name) for name in value]


class _PackageTable(_StrictModel):
    excludes: list[str] = []


class _SettingsDocument(_StrictModel):
    workspace: _WorkspaceTable
    channels: _ChannelsTable
    build: _BuildTable
    names: dict[str, str] = {}
    packages: dict[str, _PackageTable] = {}
    workflows: dict[str, LockDeclaration] = {}
    targets: dict[str, str] = {}


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


def load(root: Path) -> Workspace:
    """Read a workspace's flowlock.toml; all its problems are reported together."""
    path = root / FILE
    written = toml.read(read_text(path, FILE), FILE, code="FL302")
    try:
        document = _SettingsDocument.model_validate(written.data)
    except ValidationError as error:
        problems = [_schema_problem(fault, written) for fault in error.errors()]
        raise FlowlockError(f"{FILE} has {len(problems)} problem(s)", problems=problems) from error
    workspace = _workspace(root.resolve(), document)
    problems = [*_unknown_workflows(workspace, document, written), *_unknown_aliases(document, written)]
    if problems:
        raise FlowlockError(problems[0].message, problems=problems)
    return workspace


def _workspace(root: Path, document: _SettingsDocument) -> Workspace:
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
        recipes=root / table.recipes,
        workflows=root / table.workflows,
        targets=document.targets,
        unlocked={
            canonicalize_name(name): options.reason
            for name, options in document.workflows.items()
            if not options.locked
        },
    )


def _packages(root: Path, document: _SettingsDocument) -> Iterator[Package]:
    """Yield the packages that have a folder of sources, with the recipes that build them."""
    sources = root / document.workspace.packages
    recipes = root / document.workspace.recipes
    described = {path.parent for path in sources.glob(f"*/{PYPROJECT}")}
    # A package of data has a recipe, and need not have a pyproject.
    described |= {sources / path.parent.name for path in recipes.glob(f"*/{RECIPE}")}
    folders = sorted(folder for folder in described if folder.is_dir())
    excludes = {name: options.excludes for name, options in document.packages.items()}
    for folder, name in zip(folders, _package_names(root, folders), strict=True):
        yield Package(
            name=name,
            folder=folder,
            recipe=recipes / folder.name / RECIPE,
            excludes=tuple(excludes.get(folder.name, ())),
        )


def _unknown_aliases(document: _SettingsDocument, written: toml.Document) -> Iterator[Problem]:
    """Yield the aliases of channels that are neither a URL nor a channel named beside them."""
    others = document.channels.others
    for alias, channel in document.channels.aliases.items():
        if "://" not in channel and channel not in others:
            yield Problem(
                code="FL303",
                message=f"[channels.aliases] {alias}: `{channel}` is neither a URL nor one of `others`",
                location=written.at(("channels", "aliases", alias)),
                hint=nearest(channel, others) or "write the channel's URL",
            )


def _unknown_workflows(
    workspace: Workspace, document: _SettingsDocument, written: toml.Document
) -> list[Problem]:
    """Return a problem for each table of a workflow that the workspace does not have."""
    if not document.workflows:
        return []
    names = [workflow.name for workflow in workspace.workflow_list]
    existing = {canonicalize_name(name) for name in names}
    return [
        Problem(
            code="FL305",
            message=f"workflow `{name}` does not exist",
            location=written.at(("workflows", name)),
            hint=nearest(name, names) or f"available: {', '.join(names) or 'none'}",
        )
        for name in document.workflows
        if canonicalize_name(name) not in existing
    ]


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


def _schema_problem(fault: Mapping[str, Any], written: toml.Document) -> Problem:
    keys = [str(part) for part in fault["loc"]]
    message = str(fault["msg"]).removeprefix("Value error, ")
    hint = None
    if fault["type"] == "extra_forbidden":
        message = f"unknown key `{keys[-1]}`"
        hint = nearest(keys[-1], _known_keys(keys[:-1]))
    table = f"[{'.'.join(keys[:-1])}] " if len(keys) > 1 else ""
    return Problem(
        code="FL303",
        message=f"{table}{keys[-1]}: {message}",
        location=written.at(fault["loc"]),
        hint=hint,
    )


def _known_keys(table: list[str]) -> list[str]:
    if not table:
        return list(_SettingsDocument.model_fields)
    field = _SettingsDocument.model_fields.get(table[0])
    model = field.annotation if field else None
    return list(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else []
