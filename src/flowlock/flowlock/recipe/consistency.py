"""What a recipe and its pyproject both say must be the same."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from flowlock.errors import Location, Problem
from flowlock.recipe.document import Recipe
from flowlock.recipe.render import entry_points
from flowlock.recipe.requirement import match_spec, same_spec, version_spec

_PINNED = re.compile(r"\$\{\{[\s(]*pin_\w+\([\s(]*[\"']([^\"']+)")


def consistency(
    recipe: Recipe,
    pyproject: Mapping[str, Any],
    *,
    folder: str,
    names: Mapping[str, str],
    recipe_file: tuple[str, str],
    pyproject_file: tuple[str, str],
) -> list[Problem]:
    """Return where name, version, run requirements and entry points differ, both places in each message.

    The files are (path to show, text). `names` maps wheel names to conda names. A requirement with a marker
    may be in a recipe or not, since a noarch package has one list for every platform. A pyproject without
    `[project]` has nothing to compare.
    """
    differing = identity(
        recipe, pyproject, folder=folder, recipe_file=recipe_file, pyproject_file=pyproject_file
    )
    if "project" not in pyproject:
        return differing
    places = _Places(recipe=recipe_file, pyproject=pyproject_file)
    return [
        *differing,
        *_requirements(recipe, pyproject, names, places),
        *_entry_points(recipe, pyproject, places),
    ]


def identity(
    recipe: Recipe,
    pyproject: Mapping[str, Any],
    *,
    folder: str,
    recipe_file: tuple[str, str],
    pyproject_file: tuple[str, str],
) -> list[Problem]:
    """Return where name and version differ: an artifact says the recipe's, its wheel the pyproject's.

    `folder` is the name of the package's folder, by which the workspace knows it.
    """
    places = _Places(recipe=recipe_file, pyproject=pyproject_file)
    return [*_name(recipe, pyproject, folder, places), *_version(recipe, pyproject, places)]


class _Places:
    """Finds the lines that a disagreement is about."""

    def __init__(self, *, recipe: tuple[str, str], pyproject: tuple[str, str]) -> None:
        self._recipe, self._pyproject = recipe, pyproject

    def problem(
        self,
        code: str,
        what: str,
        recipe: tuple[str, str],
        pyproject: tuple[str, str],
        hint: str = "make the two agree",
    ) -> Problem:
        """Each side is (what to look for, what it says)."""
        here = Location(file=self._recipe[0], line=line_of(self._recipe[1], recipe[0]))
        there = Location(file=self._pyproject[0], line=line_of(self._pyproject[1], pyproject[0]))
        return Problem(
            code=code,
            message=f"{what}: {recipe[1]} here, {pyproject[1]} in {there}",
            location=here,
            hint=hint,
        )


def _name(recipe: Recipe, pyproject: Mapping[str, Any], folder: str, places: _Places) -> Iterator[Problem]:
    stated = pyproject.get("project", {}).get("name", folder)
    if recipe.name != folder or canonicalize_name(stated) != canonicalize_name(folder):
        hint = f"name the package {folder} in both files, like its folder, or rename its folders too"
        yield places.problem("FL323", "name", ("name", recipe.name), ("name", stated), hint)


def _version(recipe: Recipe, pyproject: Mapping[str, Any], places: _Places) -> Iterator[Problem]:
    project = pyproject.get("project", {"version": recipe.version})
    version = str(project.get("version", "none"))
    if "version" in project.get("dynamic", ()):
        hint = f'write `version = "{recipe.version}"` in [project] and remove it from `dynamic`'
        dynamic = ("dynamic", "dynamic")
        yield places.problem("FL320", "version", ("version", recipe.version), dynamic, hint)
    elif version != recipe.version:
        yield places.problem("FL320", "version", ("version", recipe.version), ("version", version))


def _requirements(
    recipe: Recipe, pyproject: Mapping[str, Any], names: Mapping[str, str], places: _Places
) -> Iterator[Problem]:
    project = pyproject["project"]
    versions = version_spec(SpecifierSet(project.get("requires-python", "")))
    wanted = {"python": ("requires-python", f"python {versions}".rstrip())}
    optional = set()
    for text in project.get("dependencies", ()):
        requirement = Requirement(text)
        try:
            spec = match_spec(requirement, names)
        except ValueError as error:
            yield places.problem("FL321", str(error), ("run", "no equivalent"), (text, "required"))
            continue
        name = spec.split(" ")[0]
        wanted[name] = (text, spec)
        if requirement.marker is not None:
            optional.add(name)
    stated = {_name_of(spec): spec for spec in recipe.requirements("run")}
    for name in sorted(wanted.keys() | stated.keys()):
        text, spec = wanted.get(name, ("dependencies", ""))
        present = stated.get(name, "")
        if not _agree(spec, present, optional=name in optional):
            yield places.problem(
                "FL321",
                f"run requirement on {name}",
                (present or "run", f"`{present}`" if present else "absent"),
                (text, f"`{spec}`" if spec else "absent"),
            )


def _agree(wanted: str, stated: str, *, optional: bool) -> bool:
    """Return whether a recipe states what a pyproject wants; either may be empty."""
    if optional and not stated:
        return True
    # What only the engine can evaluate is compared by its name.
    if wanted and "${{" in stated:
        return True
    return same_spec(wanted, stated)


def _name_of(spec: str) -> str:
    pinned = _PINNED.match(spec)
    return pinned[1] if pinned else spec.split(" ", maxsplit=1)[0]


def _entry_points(recipe: Recipe, pyproject: Mapping[str, Any], places: _Places) -> Iterator[Problem]:
    stated = {_words(line) for line in recipe.entry_points}
    wanted = {_words(line) for line in entry_points(pyproject)}
    for name, target in sorted(stated ^ wanted):
        here = (name, target) in stated
        yield places.problem(
            "FL322",
            f"command {name} = {target}",
            (name if here else "build", "stated" if here else "absent"),
            ("scripts" if here else name, "absent" if here else "stated"),
        )


def _words(line: str) -> tuple[str, str]:
    name, _, target = line.partition("=")
    return name.strip(), target.strip()


def line_of(text: str, key: str) -> int | None:
    """Return the first line that has a key, or that holds the text."""
    rows = text.splitlines()
    pattern = re.compile(rf"\s*(-\s+)?[\"']?{re.escape(key)}[\"']?\s*[:=]")
    for matches in (pattern.match, lambda row: key in row):
        for number, row in enumerate(rows, 1):
            if matches(row):
                return number
    return None
