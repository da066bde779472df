"""Steps whose signatures say less, or other things, to forms than to Python."""

from typing import Annotated, Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue, SkipJsonSchema
from pydantic_core.core_schema import CoreSchema

from flowlock_core.task import task

Frame = Annotated[pd.DataFrame, WithJsonSchema({"type": "published_tasks.Frame"})]


class Marker:
    """Something that only a step can give."""


class ByValue(BaseModel):
    """Groups by a column; which columns there are is left to the spec's overrides."""

    model_config = ConfigDict(title="Category")

    index_name: str

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Leave the choice empty."""
        name = {"type": "string", "title": "Category", "oneOf": []}
        return {"type": "object", "title": "Category", "properties": {"index_name": name}}


class ByTime(BaseModel):
    """Groups by a part of the time."""

    model_config = ConfigDict(title="Time")

    part: str


class Total(BaseModel):
    """A column to sum up."""

    column: str
    places: int | SkipJsonSchema[None] = 2


@task
def regroup(
    rows: Frame,
    by: list[ByValue | ByTime] | SkipJsonSchema[None] = None,
    region: Frame | SkipJsonSchema[None] = None,
    title: Annotated[str | SkipJsonSchema[None], Field(title=" ")] = None,
) -> list[tuple[str, Frame]]:
    """Group rows anew."""
    raise NotImplementedError


@task
def summarise(rows: Frame, totals: list[Total], labels: list[str | Marker], other: Frame | None) -> Frame:
    """Sum up columns."""
    raise NotImplementedError


@task
def hide(flag: bool) -> bool:
    """Turn a flag round."""
    return not flag


@task
def is_small(*args: Any) -> bool:
    """Tell whether there is little to do."""
    return len(args) < 1


@task
def all_geometry_are_none(*args: Any) -> bool:
    """Tell what the run time's condition of this name tells."""
    return not args
