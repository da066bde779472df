"""`params.schema.json`: the schema of a workflow's parameters file."""

from collections.abc import Mapping
from typing import Any

from flowlock.compile.code.code_plan import Plan, PlannedStep
from flowlock.compile.code.python import one_line
from flowlock.spec.paths import without_empty_choices
from flowlock_core.schema import Parameter

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Json = Any


def params_schema(plan: Plan) -> dict[str, Json]:
    """Return the schema: an object with a property for each step that has parameters."""
    definitions: dict[str, Json] = {}
    properties = {step.id: _step_schema(step, definitions) for step in plan.steps if step.parameters}
    required = [name for name, schema in properties.items() if schema.get("required")]
    schema: dict[str, Json] = {
        "$schema": DIALECT,
        "title": one_line(plan.spec.title),
        "type": "object",
        "properties": properties,
    }
    description = plan.spec.metadata.description
    if description:
        schema["description"] = one_line(description.value)
    if required:
        schema["required"] = required
    schema["additionalProperties"] = False
    if definitions:
        schema["$defs"] = definitions
    return schema


def _step_schema(step: PlannedStep, definitions: dict[str, Json]) -> dict[str, Json]:
    schema: dict[str, Json] = {"title": one_line(step.step.title), "type": "object"}
    if step.task.description:
        schema["description"] = step.task.description
    schema["properties"] = {parameter.name: _hoisted(parameter, definitions) for parameter in step.parameters}
    required = [parameter.name for parameter in step.parameters if parameter.required]
    if required:
        schema["required"] = required
    schema["additionalProperties"] = False
    return schema


def _hoisted(parameter: Parameter, definitions: dict[str, Json]) -> dict[str, Json]:
    """Move the definitions of types that contain themselves to the top, under names that are free there."""
    schema: dict[str, Json] = without_empty_choices(parameter.schema)
    own: Mapping[str, Json] = schema.get("$defs", {})
    if not own:
        return schema
    names = {name: _free(name, body, definitions) for name, body in own.items()}
    for name, body in own.items():
        definitions[names[name]] = _renamed(body, names)
    bare = {key: value for key, value in schema.items() if key != "$defs"}
    renamed: dict[str, Json] = _renamed(bare, names)
    return renamed


def _free(name: str, body: Json, definitions: Mapping[str, Json]) -> str:
    wish, number = name, 1
    while wish in definitions and definitions[wish] != body:
        number += 1
        wish = f"{name}_{number}"
    return wish


def _renamed(node: Json, names: Mapping[str, str]) -> Json:
    if isinstance(node, list):
        return [_renamed(item, names) for item in node]
    if not isinstance(node, dict):
        return node
    changed = {key: _renamed(value, names) for key, value in node.items()}
    target = str(node.get("$ref", "")).removeprefix("#/$defs/")
    if target in names:
        changed["$ref"] = f"#/$defs/{names[target]}"
    return changed
