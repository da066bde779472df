"""The parameters of a workflow as texts for people, from the JSON Schema in its package."""

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

_WIDTH = 100
# What stands for a JSON type, and for a format of a text, in a sentence.
_TYPES = {
    "string": "text",
    "integer": "integer",
    "number": "number",
    "boolean": "true or false",
    "object": "mapping",
    "array": "list",
    "null": "null",
}
_FORMATS = {"path": "path", "date": "date", "date-time": "date and time", "time": "time of day"}
_REF = "#/$defs/"


@dataclass(frozen=True, kw_only=True, slots=True)
class ParameterText:
    """A parameter that the parameters file may set; `default` is JSON, None for one that is required."""

    step: str
    name: str
    kind: str
    title: str
    description: str
    default: str | None

    @property
    def path(self) -> str:
        """How `--set` names it."""
        return f"{self.step}.{self.name}"


def parameters(schema: Mapping[str, Any]) -> list[ParameterText]:
    """Return all parameters in the order of the steps."""
    definitions = schema.get("$defs", {})
    entries = []
    for step, steps_schema in schema.get("properties", {}).items():
        required = steps_schema.get("required", ())
        for name, parameter in steps_schema.get("properties", {}).items():
            default = None if name in required else json.dumps(parameter.get("default"), ensure_ascii=False)
            text = ParameterText(
                step=step,
                name=name,
                kind=_kind(parameter, definitions),
                title=parameter.get("title", ""),
                description=parameter.get("description", ""),
                default=default,
            )
            entries.append(text)
    return entries


def listing(schema: Mapping[str, Any]) -> str:
    """Return the parameters for `run --help`: name, type, default or `required`, and what each is."""
    lines = ["parameters, as --set STEP.PARAMETER=VALUE or in the file of --params:"]
    entries = parameters(schema)
    if not entries:
        return "parameters: none\n"
    for entry in entries:
        state = "required" if entry.default is None else f"default: {entry.default}"
        lines.append(f"  {entry.path}  ({entry.kind}; {state})")
        lines += _wrapped(entry.description or entry.title, "      ")
    return "\n".join(lines) + "\n"


def template(schema: Mapping[str, Any]) -> str:
    """Return a parameters file in YAML to complete: defaults are comments, required values are empty."""
    lines = _comment(schema.get("title", ""))
    lines += _comment(
        "Required parameters have no value yet. A name directly after a `#` has a default: to set another "
        "value, remove the `#` before it and the `#` before the name of its step."
    )
    steps = schema.get("properties", {})
    for step, own in groupby(parameters(schema), key=lambda entry: entry.step):
        lines += ["", *_comment(steps[step].get("title", "")), *_step_lines(step, list(own))]
    if not steps:
        lines.append("# The workflow has no parameters.")
    return "\n".join(lines) + "\n"


def _step_lines(step: str, entries: Sequence[ParameterText]) -> Iterator[str]:
    is_needed = any(entry.default is None for entry in entries)
    yield f"{step}:" if is_needed else f"#{step}:"
    for entry in entries:
        words = f"{entry.title}: {entry.description}" if entry.description else entry.title
        yield from _wrapped(words, "  # ")
        if entry.default is None:
            yield f"  # ({entry.kind}; required)"
            yield f"  {entry.name}:"
        else:
            yield f"  # ({entry.kind})"
            yield f"  #{entry.name}: {entry.default}"


def _comment(text: str) -> list[str]:
    return _wrapped(text, "# ")


def _wrapped(text: str, beginning: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=beginning, subsequent_indent=beginning, break_long_words=False
    )


def _kind(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Describe the type of a value, without its limits."""
    reference = schema.get("$ref", "")
    if reference:
        # Its definition may contain itself, so it is not taken apart.
        return str(definitions.get(reference.removeprefix(_REF), {}).get("title") or "mapping")
    if "enum" in schema:
        return " | ".join(_value(value) for value in schema["enum"])
    if "const" in schema:
        return _value(schema["const"])
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return " or ".join(dict.fromkeys(_kind(choice, definitions) for choice in choices))
    return _named(schema, definitions)


def _named(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    kinds = schema.get("type", "any value")
    if isinstance(kinds, list):
        return " or ".join(_TYPES.get(str(kind), str(kind)) for kind in kinds)
    if kinds == "string":
        return _FORMATS.get(schema.get("format", ""), "text")
    if kinds == "array" and isinstance(schema.get("items"), dict):
        return f"list of {_kind(schema['items'], definitions)}"
    return _TYPES.get(str(kinds), str(kinds))


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
