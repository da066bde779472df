"""pixi.toml, or `[tool.pixi]` of a pyproject.toml, read in full or refused by the line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from flowlock.conda import virtual
from flowlock.conda.virtual import TargetPlatform
from flowlock.documents import toml
from flowlock.documents.lock_declaration import LockDeclaration
from flowlock.documents.places import KeyPath
from flowlock.errors import FlowlockError, Problem, nearest
from flowlock.lock.manifest import specs
from flowlock.lock.manifest.features import Feature, Table, WorkspaceDefaults, merged
from flowlock.lock.manifest.model import (
    DEFAULT,
    ExcludeNewer,
    Manifest,
    ManifestEnvironment,
    ManifestRequirement,
    Priority,
    Strategy,
    channel_url,
)

PYPROJECT = "pyproject.toml"
_STRATEGIES = {
    "highest": Strategy.HIGHEST,
    "lowest": Strategy.LOWEST,
    "lowest-direct": Strategy.LOWEST_DIRECT,
}
# Later overrides earlier, as the run dependencies do for pixi.
_DEPENDENCIES = ("build-dependencies", "host-dependencies", "dependencies")
_PYPI = ("pypi-dependencies", "pypi-options", "pypi-exclude-newer")
_SOURCES = ("package", "dev")
_IGNORED = ("tasks", "activation", "$schema")
# Only at the top: settings of other tools, of which flowlock reads its own.
_TOOLS = "tool"
_TARGET = (*_DEPENDENCIES, "constraints")
_FEATURE = (*_TARGET, "channels", "platforms", "system-requirements", "target")
_OPTIONS = ("channel-priority", "solve-strategy")
_MEMBERS = ("features", "solve-group", "no-default-feature")
# What an environment may hold of a feature that is its own.
_CONTENT = ("dependencies", "constraints", "channels", "platforms", "target", *_OPTIONS)
_METADATA = (
    *("name", "version", "description", "authors", "license", "license-file", "readme", "homepage"),
    *("repository", "documentation", "requires-pixi", "preview", "conda-pypi-map", "s3-options"),
    *("build-variants", "build-variants-files", "target", "audit", "dependencies"),
)
_WORKSPACE = ("channels", "platforms", *_OPTIONS, "exclude-newer")
_TOP = (*_TARGET, "system-requirements", "target", "feature", "environments", "exclude-newer")
_SELECTORS = ("unix", "linux", "osx", "win")


def read(text: str, file: str, *, label: str, now: datetime | None = None) -> Manifest:
    """Return the manifest of a file's text; all that is wrong or not supported is reported together."""
    document = toml.read(text, file, code="FL610")
    reader = _ManifestReader(document=document, now=now or datetime.now(UTC))
    manifest = reader.manifest(label)
    if reader.problems or manifest is None:
        message = f"{file} cannot be locked: {len(reader.problems)} problem(s)"
        raise FlowlockError(message, problems=reader.problems)
    return manifest


@dataclass(kw_only=True, slots=True)
class _ManifestReader:
    """Reads one document and gathers its problems."""

    document: toml.Document
    now: datetime
    problems: list[Problem] = field(default_factory=list)

    def manifest(self, label: str) -> Manifest | None:
        root = ("tool", "pixi") if self.document.file.endswith(PYPROJECT) else ()
        table = self.document.data
        for part in root:
            table = table.get(part, {})
        kind = "workspace" if "workspace" in table else "project"
        workspace = table.get(kind)
        if not isinstance(workspace, dict):
            self._report((), "the manifest has no [workspace]", hint="pixi.toml begins with [workspace]")
            return None
        self._known(table, root, (*_TOP, "workspace", "project"), (*_IGNORED, _TOOLS))
        self._known(workspace, (*root, kind), _WORKSPACE, _METADATA)
        platforms = self._platforms(workspace, (*root, kind))
        channels = self._channels(workspace, (*root, kind)) or []
        default = self._feature(table, root, top=True, platforms=platforms)
        default = self._with_python(default, root)
        features = {DEFAULT: default}
        for name, content in self._tables(table, (*root, "feature"), "feature"):
            here = (*root, "feature", name)
            self._known(content, here, (*_FEATURE, *_OPTIONS), _IGNORED)
            features[name] = self._feature(content, here, platforms=platforms)
        defaults = WorkspaceDefaults(
            channels=channels,
            platforms=platforms,
            strategy=self._strategy(workspace, (*root, kind)) or Strategy.HIGHEST,
            priority=self._priority(workspace, (*root, kind)) or Priority.STRICT,
            exclude_newer=self._exclude_newer(workspace, table, (*root, kind), root),
        )
        environments = self._environments(table, (*root, "environments"), features, defaults)
        return Manifest(
            label=label,
            file=self.document.file,
            environments=tuple(environments),
            unlocked=self._unlocked_reason(),
        )

    def _unlocked_reason(self) -> str | None:
        """Return why a manifest has no lock, if its `[tool.flowlock]` declares `locked = false`."""
        path = (_TOOLS, "flowlock")
        settings = dict(self._tables(self.document.data, (), _TOOLS)).get("flowlock", {})
        self._known(settings, path, tuple(LockDeclaration.model_fields), ())
        try:
            declaration = LockDeclaration.model_validate(settings)
        except ValidationError as error:
            faults = [fault for fault in error.errors() if fault["type"] != "extra_forbidden"]
            for fault in faults:
                self._report((*path, *fault["loc"]), fault["msg"].removeprefix("Value error, "))
            return None
        return None if declaration.locked else declaration.reason

    def _report(self, path: KeyPath, message: str, *, hint: str | None = None, code: str = "FL612") -> None:
        where = self.document.at(path)
        self.problems.append(Problem(code=code, message=message, location=where, hint=hint))

    def _require_kind(self, path: KeyPath, key: str, kind: str) -> None:
        """Report a value of another kind than its key has."""
        self._report(path, f"`{key}` must be {kind}", code="FL616")

    def _refuse(self, path: KeyPath, what: str) -> None:
        where = self.document.at(path)
        message = f"{what}: flowlock cannot lock these"
        hint = "lock this workspace with pixi, or remove the section"
        self.problems.append(Problem(code="FL613", message=message, location=where, hint=hint))

    def _known(self, table: Table, path: KeyPath, keys: Sequence[str], ignored: Sequence[str]) -> None:
        for key, value in table.items():
            if key in _PYPI and value:
                self._refuse((*path, key), f"PyPI settings in `{key}`")
            elif key in _SOURCES and value:
                self._refuse((*path, key), f"source packages in `{key}`")
            elif key not in (*keys, *ignored, *_PYPI, *_SOURCES):
                hint = nearest(key, [*keys, *ignored])
                self._report((*path, key), f"unknown key `{key}`", hint=hint)

    def _tables(self, table: Table, path: KeyPath, key: str) -> list[tuple[str, Table]]:
        tables = table.get(key, {})
        if not isinstance(tables, dict):
            self._require_kind(path, key, "a table")
            return []
        wrong = [name for name, content in tables.items() if not isinstance(content, dict)]
        for name in wrong:
            self._require_kind((*path, name), name, "a table")
        return [(name, content) for name, content in tables.items() if name not in wrong]

    def _platforms(self, workspace: Table, path: KeyPath) -> dict[str, TargetPlatform]:
        platforms: dict[str, TargetPlatform] = {}
        for number, item in enumerate(self._list(workspace, path, "platforms")):
            here = (*path, "platforms", number)
            try:
                if isinstance(item, dict):
                    platform = virtual.from_table(item)
                else:
                    platform = virtual.target(virtual.checked_subdir(str(item)))
            except ValueError as error:
                self._report(here, str(error), hint=f"the platforms are {', '.join(virtual.DEFAULTS)}")
                continue
            if platform.name in platforms:
                self._report(here, f"the platform `{platform.name}` is listed twice")
            platforms[platform.name] = platform
        return platforms

    def _list(self, table: Table, path: KeyPath, key: str) -> list[Any]:
        value = table.get(key, [])
        if not isinstance(value, list):
            self._require_kind((*path, key), key, "a list")
            return []
        return value

    def _channels(self, table: Table, path: KeyPath) -> list[tuple[str, int]] | None:
        if "channels" not in table:
            return None
        channels = []
        for number, item in enumerate(self._list(table, path, "channels")):
            entry = item if isinstance(item, dict) else {"channel": item}
            channel, priority = entry.get("channel"), entry.get("priority", 0)
            here = (*path, "channels", number)
            if not isinstance(channel, str) or not channel or not isinstance(priority, int):
                self._report(here, f"`{item}` is not a channel")
            elif specs.is_local(channel):
                self._refuse_local(here, channel)
            else:
                channels.append((channel_url(channel), priority))
        return channels

    def _refuse_local(self, path: KeyPath, channel: str) -> None:
        message = f"the channel `{channel}` is a local folder, and a lock must not name a local folder"
        hint = "write the URL that serves the folder, and add --repodata URL=DIR"
        where = self.document.at(path)
        self.problems.append(Problem(code="FL615", message=message, location=where, hint=hint))

    def _feature(
        self,
        table: Table,
        path: KeyPath,
        *,
        platforms: Mapping[str, TargetPlatform],
        top: bool = False,
    ) -> Feature:
        """Return a feature; the top level is the default feature, its settings are the workspace's."""
        requirements: dict[str | None, Mapping[str, ManifestRequirement]] = {None: self._specs(table, path)}
        constraints: dict[str | None, Mapping[str, ManifestRequirement]] = {
            None: self._requirements(table, path, "constraints")
        }
        for selector, content in self._tables(table, (*path, "target"), "target"):
            here = (*path, "target", selector)
            self._require_target(selector, here, platforms)
            self._known(content, here, _TARGET, _IGNORED)
            requirements[selector] = self._specs(content, here)
            constraints[selector] = self._requirements(content, here, "constraints")
        feature = Feature(
            requirements=requirements,
            constraints=constraints,
            channels=None,
            platforms=None,
            system=self._system(table, path),
            strategy=None,
            priority=None,
        )
        if top:
            return feature
        return replace(
            feature,
            channels=self._channels(table, path),
            platforms=self._feature_platforms(table, path, platforms),
            strategy=self._strategy(table, path),
            priority=self._priority(table, path),
        )

    def _require_target(self, selector: str, path: KeyPath, platforms: Mapping[str, TargetPlatform]) -> None:
        selectors = {*_SELECTORS, *_names_and_subdirs(platforms)}
        if selector not in selectors and selector not in virtual.DEFAULTS:
            self._report(path, f"unknown target `{selector}`", hint=nearest(selector, sorted(selectors)))

    def _feature_platforms(
        self, table: Table, path: KeyPath, platforms: Mapping[str, TargetPlatform]
    ) -> frozenset[str] | None:
        """Return the platforms that a feature names, or None if it has no such list."""
        if "platforms" not in table:
            return None
        names = [str(name) for name in self._list(table, path, "platforms")]
        for number, name in enumerate(names):
            if name not in _names_and_subdirs(platforms):
                self._report((*path, "platforms", number), f"the workspace has no platform `{name}`")
        return frozenset(names)

    def _specs(self, table: Table, path: KeyPath) -> dict[str, ManifestRequirement]:
        merged: dict[str, ManifestRequirement] = {}
        for key in _DEPENDENCIES:
            merged.update(self._requirements(table, path, key))
        return merged

    def _requirements(self, table: Table, path: KeyPath, key: str) -> dict[str, ManifestRequirement]:
        content = table.get(key, {})
        if not isinstance(content, dict):
            self._require_kind((*path, key), key, "a table")
            return {}
        requirements = {}
        for name, value in content.items():
            try:
                spec = specs.match_spec(name, value)
            except (TypeError, ValueError) as error:
                self._report((*path, key, name), str(error), code=specs.refusal_code(error, value))
                continue
            requirements[name.lower()] = ManifestRequirement(
                name=name.lower(), spec=spec, location=self.document.at((*path, key, name))
            )
        return requirements

    def _system(self, table: Table, path: KeyPath) -> Table:
        system = table.get("system-requirements", {})
        try:
            if not isinstance(system, dict):
                self._require_kind((*path, "system-requirements"), "system-requirements", "a table")
                return {}
            virtual.with_system_requirements(virtual.target("linux-64"), [system])
        except (ValueError, KeyError) as error:
            self._report((*path, "system-requirements"), str(error))
            return {}
        return system

    def _strategy(self, table: Table, path: KeyPath) -> Strategy | None:
        value = table.get("solve-strategy")
        if value is not None and str(value) not in _STRATEGIES:
            hint = f"one of {', '.join(_STRATEGIES)}"
            self._report((*path, "solve-strategy"), f"unknown solve-strategy `{value}`", hint=hint)
        return _STRATEGIES.get(str(value)) if value is not None else None

    def _priority(self, table: Table, path: KeyPath) -> Priority | None:
        value = table.get("channel-priority")
        try:
            return Priority(value) if value is not None else None
        except ValueError:
            hint = "use strict or disabled"
            self._report((*path, "channel-priority"), f"unknown channel-priority `{value}`", hint=hint)
            return None

    def _exclude_newer(
        self, workspace: Table, table: Table, path: KeyPath, root: KeyPath
    ) -> ExcludeNewer | None:
        value, own = workspace.get("exclude-newer"), table.get("exclude-newer", {})
        here = (*path, "exclude-newer")
        if value is None and not own:
            return None
        try:
            settings = value if isinstance(value, dict) else {"cutoff": value}
            if unknown := set(settings) - {"cutoff", "exemptions"}:
                raise ValueError(f"unknown key `{min(unknown)}` in exclude-newer")  # noqa: TRY301 - below
            limit = settings.get("cutoff")
            exempt = self._requirements(settings, here, "exemptions").values()
            cutoff = specs.cutoff(limit, self.now) if limit is not None else None
            here = (*root, "exclude-newer")
            single = {name.lower(): specs.cutoff(moment, self.now) for name, moment in own.items()}
        except (TypeError, ValueError, AttributeError) as error:
            self._report(here, str(error), hint="write a date (2026-01-31), a time, or a duration (7d)")
            return None
        return ExcludeNewer(cutoff=cutoff, exempt=tuple(exempt), by_package=single)

    def _with_python(self, default: Feature, root: KeyPath) -> Feature:
        """Add what pixi takes from `[project]` of a pyproject.toml; its dependencies are PyPI's: refused."""
        project = self.document.data.get("project", {})
        if not root or not isinstance(project, dict):
            return default
        if project.get("dependencies"):
            self._refuse(("project", "dependencies"), "PyPI dependencies in `project.dependencies`")
        python = project.get("requires-python")
        general = default.requirements[None]
        if not isinstance(python, str) or "python" in general:
            return default
        where = self.document.at(("project", "requires-python"))
        required = ManifestRequirement(
            name="python", spec=f"python {python.replace(' ', '')}", location=where
        )
        return replace(default, requirements={**default.requirements, None: {**general, "python": required}})

    def _environments(
        self, table: Table, path: KeyPath, features: Mapping[str, Feature], defaults: WorkspaceDefaults
    ) -> list[ManifestEnvironment]:
        declared = table.get("environments", {})
        if not isinstance(declared, dict):
            self._require_kind(path, "environments", "a table")
            declared = {}
        environments = []
        for name, value in {DEFAULT: [], **declared}.items():
            content = {"features": value} if isinstance(value, list) else value
            if not isinstance(content, dict):
                self._require_kind((*path, name), name, "a list of features or a table")
                continue
            environments.append(self._environment(name, content, (*path, name), features, defaults))
        return environments

    def _environment(
        self,
        name: str,
        content: Table,
        path: KeyPath,
        features: Mapping[str, Feature],
        defaults: WorkspaceDefaults,
    ) -> ManifestEnvironment:
        """Return an environment; its own feature content comes before its features, as in pixi."""
        self._known(content, path, (*_MEMBERS, *_CONTENT), _IGNORED)
        members = [features[feature] for feature in self._feature_names(content, path, features)]
        if content.keys() & set(_CONTENT):
            members.insert(0, self._feature(content, path, platforms=defaults.platforms))
        group = content.get("solve-group")
        if group is not None and not isinstance(group, str):
            self._require_kind((*path, "solve-group"), "solve-group", "a string")
            group = None
        return merged(name, group, members, defaults)

    def _feature_names(self, content: Table, path: KeyPath, features: Mapping[str, Feature]) -> list[str]:
        """Return the features of an environment; the default feature is the last unless it is excluded."""
        names = [str(feature) for feature in self._list(content, path, "features")]
        for number, name in enumerate(names):
            if name not in features:
                message = f"the manifest has no feature `{name}`"
                self._report((*path, "features", number), message, hint=nearest(name, list(features)))
        if not content.get("no-default-feature", False) and DEFAULT not in names:
            names.append(DEFAULT)
        return [name for name in names if name in features]


def _names_and_subdirs(platforms: Mapping[str, TargetPlatform]) -> set[str]:
    return {*platforms, *(platform.subdir for platform in platforms.values())}
