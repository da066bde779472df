"""The reference of keys: of `flowlock.toml` and of specs, generated from their JSON Schemas."""

from collections.abc import Iterator, Mapping
from typing import Any

from tools.docs.markdown import table

Schema = Mapping[str, Any]

SETTINGS_HEAD = """\
# Keys of flowlock.toml

`flowlock.toml` describes a workspace; every command reads it. `flowlock schema workspace` prints its JSON
Schema for [editors](workflows.md#in-your-editor); it is [here](workspace.schema.json), too.

Unknown keys are refused ([FL303](problems.md#fl303)).
"""
SPEC_HEAD = """\
# Keys of a spec

[Writing a workflow](workflows.md) explains them with examples; the arguments of each task are in the
[catalogue](catalogue/index.md). `flowlock schema spec` prints the JSON Schema for
[editors](workflows.md#in-your-editor).
"""


def settings_page(schema: Schema) -> str:
    """Return the reference of flowlock.toml: a section for each table, also for those in other tables."""
    parts = [SETTINGS_HEAD]
    for name, field in schema["properties"].items():
        parts += _sections(name, field, schema)
    return "\n".join(parts)


def _sections(name: str, field: Schema, root: Schema) -> Iterator[str]:
    """Yield the heading, the words and the keys of a table, and those of the tables in it."""
    target = _present(field, root)
    each = target.get("additionalProperties")
    if "items" in target:
        heading, inner = f"[[{name}]]", _present(target["items"], root)
    elif isinstance(each, Mapping) and "properties" in _present(each, root):
        heading, inner = f"[{name}.NAME]", _present(each, root)
    else:
        heading, inner = f"[{name}]", target
    yield f"## {heading}\n"
    yield f"{field.get('description') or target.get('description', '')}\n"
    if "properties" not in inner:
        return
    yield _keys(inner, root)
    for key, part in inner["properties"].items():
        if _holds_tables(part, root):
            yield from _sections(f"{name}.{key}", part, root)


def _holds_tables(field: Schema, root: Schema) -> bool:
    """Return whether a value is a table with known keys, a list of those, or a table of them."""
    target = _present(field, root)
    inner = [target, target.get("items"), target.get("additionalProperties")]
    return any("properties" in _present(one, root) for one in inner if isinstance(one, Mapping))


def _present(field: Schema, root: Schema) -> Schema:
    """Return what a value is if it is given: optional tables may also be null."""
    target = _resolved(field, root)
    choices = [choice for choice in target.get("anyOf", ()) if choice.get("type") != "null"]
    return _present(choices[0], root) if len(choices) == 1 else target


def spec_page(schema: Schema) -> str:
    """Return the reference of a spec's keys."""
    parts = [
        SPEC_HEAD,
        "## At the top\n",
        _keys(schema, schema),
    ]
    for title, path in SPEC_PARTS.items():
        part = next(_closed(schema["$defs"][path], schema))
        parts += [f"## {title}\n", _keys(part, schema)]
        if path == "metadata":
            person = schema["$defs"][path]["anyOf"][0]["properties"]["maintainers"]
            parts += ["### A maintainer\n", _keys(next(_closed(person, schema)), schema)]
    return "\n".join(parts)


SPEC_PARTS = {
    "metadata": "metadata",
    "A requirement": "requirement",
    "defaults, task-instance-defaults": "defaults",
    "rjsf-overrides": "overrides",
    "A group of steps": "group",
    "A step": "step",
    "map, mapvalues": "iteration",
    "skipif": "skipif",
}


def _closed(schema: Schema, root: Schema) -> Iterator[Schema]:
    """Yield the mappings with known keys that a value may be."""
    schema = _resolved(schema, root)
    if "properties" in schema:
        yield schema
    for choice in [*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else ())]:
        yield from _closed(choice, root)


def _keys(schema: Schema, root: Schema) -> str:
    required = schema.get("required", ())
    rows = []
    for name, field in schema["properties"].items():
        words = field.get("description", "")
        rows.append([f"`{name}`", kind(field, root), _default(field, required=name in required), words])
    return table(("key", "type", "default", "meaning"), rows)


def _default(field: Schema, *, required: bool) -> str:
    if required:
        return "required"
    default = field.get("default")
    if default in (None, "", []) or isinstance(default, Mapping):
        return ""
    if isinstance(default, list):
        return f"`{', '.join(default)}`"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def kind(field: Schema, root: Schema) -> str:
    """Return in words what a value may be."""
    field = _resolved(field, root)
    if "anyOf" in field:
        kinds = [kind(choice, root) for choice in field["anyOf"]]
        return " or ".join(dict.fromkeys(one for one in kinds if one))
    if "const" in field:
        return f"`{field['const']}`" if field["const"] != {} else "an empty mapping"
    if "enum" in field:
        # The names of tasks are in the catalogue.
        return " or ".join(f"`{choice}`" for choice in field["enum"][:8])
    named = field.get("type", "anything")
    kinds = named if isinstance(named, list) else [named]
    words = [_word(one, field, root) for one in kinds if one != "null"]
    return " or ".join(dict.fromkeys(words))


def _word(named: str, field: Schema, root: Schema) -> str:
    if named == "array":
        return f"list of {kind(field['items'], root)}" if "items" in field else "list"
    if named == "object":
        values = field.get("additionalProperties")
        return f"names with {kind(values, root)}" if isinstance(values, Mapping) else "mapping"
    if named == "string" and field.get("format") == "date-time":
        return "date and time"
    return {"string": "string", "integer": "integer", "number": "number", "boolean": "true or false"}.get(
        named, named
    )


def _resolved(schema: Schema, root: Schema) -> Schema:
    """Follow a reference; the words beside it win."""
    reference = schema.get("$ref")
    if reference is None:
        return schema
    target = root["$defs"][reference.removeprefix("#/$defs/")]
    return {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
