"""The text of a spec → a tree of values that know their line and column, or problems."""

from flowlock.errors import Problem
from flowlock_core.nodes import FaultKind, Node
from flowlock_core.yaml_text import read_yaml

_CODES = {
    FaultKind.SYNTAX: "FL101",
    FaultKind.REPEATED_KEY: "FL102",
    FaultKind.VALUE: "FL103",
    FaultKind.DOCUMENTS: "FL104",
    FaultKind.SIZE: "FL105",
    FaultKind.CHARACTER: "FL106",
    FaultKind.KEY: "FL107",
}


def read(text: str, file: str) -> tuple[Node | None, list[Problem]]:
    """Return the tree of a YAML document, as far as it can be read, and all problems of the text."""
    tree = read_yaml(text, file)
    problems = [
        Problem(code=_CODES[fault.kind], message=fault.message, location=fault.location, hint=fault.hint)
        for fault in tree.faults
    ]
    return tree.root, problems
