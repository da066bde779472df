"""Literals are held against the types of parameters as a run holds them, and no kind changes silently."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FilePath, model_validator
from pydantic.json_schema import SkipJsonSchema, WithJsonSchema

from flowlock_core.arguments import arguments_of
from flowlock_core.execute.skip import Skipped
from flowlock_core.parameters.literals import LiteralCheck, Refusal, check_literal, refusals_of
from flowlock_core.registry import Registration
from flowlock_core.types import DataFrame, OutputName, TimeRange


class Colour(BaseModel):
    """A closed model."""

    model_config = ConfigDict(extra="forbid")

    name: str
    shade: int = 0


class Square(BaseModel):
    """One of two shapes."""

    kind: Literal["square"]
    side: int


class Circle(BaseModel):
    """The other."""

    kind: Literal["circle"]
    radius: int

    @model_validator(mode="after")
    def _positive(self) -> "Circle":
        if self.radius < 0:
            raise ValueError("the radius is negative")
        return self


Shape = Annotated[Square | Circle, Field(discriminator="kind")]


class Settings(BaseModel):
    """What a named connection needs from the environment."""

    token: str


def connected(_name: str) -> Settings:
    return Settings.model_validate({})


def broken(value: Any) -> Any:
    return value.no_such_attribute


def everything(
    *,
    names: list[str] | SkipJsonSchema[dict[str, str]] = [],  # noqa: B006 - never changed
    hidden: SkipJsonSchema[int] = 0,
    period: TimeRange | None = None,
    day: date | None = None,
    moment: datetime | None = None,
    count: int = 0,
    ratio: float = 0.0,
    exact: bool = False,
    either: str | int = 0,
    perhaps: int | Skipped = 0,
    table: DataFrame | str = "",
    colours: list[Colour] = [],  # noqa: B006 - never changed
    shape: Shape | None = None,
    written: OutputName = "a",
    file: FilePath = Path("a"),
    client: Annotated[Any, BeforeValidator(connected), WithJsonSchema({"type": "string"})] = None,
    failing: Annotated[Any, BeforeValidator(broken)] = None,
) -> None:
    """Take one of each type."""


def refusals(parameter: str, value: Any, *holes: tuple[str | int, ...]) -> list[tuple[str, ...]]:
    check = LiteralCheck.of("everything", parameter, value, holes)
    found = refusals_of(arguments_of(everything), check)
    assert [Refusal.from_json(refusal.as_json()) for refusal in found] == found
    return [(".".join(refusal.path), refusal.message) for refusal in found]


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("names", ["a"]),
        ("names", {"old": "new"}),
        ("hidden", 3),
        ("period", {"since": "2024-01-01", "until": "2024-02-29"}),
        ("day", "2024-02-29"),
        ("ratio", 1),
        ("either", "5"),
        ("either", 5),
        ("table", "a.csv"),
        ("shape", {"kind": "circle", "radius": 1}),
        ("period", None),
    ],
)
def test_what_the_type_takes_is_right(parameter: str, value: Any) -> None:
    assert not refusals(parameter, value)


@pytest.mark.parametrize(
    ("parameter", "value", "path", "words"),
    [
        ("names", {"old": 1}, "old", "expected a string, not 1"),
        ("names", 3, "", "expected a list, not 3"),
        ("hidden", "x", "", "an integer"),
        ("period", {"since": "2024-01-01", "until": "2024-02-30"}, "until", "2024-02-30"),
        ("period", {"since": "2024-02-01", "until": "2024-01-01"}, "", "is later than"),
        ("day", "2024-02-30", "", "a date such as"),
        ("written", "../a", "", "inside the results folder"),
        ("colours", [{"name": "a", "shade": "dark"}], "0.shade", "an integer"),
        ("colours", [{"shade": 1}], "0.name", "a value is required"),
        ("colours", [{"name": "a", "shad": 1}], "0.shad", "unknown key"),
        ("shape", {"kind": "circle", "radius": -1}, "", "the radius is negative"),
        ("shape", {"kind": "circel"}, "", "`circel` is not one of"),
    ],
)
def test_what_the_type_refuses_is_a_fault_at_its_part(
    parameter: str, value: Any, path: str, words: str
) -> None:
    ((where, message),) = refusals(parameter, value)
    assert where == path
    assert words in message


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("count", "5"),
        ("count", True),
        ("count", 5.0),
        ("exact", 1),
        ("exact", "yes"),
        ("ratio", "1.5"),
        ("perhaps", "5"),
        ("moment", 1700000000),
        ("day", 20240101),
    ],
)
def test_a_value_does_not_become_one_of_another_kind(parameter: str, value: Any) -> None:
    ((where, message),) = refusals(parameter, value)
    assert not where
    assert "expected" in message


def test_what_depends_on_the_machine_of_the_run_is_left_to_the_run() -> None:
    assert not refusals("file", "absent.csv")
    assert not refusals("client", "a connection")
    assert not refusals("failing", "x")


@pytest.mark.parametrize(
    ("parameter", "value", "hole"),
    [
        ("names", {"old": None}, ("old",)),
        ("names", [None], (0,)),
        ("period", {"since": "2024-01-01", "until": None}, ("until",)),
        ("colours", [None, {"name": "a"}], (0,)),
        ("shape", {"kind": None, "radius": 1}, ("kind",)),
        ("shape", {"kind": "circle", "radius": None}, ("radius",)),
    ],
)
def test_a_value_is_not_blamed_for_what_only_the_run_knows(
    parameter: str, value: Any, hole: tuple[str | int, ...]
) -> None:
    assert not refusals(parameter, value, hole)


def test_what_stands_beside_a_hole_is_checked() -> None:
    ((where, _),) = refusals("period", {"since": "2024-02-30", "until": None}, ("until",))
    assert where == "since"
    ((where, _),) = refusals("colours", [None, {"name": 1}], (0,))
    assert where == "1.name"


def test_a_task_that_cannot_be_imported_has_no_answer() -> None:
    absent = Registration(name="x", distribution="absent", target="absent_module:x")
    assert check_literal(LiteralCheck.of("x", "y", 1), absent) is None


def test_a_question_survives_json() -> None:
    check = LiteralCheck.of("task", "parameter", {"a": [None, 1.5, "x"]}, [("a", 0)])
    assert LiteralCheck.from_json(check.as_json()) == check
