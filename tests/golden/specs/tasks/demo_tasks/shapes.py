"""Values of all shapes."""

from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from flowlock_core.task import task
from flowlock_core.types import DataFrame, GroupKey


class Color(Enum):
    """A closed choice."""

    RED = "red"
    GREEN = "green"


class Style(BaseModel):
    """A mapping with known keys."""

    model_config = ConfigDict(extra="forbid")

    color: Color = Color.RED
    width: int = 1
    label: str | None = None


class Node(BaseModel):
    """A type that contains itself."""

    name: str
    children: "list[Node]" = []


@task
def number(value: float = 1.0) -> float:
    """Give a number."""
    return value


@task
def whole(value: int) -> int:
    """Give an integer."""
    return value


@task
def add(left: float, right: float) -> float:
    """Add two numbers."""
    return left + right


@task
def text(words: str, *, upper: bool = False) -> str:
    """Give a text."""
    return words.upper() if upper else words


@task
def anything(value: Any = None, *, more: Any = None) -> Any:
    """Take whatever there is."""
    return [value, more]


@task
def since(time: datetime) -> datetime:
    """Give a moment."""
    return time


@task
def outline(root: Node) -> str:
    """Write a tree."""
    return root.name


@task
def split(
    df: DataFrame, *, by: Annotated[list[str], Field(min_length=1)]
) -> list[tuple[GroupKey, DataFrame]]:
    """Split rows in groups."""
    raise NotImplementedError(df, by)


@task
def merge(frames: list[DataFrame], *, names: dict[str, str] | None = None) -> DataFrame:
    """Put tables together."""
    raise NotImplementedError(frames, names)


@task
def draw(
    df: DataFrame,
    *,
    style: Style,
    kind: Literal["bar", "line"] = "bar",
    columns: list[str] | None = None,
    extra: DataFrame | None = None,
) -> str:
    """Draw rows."""
    raise NotImplementedError(df, style, kind, columns, extra)


@task
def page(*, widgets: list[Any], title: str = "") -> dict[str, Any]:
    """Put widgets on a page."""
    return {"widgets": widgets, "title": title}


@task
def restyle(style: Style) -> Style:
    """Take a value of a class."""
    return style
