"""The parameters of a workflow as texts: the list of `run --help`, and a file to complete."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from flowlock_core.command.parameter_texts import listing, parameters, template
from flowlock_core.parameters.params import load_params
from shared import ROOT

EXAMPLES = sorted(ROOT.glob("examples/*/*/*/params.schema.json"))
CARD = {
    "title": "Card",
    "properties": {
        "width": {"enum": ["half", "full", None], "title": "Width", "default": "full"},
        "size": {"type": ["integer", "string"], "title": "Size", "default": 1},
        "tree": {"$ref": "#/$defs/Tree", "title": "Tree", "default": {"a": [1]}},
        "one": {"const": 1, "title": "One", "default": 1},
    },
}
SCHEMA = {
    "title": "A workflow: with a colon",
    "properties": {
        "table": {
            "title": "Load",
            "properties": {
                "path": {"type": "string", "format": "path", "title": "File", "description": "Where it is."},
                "day": {"type": "string", "format": "date", "title": "Day", "default": "2024-01-01"},
                "names": {
                    "anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}],
                    "title": "Names",
                    "default": None,
                },
            },
            "required": ["path"],
        },
        "card": CARD,
    },
    "$defs": {"Tree": {"title": "Tree of values", "properties": {"a": {"$ref": "#/$defs/Tree"}}}},
}


def test_each_parameter_has_a_type_in_words() -> None:
    assert {one.path: one.kind for one in parameters(SCHEMA)} == {
        "table.path": "path",
        "table.day": "date",
        "table.names": "list of text or null",
        "card.width": "half | full | null",
        "card.size": "integer or text",
        "card.tree": "Tree of values",
        "card.one": "1",
    }


def test_the_list_tells_what_is_required_and_what_the_defaults_are() -> None:
    lines = listing(SCHEMA).splitlines()
    assert lines[1:4] == [
        "  table.path  (path; required)",
        "      Where it is.",
        '  table.day  (date; default: "2024-01-01")',
    ]
    assert listing({}) == "parameters: none\n"


def test_a_template_holds_what_is_required_and_the_defaults_as_comments() -> None:
    text = template(SCHEMA)
    assert yaml.safe_load(text) == {"table": {"path": None}}
    assert "# A workflow: with a colon\n" in text
    assert "\n#card:\n" in text


def test_a_template_without_required_parameters_is_a_file_that_runs(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    for schema in ({"properties": {"card": CARD}}, {}):
        file.write_text(template(schema))
        params = load_params(str(file))
        assert (dict(params.by_step), params.problems) == ({}, ())


def enabled(text: str) -> Any:
    """Read a template with every default in place."""
    lines = [line if "# " in line else line.replace("#", "", 1) for line in text.splitlines()]
    return yaml.safe_load("\n".join(lines))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_the_defaults_in_a_template_are_those_of_the_schema(path: Any) -> None:
    schema = json.loads(path.read_text())
    steps = schema["properties"]
    expected = {
        step: {name: one.get("default") for name, one in steps[step]["properties"].items()} for step in steps
    }
    assert enabled(template(schema)) == expected
    assert expected
