"""Functions of the workspace's packages that a spec may mean as tasks, and that no entry point registers."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from flowlock.edges.files import read_text
from flowlock.errors import FlowlockError
from flowlock.names import TASK_GROUP
from flowlock.workspace import Package, Workspace


def registration(workspace: Workspace, name: str) -> str | None:
    """Return a hint at how the function of this name becomes a task; None if no package has it."""
    if not name.isidentifier():
        return None
    for package in workspace.packages:
        for root in (package.folder / "src", package.folder):
            for path in _modules(root):
                if _defines(path, name):
                    module = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
                    return _hint(workspace, package, path, f'{name} = "{module}:{name}"')
    return None


def _modules(root: Path) -> Iterator[Path]:
    """Yield the modules of the packages directly below a folder."""
    for package in sorted(root.glob("*/__init__.py")):
        yield from sorted(package.parent.rglob("*.py"))


def _defines(path: Path, name: str) -> bool:
    """Return whether a module defines a function at its top level; a broken module defines none."""
    try:
        text = read_text(path, str(path))
        if not re.search(rf"^def {name}\b", text, re.MULTILINE):
            return False
        body = ast.parse(text).body
    except (FlowlockError, SyntaxError, ValueError):
        return False
    return any(isinstance(node, ast.FunctionDef) and node.name == name for node in body)


def _hint(workspace: Workspace, package: Package, path: Path, line: str) -> str:
    project = workspace.relative(package.project_file)
    return (
        f"{workspace.relative(path)} defines it: register it with `{line}` "
        f'in [project.entry-points."{TASK_GROUP}"] of {project}'
    )
