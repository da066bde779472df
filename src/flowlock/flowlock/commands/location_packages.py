"""Faults of hand-written packages of a location that show without Dagster, which `compile` names."""

import ast
from collections.abc import Iterator
from pathlib import Path

from flowlock.commands.hand_written import hand_written
from flowlock.documents import toml
from flowlock.edges.files import read_text
from flowlock.errors import FlowlockError, Location, Problem
from flowlock.workspace import DagsterLocation, Package, Workspace

GROUP = "flowlock.dagster"
CODE = "FL798"


def refuse_broken(workspace: Workspace, location: DagsterLocation) -> None:
    """Refuse packages without an entry point of the group, or whose module is missing or not Python."""
    problems = [
        problem for package in hand_written(workspace, location) for problem in _problems(workspace, package)
    ]
    if problems:
        raise FlowlockError(f"packages of the location {location.name} are broken", problems=problems)


def _problems(workspace: Workspace, package: Package) -> Iterator[Problem]:
    shown = workspace.relative(package.project_file)
    # A package of data has no pyproject, and so no entry point.
    text = read_text(package.project_file, shown) if package.project_file.is_file() else ""
    project = toml.read(text, shown, code="FL302")
    points = project.data.get("project", {}).get("entry-points", {}).get(GROUP, {})
    if not points:
        yield Problem(
            code=CODE,
            message=f"the package {package.name} has no entry point in the group {GROUP}",
            location=project.at(("project", "entry-points")),
            hint=f'add [project.entry-points."{GROUP}"], or remove the package from [location]',
        )
    for name, target in points.items():
        at = project.at(("project", "entry-points", GROUP, name))
        yield from _of_target(workspace, package, str(target), at)


def _of_target(workspace: Workspace, package: Package, target: str, at: Location) -> Iterator[Problem]:
    module = target.partition(":")[0]
    path = package.folder.joinpath(*module.split("."))
    existing = [file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()]
    if not existing:
        message = f"the package {package.name} has no module {module}, which `{target}` names"
        hint = "correct the entry point, or add the module"
        yield Problem(code=CODE, message=message, location=at, hint=hint)
        return
    yield from _syntax(workspace, package, existing[0])


def _syntax(workspace: Workspace, package: Package, file: Path) -> Iterator[Problem]:
    shown = workspace.relative(file)
    try:
        ast.parse(read_text(file, shown))
    except SyntaxError as error:
        yield Problem(
            code=CODE,
            message=f"the package {package.name} is not valid Python: {error.msg}",
            location=Location(file=shown, line=error.lineno, column=error.offset),
            hint="correct the syntax",
        )
