"""`flowlock schema spec`: what it accepts, what it refuses, and what it offers for completion."""

import pytest
from jsonschema import Draft202012Validator

from flowlock.documents.yaml import read
from flowlock.spec import parse
from flowlock.spec.json_schema import spec_schema
from flowlock.spec.key_descriptions import DESCRIPTIONS
from flowlock.spec.paths import plain
from specs import GOLDEN, catalog

VALID = sorted(path.parent.name for path in GOLDEN.glob("valid/*/spec.yaml"))
# What has the wrong shape, or names what there is not; other rules are beyond a schema.
REFUSED = [
    "argument-unknown", "defaults-unknown-key", "group-unknown-key", "group-without-tasks",
    "group-without-title", "group-wrong-type", "literal-wrong-type", "map-without-argvalues", "missing-id",
    "missing-workflow", "overrides-wrong-kinds", "skipif-malformed", "spec-id-hyphen", "step-id-too-long",
    "step-unknown-key", "step-without-id", "step-without-task", "task-unknown", "unknown-top-key",
    "wrong-kinds", "yaml-list",
]  # fmt: skip
SCHEMA = spec_schema(catalog())
VALIDATOR = Draft202012Validator(SCHEMA)


def value(kind: str, name: str) -> object:
    root, _ = read((GOLDEN / kind / name / "spec.yaml").read_bytes().decode("utf-8"), "spec.yaml")
    assert root
    return plain(root)


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", VALID)
def test_it_accepts_what_compiles(name: str) -> None:
    assert not [error.message for error in VALIDATOR.iter_errors(value("valid", name))]


@pytest.mark.parametrize("name", REFUSED)
def test_it_refuses_what_has_the_wrong_shape(name: str) -> None:
    assert not VALIDATOR.is_valid(value("invalid", name))


def test_it_offers_tasks_and_their_arguments() -> None:
    step = SCHEMA["$defs"]["step"]
    tasks = [one["const"] for one in step["properties"]["task"]["anyOf"] if "const" in one]
    assert "draw" in tasks
    assert "never" not in tasks
    (draw,) = [one for one in step["allOf"] if one["if"]["properties"]["task"]["const"] == "draw"]
    arguments = draw["then"]["properties"]["partial"]["properties"]
    assert list(arguments) == ["df", "style", "kind", "columns", "extra"]
    assert arguments["kind"]["anyOf"][0]["enum"] == ["bar", "line"]


def test_conditions_are_offered_where_they_are_expected() -> None:
    conditions = SCHEMA["$defs"]["skipif"]["anyOf"][0]["properties"]["conditions"]["anyOf"][0]
    assert "any_is_empty_df" in conditions["items"]["anyOf"][0]["enum"]


KEYS = {
    "spec": parse.SPEC_KEYS,
    "metadata": parse.METADATA_KEYS,
    "person": parse.PERSON_KEYS,
    "requirement": parse.REQUIREMENT_KEYS,
    "step": (*parse.STEP_KEYS, "type"),
    "group": parse.GROUP_KEYS,
    "iteration": parse.ITERATION_KEYS,
    "skipif": parse.SKIPIF_KEYS,
    "overrides": parse.OVERRIDE_KEYS,
    "defaults": ("skipif",),
}


def test_every_key_that_a_spec_may_have_is_described_and_no_other() -> None:
    described = {part: sorted(texts) for part, texts in DESCRIPTIONS.items()}
    assert described == {part: sorted(keys) for part, keys in KEYS.items()}


def test_the_schema_has_the_descriptions() -> None:
    assert SCHEMA["properties"]["id"]["description"] == DESCRIPTIONS["spec"]["id"]
    assert SCHEMA["$defs"]["step"]["properties"]["map"]["description"] == DESCRIPTIONS["step"]["map"]
