"""Packages of a location that another repository has: the commit that is built, and its recipe."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flowlock.builder.plan.agreement import require_source
from flowlock.documents.git_source_table import GitSourceTable, WrittenCommit, written_commits
from flowlock.edges import git
from flowlock.edges.files import read_text
from flowlock.errors import FlowlockError
from flowlock.recipe.document import Recipe, parse
from flowlock.workspace import DagsterLocation, Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class GitPackage:
    """A package at a commit: where that is checked out, its folder there, and its recipe."""

    name: str
    commit: str
    checkout: Path
    folder: Path
    recipe: Recipe


def git_packages(workspace: Workspace) -> list[GitPackage]:
    """Return the packages of the location that other repositories have, checked out if they were not."""
    location = workspace.location
    if location is None or not location.table.sources:
        return []
    if workspace.package_names.intersection(location.table.sources):
        location.require_valid()
    written = commits(workspace, location)
    return [
        checked_out(workspace, name, source, commit_of(name, source, written))
        for name, source in location.table.sources.items()
    ]


def commits(workspace: Workspace, location: DagsterLocation) -> Mapping[str, WrittenCommit]:
    """Return the commits that were written down."""
    path = location.commits
    shown = workspace.relative(path)
    return written_commits(read_text(path, shown), shown) if path.is_file() else {}


def commit_of(name: str, source: GitSourceTable, written: Mapping[str, WrittenCommit]) -> str:
    """Return the commit to build: the declared one, or that which was written down for the tag or branch."""
    if source.commit:
        return source.commit
    if name in written and written[name].is_of(source):
        return written[name].commit
    raise FlowlockError(
        f"no commit is written down for {source.shown} of {name}",
        code="FL351",
        hint=f"run `flowlock location update-requirement {name}` and commit what it writes",
    )


def checked_out(workspace: Workspace, name: str, source: GitSourceTable, commit: str) -> GitPackage:
    """Check a commit out unless that was done, and read the recipe; a FlowlockError says what is missing."""
    checkout = workspace.state.git_checkout(name, commit)
    if not checkout.is_dir():
        require_network(workspace, source)
        git.check_out(workspace.root, source.git, commit, checkout)
    folder = checkout / source.folder
    recipe = _recipe(name, source, folder, checkout)
    return GitPackage(name=name, commit=commit, checkout=checkout, folder=folder, recipe=recipe)


def require_network(workspace: Workspace, source: GitSourceTable) -> None:
    """Refuse to reach a repository on another machine if the command is offline."""
    if workspace.offline and not source.git.startswith("file:"):
        raise FlowlockError(
            f"{source.git} cannot be reached: --offline does not allow it",
            code="FL413",
            hint="run the same command once without --offline",
        )


def _recipe(name: str, source: GitSourceTable, folder: Path, checkout: Path) -> Recipe:
    """Return the recipe of a package: beside its sources, or where a workspace has it."""
    tried = (folder / "recipe.yaml", folder / "recipe/recipe.yaml", checkout / f"recipes/{name}/recipe.yaml")
    existing = [path for path in tried if path.is_file()]
    where = f"{source.git} at {source.shown}"
    if not existing:
        listed = ", ".join(path.relative_to(checkout).as_posix() for path in tried)
        raise FlowlockError(
            f"{where} has no recipe of {name}",
            code="FL352",
            detail=f"none of {listed} is a file",
            hint="name the folder of the package with `folder`, or add a recipe to that repository",
        )
    path = existing[0]
    shown = f"{where}: {path.relative_to(checkout).as_posix()}"
    recipe = parse(read_text(path, shown), shown)
    if recipe.name != name:
        raise FlowlockError(
            f"{shown} is the recipe of {recipe.name}, not of {name}",
            code="FL352",
            hint="name the package as its recipe does, in `packages` and in [location.sources]",
        )
    require_source(recipe, path, folder, f"set `folder` to the folder that the recipe of {name} builds from")
    return recipe
