"""The pages of the documentation, and the texts that the source shows to users."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from shared import ROOT

DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [
    *DOCS,
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(ROOT.glob("changes.d/README.md")),
    *sorted(ROOT.glob("src/*/README.md")),
    *sorted(ROOT.glob("examples/*/DATA.md")),
]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


def room(path: Path) -> str:
    """Return the folder or module of the toolchain that a source file belongs to."""
    parts = path.relative_to(ROOT / "src").parts
    return parts[2].removesuffix(".py") if parts[0] == "flowlock" else parts[1]


def texts(path: Path) -> Iterator[str]:
    """Yield the texts in a module's code, docstrings apart; what an f-string fills in is `X`."""
    tree = ast.parse(path.read_text())
    documented = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if node.body and isinstance(node.body[0], ast.Expr)
    }
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in documented | inside:
                yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
