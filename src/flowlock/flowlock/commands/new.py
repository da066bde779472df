"""`flowlock new`: a workflow, a task package or a task that passes `check` and `test` at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from flowlock.edges import files
from flowlock.errors import FlowlockError, UsageError, nearest, shortened
from flowlock.names import import_name
from flowlock.report.reporter import Progress
from flowlock.scaffold.names import require_distribution, require_task, require_workflow
from flowlock.scaffold.package import package_files
from flowlock.scaffold.table import TableShape, shape_of
from flowlock.scaffold.task import NewTask, task_files, with_task
from flowlock.scaffold.templates import filled
from flowlock.scaffold.workflow import CHARTS, workflow_files
from flowlock.tasks.discover import signatures
from flowlock.workspace import Package, Workspace
from flowlock_core.errors import TaskError

TESTS = "tests"
SAMPLE = "trips.csv"
# Data beside a spec is committed with it; what is larger belongs elsewhere.
LARGEST_DATA = 20_000_000
SHOWN = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class NewResult:
    """What was made, the files that were written or changed, and the next commands."""

    made: str
    written: tuple[str, ...]
    following: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """What could not be made is an error, so this is always true."""
        return True

    def as_json(self) -> Mapping[str, Any]:
        """Return {"made", "files", "next"}."""
        return {"made": self.made, "files": list(self.written), "next": list(self.following)}

    def as_text(self) -> str:
        """Return what was made, each file, and the next commands."""
        paths = [f"  {path}" for path in self.written]
        return "\n".join([f"created {self.made}", *paths, "next:", *(f"  {line}" for line in self.following)])


def new_workflow(workspace: Workspace, name: str, *, data: Path | None, progress: Progress) -> NewResult:
    """Make a workflow over a table, with its first chart; without `data` over a small sample."""
    folder = workspace.workflows / name
    tasks = signatures(workspace, progress=progress).tasks
    id_ = require_workflow(name, tasks)
    same = [
        flow for flow in workspace.workflow_list if canonicalize_name(flow.name) == canonicalize_name(name)
    ]
    if same or folder.exists():
        raise taken("the workflow", workspace.relative(same[0].folder if same else folder))
    file, content = _data(data)
    with files.staged_folder(folder) as staging:
        files.sync_folder(staging, {file: content})
        charts = version(CHARTS) if "draw_bar_chart" in tasks else None
        title = name.replace("-", " ").replace("_", " ").capitalize()
        written = workflow_files(id_, title, file, _shape(staging / file, data or Path(file)), charts)
        files.sync_folder(staging, {file: content, **written})
    paths = [workspace.relative(folder / path) for path in (*written, file)]
    return NewResult(
        made=f"the workflow {name}",
        written=tuple(sorted(paths)),
        following=(f"flowlock sync {name}", f"flowlock test {name}", f"flowlock run {name}"),
    )


def _data(data: Path | None) -> tuple[str, bytes]:
    """Return the name and the bytes of the table that a new workflow is about."""
    if data is None:
        return SAMPLE, filled(SAMPLE, {}).encode()
    content = files.read_bytes(data)
    if len(content) > LARGEST_DATA:
        raise FlowlockError(
            f"{data} is too large to be committed beside a spec: {len(content):,} bytes",
            code="FL348",
            hint="use the first part of it here, and give the whole path as a parameter when you run",
        )
    return data.name, content


def _shape(path: Path, shown: Path) -> TableShape:
    try:
        return shape_of(path)
    except TaskError as error:
        hint = error.hint or "`flowlock tasks load_table` lists the formats"
        if "set `" in hint:
            # The command has no such options.
            hint += "; to set it, make the workflow without --from-data, and write it into its params.yaml"
        raise FlowlockError(
            error.message.replace(str(path), str(shown)), code=error.code, hint=hint
        ) from error


def new_package(workspace: Workspace, name: str) -> NewResult:
    """Make a task package without tasks: its sources, and the recipe that builds it."""
    distribution = require_distribution(name, "package")
    present = {str(package.name) for package in workspace.packages}
    if distribution in present or (workspace.sources / distribution).exists():
        raise taken(f"the package {distribution}", workspace.relative(workspace.sources / distribution))
    texts = package_files(
        distribution,
        f"Tasks of {workspace.name}",
        sources=workspace.relative(workspace.sources),
        recipes=workspace.relative(workspace.recipes),
        backend=workspace.build_backend,
        installer=workspace.build_installer,
    )
    conftest = f"{TESTS}/conftest.py"
    if not (workspace.root / conftest).exists():
        texts[conftest] = filled("conftest.py", {"sources": workspace.relative(workspace.sources)})
    return write(
        workspace, f"the package {distribution}", texts, (f"flowlock new task NAME --package {distribution}",)
    )


def new_task(workspace: Workspace, name: str, *, package: str | None, progress: Progress) -> NewResult:
    """Make a task in a package of the workspace: function, entry point, requirements, README and test."""
    task = require_task(name)
    chosen = _package(workspace, package)
    same = signatures(workspace, progress=progress).tasks.get(task)
    if same:
        raise taken(f"the task {task}", same[0].distribution)
    module_name = import_name(chosen.name)
    project = workspace.relative(chosen.folder)
    recipe = workspace.relative(chosen.recipe)
    texts = with_task(
        _read(workspace, f"{project}/pyproject.toml", recipe, f"{project}/README.md"),
        NewTask(name=task, module=f"{module_name}.{task}"),
        project=project,
        recipe=recipe,
        names=workspace.wheel_names,
    )
    code = task_files(task, project=project, package=module_name, tests=TESTS)
    for path in code:
        if (workspace.root / path).exists():
            raise taken("the file", path)
    following = ("pytest tests", f"flowlock tasks {task}", "flowlock sync")
    return write(workspace, f"the task {task} in {chosen.name}", {**texts, **code}, following)


def _package(workspace: Workspace, name: str | None) -> Package:
    """Return the package of a name, or the only one."""
    packages = {
        str(package.name): package for package in workspace.packages if package.project_file.is_file()
    }
    if name in packages:
        return packages[name]
    if name is None and len(packages) == 1:
        return next(iter(packages.values()))
    listed = shortened(sorted(packages), SHOWN) or "none; `flowlock new package NAME` makes one"
    if name is None:
        raise UsageError(
            "the workspace does not have exactly one package",
            code="FL002",
            hint=f"name one with --package: {listed}",
        )
    raise FlowlockError(
        f"package `{name}` does not exist in the workspace",
        code="FL347",
        hint=nearest(name, list(packages)) or f"available: {listed}",
    )


def _read(workspace: Workspace, *paths: str) -> dict[str, str]:
    return {
        path: files.read_text(workspace.root / path, path)
        for path in paths
        if (workspace.root / path).is_file()
    }


def write(workspace: Workspace, made: str, texts: Mapping[str, str], following: tuple[str, ...]) -> NewResult:
    """Write files by their paths from the workspace, all or none, and return the result of the command."""
    files.write_together({workspace.root / path: text for path, text in texts.items()})
    return NewResult(made=made, written=tuple(sorted(texts)), following=following)


def taken(what: str, where: str) -> FlowlockError:
    """Return the error of a name that something else has."""
    return FlowlockError(f"{what} exists already: {where}", code="FL349", hint="choose another name")
