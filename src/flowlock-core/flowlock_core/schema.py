"""What a task takes and gives, as data: signatures that go to JSON and back, with a JSON Schema each."""

import copy
import inspect
import sys
import types
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Annotated, Any, Literal, Self, Union, get_args, get_origin

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticSerializationError

from flowlock_core.arguments import Argument, arguments_of
from flowlock_core.task import Task, humanised

Json = Any


class Absent(Enum):
    """Stands for a default that there is not, since None is a default."""

    ABSENT = "absent"


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """One parameter of a task; `wired` ones can only come from another step, and have an empty schema."""

    name: str
    title: str
    description: str
    required: bool
    schema: Mapping[str, Json]
    annotation: str
    wired: bool
    default: Json | Absent = Absent.ABSENT

    def as_json(self) -> dict[str, Json]:
        """Return a JSON object; without a default, it has no such key."""
        document = asdict(self)
        if self.default is Absent.ABSENT:
            del document["default"]
        return document


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskSignature:
    """What a task is called, takes and gives; made without running the task."""

    name: str
    distribution: str
    module: str
    function: str
    title: str
    description: str
    tags: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    returns: str

    def as_json(self) -> dict[str, Json]:
        """Return a JSON object."""
        document = {name: getattr(self, name) for name in self.__slots__}
        parameters = [parameter.as_json() for parameter in self.parameters]
        return {**document, "tags": list(self.tags), "parameters": parameters}

    @classmethod
    def from_json(cls, document: Mapping[str, Json]) -> Self:
        """Return the signature that `as_json` wrote."""
        parameters = tuple(Parameter(**parameter) for parameter in document["parameters"])
        return cls(**{**document, "tags": tuple(document["tags"]), "parameters": parameters})


def signature(task: Task[..., Any], *, name: str | None = None, distribution: str = "") -> TaskSignature:
    """Describe a task, under the name and distribution that registered it."""
    arguments = arguments_of(task.func)
    return TaskSignature(
        name=name or task.name,
        distribution=distribution,
        module=task.func.__module__,
        function=task.func.__qualname__,
        title=task.title or humanised(task.name),
        description=_first_paragraph(task.func.__doc__),
        tags=task.tags,
        parameters=tuple(_parameter(argument) for argument in arguments.by_name.values()),
        returns=annotation_text(arguments.returns),
    )


def annotation_text(annotation: Any) -> str:
    """Write a type as its shortest importable name, without `Annotated`: `list[pandas.DataFrame]`."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return annotation_text(arguments[0])
    if origin is Literal:
        return f"Literal[{', '.join(map(repr, arguments))}]"
    if origin in (Union, types.UnionType):
        return " | ".join(annotation_text(argument) for argument in arguments)
    if origin is not None:
        inner = [
            "[" + ", ".join(map(annotation_text, a)) + "]" if isinstance(a, list) else annotation_text(a)
            for a in arguments
        ]
        return f"{_type_name(origin)}[{', '.join(inner)}]"
    return _type_name(annotation)


def _type_name(annotation: Any) -> str:
    if annotation is None or annotation is types.NoneType:
        return "None"
    if annotation is Ellipsis:
        return "..."
    if not isinstance(annotation, type):
        return str(annotation).removeprefix("typing.")
    module, name = annotation.__module__, annotation.__qualname__
    root = module.partition(".")[0]
    if module in ("builtins", "typing"):
        return name
    exported = getattr(sys.modules.get(root), name, None)
    return f"{root}.{name}" if exported is annotation else f"{module}.{name}"


def _first_paragraph(text: str | None) -> str:
    return " ".join(inspect.cleandoc(text or "").partition("\n\n")[0].split())


def _parameter(argument: Argument) -> Parameter:
    schema = _json_schema(argument)
    wired = schema is None
    field = argument.field
    title = (field.title if field else None) or humanised(argument.name)
    description = (field.description if field else None) or ""
    default = Absent.ABSENT if argument.required or wired else _json_default(argument)
    if schema is not None:
        # Without words of the parameter itself, pydantic takes the docstring of its class.
        schema.pop("description", None)
        schema |= {"title": title} | ({"description": description} if description else {})
        schema |= {} if default is Absent.ABSENT else {"default": default}
    return Parameter(
        name=argument.name,
        title=title,
        description=description,
        required=argument.required,
        schema=schema or {},
        annotation=annotation_text(argument.annotation),
        wired=wired,
        default=default,
    )


class _NotJsonError(Exception):
    """A type has a part that JSON cannot say."""


class _Generator(GenerateJsonSchema):
    """pydantic's generator, which leaves a choice out of a union where ours refuses the whole type."""

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> Any:
        """Refuse."""
        raise _NotJsonError(f"{schema['type']}: {error_info}")


def _json_schema(argument: Argument) -> dict[str, Json] | None:
    """Return a parameter's schema, or None for a type that only another step can give.

    Of a union such as `str | DataFrame` the choices that JSON can say remain.
    """
    if (schema := _schema_of(argument.adapter)) is not None:
        return schema
    annotation = argument.annotation
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) not in (Union, types.UnionType):
        return None
    choices = [Argument(argument.name, choice, None) for choice in get_args(annotation)]
    kept = [choice.annotation for choice in choices if _schema_of(choice.adapter) is not None]
    if set(kept) <= {types.NoneType}:
        return None
    union: Any = Union[tuple(kept)]  # noqa: UP007 - of a tuple
    return _schema_of(Argument(argument.name, union, None).adapter)


def _schema_of(adapter: TypeAdapter[Any]) -> dict[str, Json] | None:
    try:
        return inlined_defs(adapter.json_schema(schema_generator=_Generator))
    except _NotJsonError:
        return None


def inlined_defs(schema: Mapping[str, Json]) -> dict[str, Json]:
    """Replace references to `$defs` by what they name; only types that contain themselves stay there."""
    definitions = dict(schema.get("$defs", {}))
    recursive: set[str] = set()

    def walk(node: Json, inside: tuple[str, ...]) -> Json:
        if isinstance(node, list):
            return [walk(item, inside) for item in node]
        if not isinstance(node, dict):
            return node
        name = str(node.get("$ref", "")).removeprefix("#/$defs/")
        if name in definitions:
            if name in inside:
                recursive.add(name)
                return dict(node)
            beside = {key: value for key, value in node.items() if key != "$ref"}
            found = walk(definitions[name], (*inside, name))
            if "enum" in found:
                # An enum's title and description are its class's name and docstring: no words for a form.
                found = {key: value for key, value in found.items() if key not in ("title", "description")}
            return {**found, **walk(beside, inside)}
        return {key: walk(value, inside) for key, value in node.items() if key != "$defs"}

    document: dict[str, Json] = walk(copy.deepcopy(dict(schema)), ())
    if recursive:
        document["$defs"] = {name: definitions[name] for name in sorted(_reachable(recursive, definitions))}
    return document


def _reachable(names: set[str], definitions: Mapping[str, Json]) -> set[str]:
    found, pending = set(names), list(names)
    while pending:
        text = str(definitions[pending.pop()])
        new = {name for name in definitions if f"'#/$defs/{name}'" in text} - found
        found |= new
        pending += new
    return found


def _json_default(argument: Argument) -> Json | Absent:
    try:
        return argument.adapter.dump_python(argument.default, mode="json", warnings=False)
    except (PydanticSerializationError, TypeError, ValueError):
        return Absent.ABSENT
