"""`flowlock new location`: the jobs of Dagster of a workspace, which pass `location check` at once."""

from packaging.utils import canonicalize_name

from flowlock.commands.new import NewResult, taken, write
from flowlock.edges import files
from flowlock.errors import FlowlockError
from flowlock.scaffold.location import FOLDER, hand_written_name, location_files, with_location
from flowlock.scaffold.names import require_distribution
from flowlock.workspace import FILE, Workspace

# Of `flowlock-NAME-location`, which has to be the name of a distribution, too.
LONGEST = 40


def new_location(workspace: Workspace, name: str) -> NewResult:
    """Declare a location with all workflows of the workspace, and make its package of hand-written jobs."""
    if workspace.location is not None:
        raise FlowlockError(
            f"the workspace has a location already: {workspace.location.name}",
            code="FL349",
            hint=f"add workflows and packages to [location] in {FILE}",
        )
    require_distribution(name, "location", longest=LONGEST)
    workflows = [workflow.name for workflow in workspace.workflow_list]
    if not workflows:
        raise FlowlockError(
            f"there is no workflow in {workspace.relative(workspace.workflows)} for a location",
            code="FL960",
            hint="make one with `flowlock new workflow NAME`",
        )
    _require_free(workspace, name, workflows)
    settings = with_location(files.read_text(workspace.root / FILE, FILE), name, workflows)
    texts = location_files(
        name,
        recipes=workspace.relative(workspace.recipes),
        backend=workspace.build_backend,
        installer=workspace.build_installer,
        names=workspace.wheel_names,
    )
    following = ("flowlock compile", "flowlock location check --python PYTHON")
    return write(workspace, f"the location {name}", {FILE: settings, **texts}, following)


def _require_free(workspace: Workspace, name: str, workflows: list[str]) -> None:
    """Refuse the name of something else: commands find workflows, packages and the location by name."""
    distribution = hand_written_name(name)
    if name in {canonicalize_name(workflow) for workflow in workflows}:
        raise taken(f"the workflow {name}", workspace.relative(workspace.workflow(name).folder))
    for package in workspace.packages:
        if package.name in {name, distribution}:
            raise taken(f"the package {package.name}", workspace.relative(package.folder))
    for folder in (workspace.root / FOLDER / name, workspace.recipes / distribution):
        if folder.exists():
            raise taken("the folder", workspace.relative(folder))
