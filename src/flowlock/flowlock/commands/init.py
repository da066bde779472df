"""`flowlock init`: a new workspace with one task package and one workflow, which passes sync and test."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from flowlock import workspace
from flowlock.commands.schema import spec_schema_of, workspace_schema
from flowlock.compile.package import PIXI_IMAGE
from flowlock.edges import files
from flowlock.edges.forge import Forge, ForgeRepository
from flowlock.errors import FlowlockError, UsageError, from_os_error, shortened
from flowlock.names import import_name
from flowlock.scaffold.editors import EDITORS, Editor
from flowlock.scaffold.forges import forge_values
from flowlock.scaffold.names import require_distribution
from flowlock.scaffold.package import package_files
from flowlock.scaffold.task import NewTask, with_task
from flowlock.scaffold.templates import filled

SOURCES, RECIPES = "src", "recipes"
BACKEND, INSTALLER = "hatchling ==1.30.1", "uv ==0.11.21"
SHOWN = 3

# Where each template goes; the names in braces are those of the workspace.
LAYOUT = {
    "flowlock.toml": "flowlock.toml",
    "pixi.toml": "pixi.toml",
    "ruff.toml": "ruff.toml",
    ".gitignore": "gitignore",
    ".{forge}/workflows/ci.yml": "ci.yml",
    ".{forge}/workflows/examples.yml": "examples.yml",
    ".{forge}/workflows/publish.yml": "publish.yml",
    ".{forge}/workflows/deploy.yml": "deploy.yml",
    ".{forge}/CODEOWNERS": "codeowners",
    ".{forge}/pull_request_template.md": "pull-request.md",
    "changes.d/README.md": "changes-readme.md",
    "README.md": "README.md",
    "src/{distribution}/{package}/ratios.py": "ratios.py",
    "tests/conftest.py": "conftest.py",
    "tests/test_ratios.py": "test_ratios.py",
    "examples/hello/spec.yaml": "spec.yaml",
    "examples/hello/params.yaml": "params.yaml",
    "examples/hello/test-cases.yaml": "test-cases.yaml",
    "examples/hello/trips.csv": "trips.csv",
}

SPEC_SCHEMA, WORKSPACE_SCHEMA = "spec.schema.json", "workspace.schema.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class InitResult:
    """What was made, and where."""

    folder: Path
    name: str
    written: tuple[str, ...]
    in_git: bool

    @property
    def ok(self) -> bool:
        """A workspace that could not be made is an error, so this is always true."""
        return True

    def as_json(self) -> dict[str, Any]:
        """Return the folder, the name, and the files."""
        return {"folder": str(self.folder), "name": self.name, "files": list(self.written)}

    def as_text(self) -> str:
        """Return what was made and the next commands."""
        lines = [f"created the workspace {self.name} in {self.folder}", "next:"]
        if self.folder != Path.cwd():
            lines.append(f"  cd {self.folder}")
        if not self.in_git:
            lines.append("  git init -b main && git add .")
        return "\n".join([*lines, "  flowlock sync", "  flowlock test"])


def init(
    directory: Path,
    *,
    today: datetime | None = None,
    editor: Editor | None = None,
    forge: Forge = Forge.GITHUB,
    repository: str | None = None,
) -> InitResult:
    """Make a workspace in a folder that does not exist or is empty; its name is the folder's.

    `today` dates its artifacts (the epoch of flowlock.toml). An editor gets its settings, and the schemas of
    specs and of flowlock.toml. `repository` is the URL of the repository at the forge.
    """
    folder = directory.resolve()
    name = require_distribution(folder.name, "workspace")
    _refuse_full(folder)
    for_forge = forge_values(forge, _repository(forge, repository), name)
    written = content(name, today=today or datetime.now(UTC), for_forge=for_forge)
    if editor is not None:
        written |= {path: filled(template, {}) for path, template in EDITORS[editor].items()}
    # A new folder appears whole; one that is there already may be the current one, and is filled in place.
    if folder.exists():
        files.sync_folder(folder, written)
    else:
        with files.staged_folder(folder) as staging:
            files.sync_folder(staging, written)
    if editor is not None:
        _write_schemas(folder)
    in_git = any((parent / ".git").exists() for parent in (folder, *folder.parents))
    return InitResult(folder=folder, name=name, written=tuple(sorted(written)), in_git=in_git)


def _repository(forge: Forge, url: str | None) -> ForgeRepository | None:
    if url is None:
        return None
    repository = ForgeRepository.at(forge, url)
    if repository is None:
        raise UsageError(
            "--repository does not name a repository",
            code="FL002",
            hint="write https://HOST/OWNER/REPOSITORY, without a user name",
        )
    return repository


def _write_schemas(folder: Path) -> None:
    """Write the schemas where editors look for them; they can be made again, so they are not committed."""
    space = workspace.load(folder)
    schemas = {SPEC_SCHEMA: spec_schema_of(space), WORKSPACE_SCHEMA: workspace_schema()}
    for name, schema in schemas.items():
        files.write_text(space.state.path / name, f"{schema.as_text()}\n")


def content(name: str, *, today: datetime, for_forge: Mapping[str, str]) -> dict[str, str]:
    """Return the files of a workspace of this name, by relative path; see `forge_values`."""
    distribution = f"{name}-tasks"
    package = import_name(distribution)
    values = {
        "name": name,
        "distribution": distribution,
        "package": package,
        "sources": SOURCES,
        "epoch": today.strftime("%Y-%m-%dT00:00:00Z"),
        "backend": BACKEND,
        "installer": INSTALLER,
        "toolchain": version("flowlock"),
        "pixi": PIXI_IMAGE.partition("-")[0],
        **for_forge,
    }
    written = package_files(
        distribution,
        f"Tasks of {name}",
        sources=SOURCES,
        recipes=RECIPES,
        backend=BACKEND,
        installer=INSTALLER,
    )
    written |= {path.format_map(values): filled(template, values) for path, template in LAYOUT.items()}
    return with_task(
        written,
        NewTask(name="add_ratio", module=f"{package}.ratios", sentence="add one column divided by another"),
        project=f"{SOURCES}/{distribution}",
        recipe=f"{RECIPES}/{distribution}/recipe.yaml",
        names={},
    )


def _refuse_full(folder: Path) -> None:
    """Refuse a folder that holds anything but a fresh git repository."""
    try:
        present = sorted(path.name for path in folder.iterdir() if path.name != ".git")
    except FileNotFoundError:
        return
    except OSError as error:
        raise from_os_error(error, "create a workspace in", folder) from error
    if workspace.FILE in present:
        raise FlowlockError(
            f"{folder} is a workspace already",
            code="FL307",
            hint="`flowlock new workflow NAME` in it makes another workflow",
        )
    if present:
        raise FlowlockError(
            f"{folder} is not empty: it contains {shortened(present, SHOWN)}",
            code="FL307",
            hint="use a folder that does not exist yet",
        )
