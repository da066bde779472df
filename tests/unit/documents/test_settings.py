"""`flowlock schema workspace`: what editors complete and underline in flowlock.toml."""

import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from flowlock.commands.init import init
from flowlock.commands.schema import workspace_schema
from shared import ROOT

SCHEMA: dict[str, Any] = dict(workspace_schema().as_json())
VALIDATOR = Draft202012Validator(SCHEMA)


def document(path: Path) -> Any:
    """Read TOML as editors hand it to a schema: a time is a string."""
    data = tomllib.loads(path.read_text())
    assert isinstance(data["workspace"]["epoch"], datetime)
    data["workspace"]["epoch"] = data["workspace"]["epoch"].isoformat()
    return data


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_it_accepts_this_workspace_and_a_new_one(tmp_path: Path) -> None:
    init(tmp_path / "birds")
    for folder in (ROOT, tmp_path / "birds"):
        assert not [error.message for error in VALIDATOR.iter_errors(document(folder / "flowlock.toml"))]


@pytest.mark.parametrize(
    ("table", "key", "value"),
    [
        ("workspace", "epok", "2026-01-01"),
        ("workspace", "platforms", ["linux-32"]),
        ("workspace", "platforms", []),
        ("workspace", "name", "Birds"),
        ("workspace", "version", "first"),
        ("channels", "release", "birds"),
        ("build", "backend", "hatchling"),
        ("image", "source", "git@example.org:birds"),
    ],
)
def test_it_refuses_unknown_keys_and_values_of_another_shape(table: str, key: str, value: object) -> None:
    data = document(ROOT / "flowlock.toml")
    data.setdefault(table, {})[key] = value
    assert not VALIDATOR.is_valid(data)


def test_every_table_and_key_is_described() -> None:
    tables = {"": SCHEMA, **SCHEMA["$defs"]}
    silent = [
        f"{name}.{key}"
        for name, table in tables.items()
        for key, schema in table["properties"].items()
        if "description" not in schema and "$ref" not in schema
    ]
    assert len(tables) > 5
    assert not silent
    assert all(table.get("description") for table in tables.values())
