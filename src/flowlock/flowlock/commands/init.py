"""`flowlock init`: a new workspace with one task package and one workflow, which passes sync and test."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.resources import files as resources
from pathlib import Path
from string import Template
from typing import Any

from flowlock.compile.package import PIXI_IMAGE
from flowlock.edges import files
from flowlock.errors import FlowlockError, from_os_error, shortened
from flowlock.names import import_name
from flowlock.recipe import pyproject
from flowlock.recipe.document import yaml_text
from flowlock.recipe.render import render

BACKEND, INSTALLER = "hatchling ==1.30.1", "uv ==0.11.21"
_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
MAX_NAME = 50
SHOWN = 3

# Where each template goes; the names in braces are those of the workspace.
LAYOUT = {
    "flowlock.toml": "flowlock.toml",
    "pixi.toml": "pixi.toml",
    "ruff.toml": "ruff.toml",
    ".gitignore": "gitignore",
    ".github/workflows/ci.yml": "ci.yml",
    ".github/workflows/examples.yml": "examples.yml",
    ".github/workflows/publish.yml": "publish.yml",
    "changes.d/README.md": "changes-readme.md",
    "README.md": "README.md",
    "src/{distribution}/pyproject.toml": "pyproject.toml",
    "src/{distribution}/README.md": "package-readme.md",
    "src/{distribution}/{package}/__init__.py": "package-init.py",
    "src/{distribution}/{package}/ratios.py": "ratios.py",
    "tests/test_ratios.py": "test_ratios.py",
    "examples/hello/spec.yaml": "spec.yaml",
    "examples/hello/params.yaml": "params.yaml",
    "examples/hello/test-cases.yaml": "test-cases.yaml",
    "examples/hello/trips.csv": "trips.csv",
}


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


def init(directory: Path, *, today: datetime | None = None) -> InitResult:
    """Make a workspace in a folder that does not exist or is empty; its name is the folder's.

    `today` dates its artifacts (the epoch of flowlock.toml).
    """
    folder = directory.resolve()
    name = _name(folder)
    _refuse_full(folder)
    written = content(name, today=today or datetime.now(UTC))
    # A new folder appears whole; one that is there already may be the current one, and is filled in place.
    if folder.exists():
        files.sync_folder(folder, written)
    else:
        with files.staged_folder(folder) as staging:
            files.sync_folder(staging, written)
    in_git = any((parent / ".git").exists() for parent in (folder, *folder.parents))
    return InitResult(folder=folder, name=name, written=tuple(sorted(written)), in_git=in_git)


def content(name: str, *, today: datetime) -> dict[str, str]:
    """Return the files of a workspace of this name, by relative path."""
    distribution = f"{name}-tasks"
    values = {
        "name": name,
        "distribution": distribution,
        "package": import_name(distribution),
        "epoch": today.strftime("%Y-%m-%dT00:00:00Z"),
        "release": f"https://prefix.dev/{name}",
        "backend": BACKEND,
        "installer": INSTALLER,
        "core": version("flowlock-core"),
        "toolchain": version("flowlock"),
        "pixi": PIXI_IMAGE.partition("-")[0],
    }
    templates = resources("flowlock.commands") / "templates"
    written = {}
    for path, name_of_template in LAYOUT.items():
        template = Template((templates / f"{name_of_template}.in").read_text(encoding="utf-8"))
        written[path.format_map(values)] = template.substitute(values)
    project = f"src/{distribution}/pyproject.toml"
    recipe = render(
        pyproject.read(written[project], project),
        source=f"../../src/{distribution}",
        backend=BACKEND,
        installer=INSTALLER,
        names={},
    )
    return {**written, f"recipes/{distribution}/recipe.yaml": yaml_text(recipe)}


def _name(folder: Path) -> str:
    name = folder.name
    if _NAME.fullmatch(name) and len(name) <= MAX_NAME:
        return name
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-0123456789")[:MAX_NAME].strip("-")
    raise FlowlockError(
        f"`{name}` is not a valid workspace name: use lower case letters, digits and `-` after a letter, "
        f"at most {MAX_NAME} characters",
        code="FL306",
        hint=f"choose another folder, for example `{words}`" if words else "choose another folder",
    )


def _refuse_full(folder: Path) -> None:
    """Refuse a folder that holds anything but a fresh git repository."""
    try:
        present = sorted(path.name for path in folder.iterdir() if path.name != ".git")
    except FileNotFoundError:
        return
    except OSError as error:
        raise from_os_error(error, "create a workspace in", folder) from error
    if present:
        raise FlowlockError(
            f"{folder} is not empty: it contains {shortened(present, SHOWN)}",
            code="FL307",
            hint="use a folder that does not exist yet",
        )
