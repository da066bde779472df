"""Hand-written packages of a location, found by Dagster in their sources as if they were installed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flowlock.builder.plan.git_packages import git_packages
from flowlock.edges import files
from flowlock.names import PackageName
from flowlock.recipe import pyproject
from flowlock.workspace import RECIPE, DagsterLocation, Package, Workspace


def hand_written(workspace: Workspace, location: DagsterLocation) -> list[Package]:
    """Return the packages of the location whose sources are in the workspace, or checked out in it."""
    names = set(location.table.packages)
    own = [package for package in workspace.packages if package.name in names]
    return [*own, *from_repositories(workspace)]


def from_repositories(workspace: Workspace) -> list[Package]:
    """Return the packages of the location that other repositories have."""
    return [
        Package(name=PackageName(one.name), folder=one.folder, recipe=one.checkout / RECIPE)
        for one in git_packages(workspace)
    ]


def write_metadata(workspace: Workspace, location: DagsterLocation) -> Path:
    """Write the metadata of hand-written packages, and return the folder to import from.

    A location finds what packages bring by their entry points, which only what is installed has.
    """
    folder = workspace.state.location_metadata
    with files.staged_folder(folder) as staging:
        for package in hand_written(workspace, location):
            shown = workspace.relative(package.project_file)
            project = pyproject.read(files.read_text(package.project_file, shown), shown).get("project", {})
            version = project.get("version", "0")
            info = staging / f"{package.name.replace('-', '_')}-{version}.dist-info"
            metadata = f"Metadata-Version: 2.1\nName: {package.name}\nVersion: {version}\n"
            files.sync_folder(info, {"METADATA": metadata, "entry_points.txt": _entry_points(project)})
    return folder


def _entry_points(project: Mapping[str, Any]) -> str:
    lines = []
    for group, entries in project.get("entry-points", {}).items():
        lines.append(f"[{group}]")
        lines += [f"{name} = {target}" for name, target in entries.items()]
    return "".join(f"{line}\n" for line in lines)
