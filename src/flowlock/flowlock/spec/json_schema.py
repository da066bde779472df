"""The JSON Schema of a spec, for editors: keys, the names of known tasks, each task's arguments.

It accepts every spec that the rules accept; the rules refuse more.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from flowlock.spec.catalog import Catalog, is_condition
from flowlock.spec.key_descriptions import DESCRIPTIONS
from flowlock.spec.parse import GROUP_TYPE, MAX_UNPACK, METADATA_KEYS, PERSON_KEYS, STEP_TYPE
from flowlock.spec.paths import without_empty_choices
from flowlock.spec.policy import POLICY_KEYS
from flowlock_core.schema import Parameter, TaskSignature

Json = Any
DIALECT = "https://json-schema.org/draft/2020-12/schema"
REFERENCE = r"^\s*\$\{\{\s*(workflow\.[^\s{}]+\.return|env\.\w+)\s*\}\}\s*$"
IDENTIFIER = "^[A-Za-z_][A-Za-z0-9_]*$"


def spec_schema(catalog: Catalog) -> dict[str, Json]:
    """Return the schema of specs that name tasks of a catalog."""
    tasks = {
        name: same_named
        for name, same_named in sorted(catalog.tasks.items())
        if not all(map(is_condition, same_named))
    }
    conditions = sorted(
        name for name, same_named in catalog.tasks.items() if any(map(is_condition, same_named))
    )
    top: dict[str, Json] = {
        "id": {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_]*$", "maxLength": 64},
        "metadata": {"$ref": "#/$defs/metadata"},
        "requirements": _optional({"type": "array", "items": {"$ref": "#/$defs/requirement"}}),
        "defaults": {"$ref": "#/$defs/defaults"},
        "task-instance-defaults": {"$ref": "#/$defs/defaults"},
        "rjsf-overrides": {"$ref": "#/$defs/overrides"},
        "workflow": {"type": "array", "items": {"anyOf": [_ref("group"), _ref("step")]}},
    }
    return {
        "$schema": DIALECT,
        "title": "A flowlock workflow",
        **_closed("spec", top, required=("id", "workflow")),
        "$defs": {**_parts(conditions), "step": _step(tasks)},
    }


def _parts(conditions: list[str]) -> dict[str, Json]:
    """Return the definitions that are the same for every workspace, but for the names of conditions."""
    text, texts = {"type": "string"}, {"type": "array", "items": {"type": "string"}}
    condition = {"anyOf": [{"enum": conditions}, {"type": "string", "pattern": r"\."}]}
    skipif = {
        "conditions": _optional({"type": "array", "items": condition}),
        "unpack_depth": {"type": "integer", "minimum": 0, "maximum": MAX_UNPACK},
    }
    requirement = {
        "name": text,
        "version": {"type": ["string", "number", "null"]},
        "channel": _optional(text),
    }
    paths = _optional({"type": "object"})
    group = {
        "type": {"const": GROUP_TYPE},
        "title": text,
        "description": _optional(text),
        "tasks": {"type": "array", "items": _ref("step")},
    }
    iteration = {
        "argnames": {"anyOf": [text, {**texts, "minItems": 1}]},
        "argvalues": {"anyOf": [_ref("reference"), {"type": "array"}]},
    }
    return {
        "reference": {"type": "string", "pattern": REFERENCE},
        "metadata": _optional(_metadata()),
        "requirement": {
            "anyOf": [
                text,
                _closed("requirement", {**requirement, "requirement": _optional(text)}),
            ]
        },
        "skipif": _optional(_closed("skipif", skipif, required=("conditions",))),
        "defaults": _optional(_closed("defaults", {"skipif": _ref("skipif")})),
        "overrides": _optional(
            _closed("overrides", {"properties": paths, "$defs": paths, "uiSchema": paths})
        ),
        "group": _closed("group", group, required=("title", "tasks")),
        "iteration": _optional(
            {"anyOf": [_closed("iteration", iteration, required=("argnames", "argvalues")), {"const": {}}]}
        ),
    }


def _metadata() -> dict[str, Json]:
    text = {"type": "string"}
    person = _closed("person", dict.fromkeys(PERSON_KEYS, text), required=("name",))
    people = {"type": "array", "items": {"anyOf": [text, person]}}
    own = {"maintainers": _optional(people), "keywords": _optional({"type": "array", "items": text})}
    return _closed("metadata", {**{name: _optional(text) for name in METADATA_KEYS}, **own})


def _step(tasks: Mapping[str, tuple[TaskSignature, ...]]) -> dict[str, Json]:
    """Return the schema of a step: the task's name decides which arguments there are."""
    names = [
        {"const": name, "description": same_named[0].description or same_named[0].title}
        for name, same_named in tasks.items()
    ]
    properties: dict[str, Json] = {
        "id": {"type": "string", "pattern": IDENTIFIER, "maxLength": 32},
        "name": _optional({"type": "string"}),
        "task": {"anyOf": [*names, {"type": "string", "pattern": r"\."}]},
        "type": {"const": STEP_TYPE},
        "partial": {"type": ["object", "null"]},
        "map": _ref("iteration"),
        "mapvalues": _ref("iteration"),
        "skipif": _ref("skipif"),
        **{name: _optional(key.schema) for name, key in POLICY_KEYS.items()},
    }
    return {
        **_closed("step", properties, required=("id", "task")),
        "allOf": [
            _arguments(name, same_named[0]) for name, same_named in tasks.items() if len(same_named) == 1
        ],
    }


def _arguments(name: str, task: TaskSignature) -> dict[str, Json]:
    arguments = {parameter.name: _argument(parameter) for parameter in task.parameters}
    words = {"enum": list(arguments)}
    argnames = {"anyOf": [{"type": "array", "items": words}, {"type": "string"}]}
    iteration = {"properties": {"argnames": argnames}}
    return {
        "if": {"properties": {"task": {"const": name}}, "required": ["task"]},
        "then": {
            "properties": {
                "partial": {"properties": arguments, "additionalProperties": False},
                "map": iteration,
                "mapvalues": iteration,
            }
        },
    }


def _argument(parameter: Parameter) -> dict[str, Json]:
    """Return the schema of an argument: a literal of its type, a reference, or a mixture of both."""
    words = {"title": parameter.title}
    if parameter.description:
        words["description"] = parameter.description
    mixed = [_ref("reference"), {"type": "array"}, {"type": "object"}]
    if parameter.wired:
        return {**words, "anyOf": [*mixed, {"type": "null"}]}
    schema = without_empty_choices(parameter.accepts or parameter.schema)
    own = {key: value for key, value in schema.items() if key not in ("title", "description")}
    if "$defs" in own:
        # Types that contain themselves; their references would lead to the top of this document.
        return {**words, "anyOf": [{}]}
    return {**words, "anyOf": [own, *mixed]}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/$defs/{name}"}


def _optional(schema: Mapping[str, Json]) -> dict[str, Json]:
    return {"anyOf": [schema, {"type": "null"}]}


def _closed(part: str, properties: Mapping[str, Json], required: Iterable[str] = ()) -> dict[str, Json]:
    """Return the schema of one part of a spec: the keys that it has, each described, and no other."""
    texts = DESCRIPTIONS[part]
    described = {key: {**schema, "description": texts[key]} for key, schema in properties.items()}
    closed: dict[str, Json] = {"type": "object", "properties": described}
    names = list(required)
    if names:
        closed["required"] = names
    return {**closed, "additionalProperties": False}
