"""The names that a shell completes: read from files directly, because importing the readers takes too long.

What cannot be read has no names here; the command that the line becomes says what is wrong with it.
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from flowlock.names import SUBDIRS, TASK_GROUP, workflow_distribution

FILE = "flowlock.toml"
# Sections of an entry_points.txt, each up to the next.
_SECTION = re.compile(r"^\[(?P<group>[^\]]+)\]$(?P<lines>[^\[]*)", re.MULTILINE)
_TITLE = re.compile(r"^  title: *(?P<title>\S.*)$", re.MULTILINE)

# Names, each with a description that may be empty.
Named = Iterable[tuple[str, str]]


def _toml(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _table(document: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    for key in keys:
        inner = document.get(key)
        document = inner if isinstance(inner, dict) else {}
    return document


class WorkspaceNames:
    """The names in the workspace around a folder; there are few without a workspace."""

    def __init__(self, start: Path) -> None:
        self._root = start
        for folder in (start.absolute(), *start.absolute().parents):
            if (folder / FILE).is_file():
                self._root = folder
                break
        self._settings = _toml(self._root / FILE)

    def _folder(self, key: str, default: str) -> Path:
        named = _table(self._settings, "workspace").get(key)
        return self._root / (named if isinstance(named, str) else default)

    def _specs(self) -> list[Path]:
        return sorted(self._folder("workflows", "examples").glob("*/spec.yaml"))

    def workflows(self) -> Named:
        """Return the workflows, with their titles."""
        for spec in self._specs():
            try:
                title = _TITLE.search(spec.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                title = None
            yield spec.parent.name, title["title"] if title else ""

    def packages(self) -> Named:
        """Return the packages with a recipe, and those of the workflows."""
        recipes = self._folder("recipes", "recipes").glob("*/recipe.yaml")
        yield from ((recipe.parent.name, "") for recipe in sorted(recipes))
        yield from ((workflow_distribution(name), title) for name, title in self.workflows())

    def targets(self) -> Named:
        """Return the publish targets that have names, with their locations."""
        return [(name, str(target)) for name, target in _table(self._settings, "targets").items()]

    def environments(self) -> Named:
        """Return the environments of the workflows' manifests."""
        names = {"default"}
        for spec in self._specs():
            for manifest in spec.parent.glob("*/pixi.toml"):
                names |= _table(_toml(manifest), "environments").keys()
        return [(name, "") for name in sorted(names)]

    def platforms(self) -> Named:
        """Return the platforms that the workspace is locked for."""
        listed = _table(self._settings, "workspace").get("platforms", SUBDIRS)
        return [(name, "") for name in listed if isinstance(name, str)]

    def tasks(self) -> Named:
        """Return the tasks of the workspace's packages, and of installed ones."""
        owners: dict[str, str] = {}
        for project in sorted(self._folder("packages", "src").glob("*/pyproject.toml")):
            entries = _table(_toml(project), "project", "entry-points", TASK_GROUP)
            owners |= dict.fromkeys(entries, project.parent.name)
        for name, owner in _installed_tasks():
            owners.setdefault(name, owner)
        return sorted(owners.items())


def _installed_tasks() -> Iterator[tuple[str, str]]:
    """Yield the tasks of installed distributions, without importlib.metadata, which takes long to import."""
    for folder in sys.path:
        for file in Path(folder or ".").glob("*.dist-info/entry_points.txt"):
            try:
                sections = _SECTION.finditer(file.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            for section in sections:
                if section["group"] == TASK_GROUP:
                    names = re.findall(r"^(\w+) *=", section["lines"], re.MULTILINE)
                    yield from ((name, file.parent.name.partition("-")[0]) for name in names)


def codes() -> Named:
    """Return the problem codes, with their meanings."""
    from flowlock.report.explanations import explanations

    return [(code, explained.meaning) for code, explained in explanations().items()]
