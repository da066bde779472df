"""Tasks that make single values of columns and give them units, by the names of ecoscope-workflows-core."""

from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, ClassVar, TypeAlias

from pydantic import Field

from flowlock_core.errors import TaskError
from flowlock_core.tables import require_columns
from flowlock_core.task import task
from flowlock_core.tasks.groupby import Function, aggregate_value
from flowlock_core.types import DataFrame, Wired


class Unit(Enum):
    """A unit of length, area, time or speed."""

    METER = "m"
    KILOMETER = "km"
    SQUARE_METER = "m²"
    SQUARE_KILOMETER = "km²"
    SECOND = "s"
    MINUTE = "min"
    HOUR = "h"
    DAY = "d"
    METERS_PER_SECOND = "m/s"
    KILOMETERS_PER_HOUR = "km/h"


# What a unit measures, and how many of the first unit of its kind it is.
_MEASURES = {
    Unit.METER: ("length", 1.0),
    Unit.KILOMETER: ("length", 1000.0),
    Unit.SQUARE_METER: ("area", 1.0),
    Unit.SQUARE_KILOMETER: ("area", 1e6),
    Unit.SECOND: ("time", 1.0),
    Unit.MINUTE: ("time", 60.0),
    Unit.HOUR: ("time", 3600.0),
    Unit.DAY: ("time", 86400.0),
    Unit.METERS_PER_SECOND: ("speed", 1.0),
    Unit.KILOMETERS_PER_HOUR: ("speed", 1 / 3.6),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantity(Wired):
    """A number with a unit; an empty value has none to show."""

    phrase: ClassVar[str] = "a number with a unit"

    value: float | int | None
    unit: Unit | None = None


Rows: TypeAlias = Annotated[DataFrame, Field(title="Table", description="The table to read.")]
Column: TypeAlias = Annotated[str, Field(title="Column", description="The column of the values.")]
UnitOf: TypeAlias = Annotated[
    Unit | None, Field(title="Unit", description="The unit of the value; none if empty.")
]
NewUnit: TypeAlias = Annotated[
    Unit | None, Field(title="New unit", description="The unit to convert to; the same if empty.")
]


@task
def dataframe_count(df: Rows) -> int:
    """Count a table's rows."""
    return len(df)


@task
def dataframe_column_mean(df: Rows, column_name: Column) -> int | float | str | None:
    """Return the mean of a column; an empty value if there are no values."""
    return _aggregated(df, column_name, Function.MEAN)


@task
def dataframe_column_sum(df: Rows, column_name: Column) -> int | float | str | None:
    """Return the sum of a column; an empty value if there are no values."""
    return _aggregated(df, column_name, Function.SUM)


@task
def dataframe_column_max(df: Rows, column_name: Column) -> int | float | str | None:
    """Return the greatest value of a column; an empty value if there are no values."""
    return _aggregated(df, column_name, Function.MAX)


@task
def dataframe_column_min(df: Rows, column_name: Column) -> int | float | str | None:
    """Return the least value of a column; an empty value if there are no values."""
    return _aggregated(df, column_name, Function.MIN)


@task
def dataframe_column_nunique(df: Rows, column_name: Column) -> int | float | str | None:
    """Count the different values of a column."""
    return _aggregated(df, column_name, Function.DISTINCT)


def _aggregated(df: DataFrame, column: str, function: Function) -> int | float | str | None:
    require_columns(df, [column], "column_name")
    return aggregate_value(df, column, function)


@task
def with_unit(
    value: Annotated[float | int | None, Field(title="Value", description="The number.")],
    original_unit: UnitOf = None,
    new_unit: NewUnit = None,
) -> Quantity:
    """Give a number a unit, after converting it to another one if that is set."""
    if new_unit is None:
        return Quantity(value=value, unit=original_unit)
    factor = _factor(original_unit, new_unit)
    return Quantity(value=None if value is None else value * factor, unit=new_unit)


def _factor(original: Unit | None, new: Unit) -> float:
    """Return by what a number in one unit is multiplied to be in another; a TaskError if it cannot be."""
    if original is None:
        raise TaskError("a unit is needed to convert from", parameter="original_unit")
    (measure, size), (wanted, new_size) = _MEASURES[original], _MEASURES[new]
    if measure != wanted:
        raise TaskError(
            f"{original.value} is a unit of {measure}, {new.value} of {wanted}", parameter="new_unit"
        )
    return size / new_size


@task
def map_values_with_unit(
    df: Annotated[DataFrame, Field(title="Table", description="The table to add a column to.")],
    input_column_name: Annotated[str, Field(title="Column", description="The column of numbers.")],
    output_column_name: Annotated[str, Field(title="New column", description="Its name.")],
    *,
    original_unit: UnitOf = None,
    new_unit: NewUnit = None,
    decimal_places: Annotated[
        int, Field(title="Decimals", description="Digits after the point.", ge=0, le=10)
    ] = 1,
) -> DataFrame:
    """Add a column of texts: numbers with a unit, converted to another one if that is set."""
    require_columns(df, [input_column_name], "input_column_name")
    unit = new_unit or original_unit
    factor = 1.0 if new_unit is None else _factor(original_unit, new_unit)
    suffix = f" {unit.value}" if unit else ""

    def shown(value: Any) -> str:
        return f"{value * factor:.{decimal_places}f}{suffix}"

    texts = df[input_column_name].map(shown, na_action="ignore")
    return df.assign(**{output_column_name: texts})
