"""The paths that a recipe names, none of which may leave the package. Pure."""

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from flowlock.documents.places import KeyPath, Places
from flowlock.errors import Problem
from flowlock.recipe.values import leaves, resolve, table

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Of a source; `path` itself is where it lies, as seen from the recipe.
_OF_SOURCE = ("patches", "target_directory", "file_name")
_OF_SCRIPT = ("file", "cwd")


def escapes(document: Mapping[str, Any], places: Places) -> Iterator[Problem]:
    """Yield the paths that leave the package: a build sees its own source and nothing else."""
    for path, value in _named(document):
        fault = _fault(value, document, source=path[-1] == "path")
        if fault is not None:
            yield Problem(
                code="FL312",
                message=fault,
                location=places.value(path),
                hint="write a path relative to the package",
            )


def _fault(value: Any, document: Mapping[str, Any], *, source: bool) -> str | None:
    """Return the problems of a path; that of a source may go up, since it is seen from the recipe."""
    try:
        path = resolve(value, document)
    except ValueError as error:
        return str(error)
    windows = PureWindowsPath(path)
    if _CONTROL.search(path):
        return f"`{path!r}` contains control characters"
    away = PurePosixPath(path).is_absolute() or windows.anchor or path.startswith("~")
    # A Windows path has both separators.
    if away or (".." in windows.parts and not source):
        return f"`{path}` points outside the package"
    return None


def _named(document: Mapping[str, Any]) -> Iterator[tuple[KeyPath, Any]]:
    """Yield every value that is a path, with what leads to it, behind selectors too."""
    about, build = table(document, "about"), table(document, "build")
    yield from leaves(about.get("license_file"), ("about", "license_file"))
    yield from _scripts(build.get("script"), ("build", "script"))
    for place, source in leaves(document.get("source"), ("source",)):
        if isinstance(source, Mapping):
            yield from _of_source(source, place)
    for place, test in leaves(document.get("tests"), ("tests",)):
        if isinstance(test, Mapping):
            yield from _scripts(test.get("script"), (*place, "script"))
            yield from _lists(test.get("files"), (*place, "files"))


def _of_source(source: Mapping[str, Any], place: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    if "path" in source:
        yield (*place, "path"), source["path"]
    for key in _OF_SOURCE:
        yield from leaves(source.get(key), (*place, key))
    yield from _lists(source.get("filter"), (*place, "filter"))


def _lists(value: Any, place: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    """Yield the paths of a list of them, or of a mapping of such lists."""
    for inner, item in leaves(value, place):
        if isinstance(item, Mapping):
            for key, paths in item.items():
                yield from leaves(paths, (*inner, key))
        else:
            yield inner, item


def _scripts(value: Any, place: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    """Yield what names a file or a folder in a script; a line of one word may do (the engine looks)."""
    for inner, item in leaves(value, place):
        if isinstance(item, Mapping):
            for key in _OF_SCRIPT:
                yield from leaves(item.get(key), (*inner, key))
        elif isinstance(item, str) and len(item.split()) == 1 and "${{" not in item:
            yield inner, item
