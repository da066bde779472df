"""What a task takes and gives, as data: signatures that go to JSON and back, with a JSON Schema each."""

import inspect
import sys
import types
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Annotated, Any, Literal, Self, Union, cast, get_args, get_origin

from pydantic.json_schema import GenerateJsonSchema, SkipJsonSchema
from pydantic_core import PydanticOmit, PydanticSerializationError

from flowlock_core.arguments import Argument, arguments_of
from flowlock_core.documents.schema_references import inlined
from flowlock_core.task import Task, humanised

Json = Any
# Where pydantic keeps what annotations do to the schema of a type; `SkipJsonSchema` is one.
_ANNOTATIONS = "pydantic_js_annotation_functions"
_HIDDEN = "flowlock:hidden"
_JSON_TYPES = {"string", "number", "integer", "boolean", "object", "array", "null"}


class Absent(Enum):
    """Stands for a missing default, since None is a default."""

    ABSENT = "absent"


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """One parameter of a task; `wired` ones can only come from another step, and have an empty schema.

    `accepts` is the schema of what may be given, where a form shows less (`SkipJsonSchema`). `types`
    says where in the schema a type stands: class name → paths. A `hidden` one is in no form: the spec
    gives it. Of one that is given as the name of a connection, `connection` has the `kind`, and the
    `package` and `version` that it needs, if it needs one.
    """

    name: str
    title: str
    description: str
    required: bool
    schema: Mapping[str, Json]
    annotation: str
    wired: bool
    default: Json | Absent = Absent.ABSENT
    accepts: Mapping[str, Json] | None = None
    types: Mapping[str, Sequence[Sequence[str | int]]] = field(default_factory=dict)
    hidden: bool = False
    connection: Mapping[str, str] | None = None

    @property
    def given_as(self) -> str:
        """What people give: the name of a connection, or a value of the type."""
        kind = (self.connection or {}).get("kind")
        return f"name of a connection ({kind})" if kind else self.annotation

    def as_json(self) -> dict[str, Json]:
        """Return a JSON object; without a default, it has no key of that name."""
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
        description=" ".join(inspect.cleandoc(task.func.__doc__ or "").partition("\n\n")[0].split()),
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


def _parameter(argument: Argument) -> Parameter:
    accepted = _json_schema(argument, _Accepting)
    try:
        shown = _json_schema(argument, _Generator)
        hidden = False
    except PydanticOmit:
        shown, hidden = accepted, True
    title, description = _parameter_texts(argument)
    if shown is None:
        return Parameter(
            name=argument.name,
            title=title,
            description=description,
            required=argument.required,
            schema={},
            annotation=annotation_text(argument.annotation),
            wired=True,
            default=Absent.ABSENT,
            accepts=None,
            types={},
            hidden=hidden,
        )
    schema, types = shown
    accepts = _with_hidden_choices(accepted[0]) if accepted and accepted[0] != schema else None
    default = Absent.ABSENT if argument.required else _json_default(argument)
    return Parameter(
        name=argument.name,
        title=title,
        description=description,
        required=argument.required,
        schema=_annotated_schema(schema, title, description, default),
        annotation=annotation_text(argument.annotation),
        wired=False,
        default=default,
        accepts=accepts,
        types=types,
        hidden=hidden,
        connection=_connection(argument),
    )


def _connection(argument: Argument) -> dict[str, str] | None:
    model = argument.connection
    if model is None:
        return None
    if model.needs is None:
        return {"kind": model.kind}
    return {"kind": model.kind, "package": model.needs.package, "version": model.needs.version}


def _parameter_texts(argument: Argument) -> tuple[str, str]:
    """Return a parameter's title and description; without its own title, its name makes one."""
    field = argument.field
    if field is None:
        return humanised(argument.name), ""
    return field.title or humanised(argument.name), field.description or ""


def _annotated_schema(schema: dict[str, Any], title: str, description: str, default: Any) -> dict[str, Any]:
    """Return a schema with the parameter's own title, description and default."""
    # pydantic uses the docstring of the type's class when the parameter itself has no description.
    annotated = {key: value for key, value in schema.items() if key != "description"}
    annotated["title"] = title
    if description:
        annotated["description"] = description
    if default is not Absent.ABSENT:
        annotated["default"] = default
    return annotated


class _NotJsonError(Exception):
    """A type has a part that JSON cannot represent."""


class _Generator(GenerateJsonSchema):
    """pydantic's generator, which says of a union such as `str | DataFrame` what JSON can represent of it.

    It refuses a type that JSON cannot represent at all, and does not warn of the choices that it leaves out.
    """

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> Any:
        """Refuse."""
        raise _NotJsonError(f"{schema['type']}: {error_info}")

    def generate_inner(self, schema: Any) -> Any:
        """Refuse what names a custom type, as `WithJsonSchema({"type": "my.DataFrame"})` does."""
        resolved = super().generate_inner(schema)
        named = resolved.get("type")
        if isinstance(named, str) and named not in _JSON_TYPES:
            raise _NotJsonError(named)
        return resolved

    def union_schema(self, schema: Any) -> Any:
        """Leave out choices that JSON cannot represent; without one that is more than null, refuse."""
        kept = [choice for choice in schema["choices"] if self._can_say(_choice(choice))]
        if all(_choice(choice)["type"] == "none" for choice in kept):
            raise _NotJsonError("a union of types that are not of JSON")
        fewer = schema.copy()
        fewer["choices"] = kept
        return super().union_schema(fewer)

    def _can_say(self, choice: Any) -> bool:
        try:
            self.generate_inner(choice)
        except _NotJsonError:
            return False
        except PydanticOmit:
            return True
        return True


class _Accepting(_Generator):
    """Says also what `SkipJsonSchema` hides from forms: choices and fields that may be given."""

    def generate_inner(self, schema: Any) -> Any:
        """Generate the schema of a type as if it were not hidden."""
        metadata = schema.get("metadata", {})
        functions = metadata.get(_ANNOTATIONS, ())
        if any(map(_hides, functions)):
            shown = [function for function in functions if not _hides(function)]
            schema = {**schema, "metadata": {**metadata, _ANNOTATIONS: shown}}
        return super().generate_inner(schema)

    def union_schema(self, schema: Any) -> Any:
        """Add the choices that are not shown beside the others, whose shape a task may rely on."""
        hidden = [choice for choice in map(_choice, schema["choices"]) if _is_hidden(choice)]
        if not hidden or len(hidden) == len(schema["choices"]):
            return super().union_schema(schema)
        fewer = schema.copy()
        fewer["choices"] = [choice for choice in schema["choices"] if not _is_hidden(_choice(choice))]
        accepted = super().union_schema(fewer)
        for choice in hidden:
            if choice["type"] == "none":
                accepted = _nullable(accepted)
            elif self._can_say(choice):
                accepted.setdefault(_HIDDEN, []).append(self.generate_inner(choice))
        return accepted


def _hides(function: Any) -> bool:
    # To type checkers it is an alias, at run time a class.
    mark = cast("type", SkipJsonSchema)
    return isinstance(getattr(function, "__self__", None), mark)


def _is_hidden(choice: Any) -> bool:
    return any(map(_hides, choice.get("metadata", {}).get(_ANNOTATIONS, ())))


def _with_hidden_choices(node: Json) -> Json:
    """Turn the choices next to a schema into a union with it."""
    if isinstance(node, list):
        return [_with_hidden_choices(item) for item in node]
    if not isinstance(node, dict):
        return node
    shown = {key: _with_hidden_choices(value) for key, value in node.items() if key != _HIDDEN}
    if _HIDDEN not in node:
        return shown
    words = {key: shown.pop(key) for key in ("title", "description", "default", "$defs") if key in shown}
    return {**words, "anyOf": [shown, *_with_hidden_choices(node[_HIDDEN])]}


def _nullable(schema: dict[str, Json]) -> dict[str, Json]:
    """Add null to a schema and keep its shape, which a task's `json_schema_extra` may rely on."""
    null = {"type": "null"}
    for union in ("anyOf", "oneOf"):
        if union in schema:
            choices = schema[union]
            return schema if null in choices else {**schema, union: [*choices, null]}
    if isinstance(schema.get("type"), str) and not schema.keys() & {"enum", "const"}:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, null]}


def _choice(choice: Any) -> Any:
    """Return a choice of a union without its label."""
    return choice[0] if isinstance(choice, tuple) else choice


def _json_schema(
    argument: Argument, generator: type[_Generator]
) -> tuple[dict[str, Json], dict[str, list[list[str | int]]]] | None:
    """Return a parameter's schema and where types occur in it, or None for what only a step can give."""
    try:
        schema, types = inlined(argument.adapter.json_schema(schema_generator=generator))
    except _NotJsonError:
        return None
    annotation = argument.annotation
    whole = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    if isinstance(whole, type) and schema.keys() & {"properties", "enum"}:
        types.setdefault(whole.__name__, []).append([])
    return schema, types


def _json_default(argument: Argument) -> Json | Absent:
    try:
        return argument.adapter.dump_python(argument.default, mode="json", warnings=False)
    except (PydanticSerializationError, TypeError, ValueError):
        return Absent.ABSENT
