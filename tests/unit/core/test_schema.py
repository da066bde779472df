"""Signatures of tasks: what forms and the compiler see."""

import json
import subprocess
import sys
from collections.abc import Callable
from enum import Enum
from typing import Annotated, Any, Literal

import pandas as pd
import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

from flowlock_core.documents.schema_references import inlined_defs
from flowlock_core.schema import Parameter, TaskSignature, annotation_text, signature
from flowlock_core.task import task
from flowlock_core.types import DataFrame, GroupKey, InputPath


class Kind(Enum):
    """Docstring of the class."""

    A = "a"


class Part(BaseModel):
    """A part."""

    size: Annotated[int, Field(title="Size", ge=1)]


class Tree(BaseModel):
    """Contains itself."""

    children: "list[Tree]" = []


@task(tags=("io",))
def many(  # noqa: PLR0917 - one of each kind
    df: pd.DataFrame,
    path: Annotated[InputPath, Field(title="File", description="What to read.")],
    kind: Kind = Kind.A,
    parts: list[Part] = [],  # noqa: B006 - never changed
    either: str | DataFrame = "x",
    perhaps: DataFrame | None = None,
    tree: Tree = Tree(),  # noqa: B008 - never changed
    anything: Any = None,
    function: Callable[[int], int] = abs,
    field: int = Field(default=5, description="Given by pydantic."),
) -> list[tuple[GroupKey, pd.DataFrame]]:
    """Do many things,
    on two lines.

    The second paragraph is not shown.
    """
    del df, path, kind, parts, either, perhaps, tree, anything, function, field
    return []


@pytest.fixture
def parameters() -> dict[str, Parameter]:
    return {parameter.name: parameter for parameter in signature(many).parameters}


def test_a_signature_survives_json() -> None:
    found = signature(many, name="other", distribution="dist")
    assert TaskSignature.from_json(json.loads(json.dumps(found.as_json()))) == found


def test_the_description_is_the_first_paragraph() -> None:
    assert signature(many).description == "Do many things, on two lines."


def test_types_without_json_are_wired(parameters: dict[str, Parameter]) -> None:
    wired = {name for name, parameter in parameters.items() if parameter.wired}
    assert wired == {"df", "perhaps", "function"}
    assert all(not parameters[name].schema for name in wired)


def test_of_a_union_the_part_that_json_can_say_remains(parameters: dict[str, Parameter]) -> None:
    assert parameters["either"].schema["type"] == "string"


def test_words_for_forms_come_from_the_field_or_the_name(parameters: dict[str, Parameter]) -> None:
    assert (parameters["path"].title, parameters["path"].description) == ("File", "What to read.")
    assert parameters["anything"].title == parameters["anything"].schema["title"] == "Anything"


def test_the_name_of_an_enum_is_no_title(parameters: dict[str, Parameter]) -> None:
    expected = {"enum": ["a"], "type": "string", "title": "Kind", "default": "a"}
    assert parameters["kind"].schema == expected


def test_definitions_are_inlined(parameters: dict[str, Parameter]) -> None:
    assert parameters["parts"].schema["items"]["properties"]["size"]["minimum"] == 1
    assert "$defs" not in parameters["parts"].schema


def test_a_type_that_contains_itself_keeps_its_definition(parameters: dict[str, Parameter]) -> None:
    schema = parameters["tree"].schema
    assert list(schema["$defs"]) == ["Tree"]
    validator = Draft202012Validator(schema)
    assert validator.is_valid({"children": [{"children": []}]})
    assert not validator.is_valid({"children": [{"children": 1}]})


def test_defaults_of_pydantic_fields_count(parameters: dict[str, Parameter]) -> None:
    assert not parameters["field"].required
    assert parameters["field"].default == 5


def test_a_required_parameter_has_no_default_in_json(parameters: dict[str, Parameter]) -> None:
    assert "default" not in parameters["path"].as_json()
    assert parameters["anything"].as_json()["default"] is None


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (pd.DataFrame, "pandas.DataFrame"),
        (DataFrame, "pandas.DataFrame"),
        (list[DataFrame], "list[pandas.DataFrame]"),
        (int | None, "int | None"),
        (Literal["a", 1], "Literal['a', 1]"),
        (Annotated[int, Field(ge=0)], "int"),
        (tuple[str, ...], "tuple[str, ...]"),
        (Callable[[int], str], "collections.abc.Callable[[int], str]"),
        (Any, "Any"),
    ],
)
def test_annotations_are_written_by_their_public_names(annotation: Any, text: str) -> None:
    assert annotation_text(annotation) == text


def test_mutually_recursive_definitions_are_all_kept() -> None:
    one = {"type": "object", "properties": {"other": {"$ref": "#/$defs/Two"}}}
    two = {"type": "object", "properties": {"other": {"$ref": "#/$defs/One"}}}
    schema = inlined_defs({"$ref": "#/$defs/One", "$defs": {"One": one, "Two": two}})
    assert set(schema["$defs"]) == {"One", "Two"}
    Draft202012Validator.check_schema(schema)


def test_describing_our_own_tasks_imports_no_pandas() -> None:
    code = (
        "import sys; from flowlock_core.schema import signature;"
        "from flowlock_core.tasks import filter, groupby, io, results, skip, transform;"
        "from flowlock_core.task import Task;"
        "found = [v for m in (filter, groupby, io, results, skip, transform) for v in vars(m).values()"
        " if isinstance(v, Task)];"
        "[signature(t) for t in found]; assert len(found) >= 20;"
        "sys.exit('pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class Frame:
    """Something that JSON cannot say."""


Own = Annotated[Frame, WithJsonSchema({"type": "some.Frame"})]


class Titled(BaseModel):
    """A type whose title is not its name."""

    model_config = ConfigDict(title="A title")

    places: int | SkipJsonSchema[None] = 2


def test_null_that_forms_do_not_show_is_accepted_however_deep_it_stands() -> None:
    @task
    def some(items: list[Titled], name: str | SkipJsonSchema[None] = None, size: int = 1) -> None: ...

    items, name, size = signature(some).parameters
    assert items.accepts is not None
    assert items.schema["items"]["properties"]["places"]["type"] == "integer"
    assert items.accepts["items"]["properties"]["places"]["type"] == ["integer", "null"]
    assert name.accepts is not None
    assert (name.schema["type"], name.accepts["type"]) == ("string", ["string", "null"])
    assert size.accepts is None


def test_choices_and_fields_that_forms_do_not_show_are_accepted() -> None:
    class Partly(BaseModel):
        model_config = ConfigDict(extra="forbid")

        shown: int = 1
        hidden: SkipJsonSchema[int] = 2

    @task
    def some(
        names: Annotated[list[str] | SkipJsonSchema[dict[str, str]], Field(description="Words.")],
        part: Partly,
        whole: SkipJsonSchema[int] = 3,
    ) -> None: ...

    names, part, whole = signature(some).parameters
    assert names.schema == {
        "type": "array",
        "items": {"type": "string"},
        "title": "Names",
        "description": "Words.",
    }
    assert "hidden" not in part.schema["properties"]
    accepts = Draft202012Validator(names.accepts or {})
    assert accepts.is_valid(["a"])
    assert accepts.is_valid({"old": "new"})
    assert not accepts.is_valid(3)
    assert Draft202012Validator(part.accepts or {}).is_valid({"hidden": 3})
    assert whole.hidden
    assert whole.schema["type"] == "integer"


def test_a_hook_of_a_form_sees_the_shape_that_it_knows() -> None:
    def named(schema: dict[str, Any]) -> None:
        schema["items"]["title"] = "One"

    @task
    def some(names: Annotated[list[str] | SkipJsonSchema[None], Field(json_schema_extra=named)]) -> None: ...

    (names,) = signature(some).parameters
    assert names.schema["items"]["title"] == "One"


def test_a_type_is_found_by_its_class_where_it_stands() -> None:
    @task
    def some(one: Titled, many: dict[str, list[Titled | str]]) -> None: ...

    one, many = signature(some).parameters
    assert one.types == {"Titled": [[]]}
    assert many.types == {"Titled": [["additionalProperties", "items", "anyOf", 0]]}
    assert TaskSignature.from_json(json.loads(json.dumps(signature(some).as_json()))) == signature(some)


def test_types_that_name_a_json_type_of_their_own_are_wired_and_left_out_of_unions() -> None:
    @task
    def some(frame: Own, texts: list[str | Own], frames: list[Own | Frame], perhaps: Own | None) -> None: ...

    found = {one.name: one for one in signature(some).parameters}
    assert {name for name, one in found.items() if one.wired} == {"frame", "frames", "perhaps"}
    assert found["texts"].schema["items"] == {"type": "string"}
