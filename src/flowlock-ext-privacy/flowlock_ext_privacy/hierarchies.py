"""Hierarchies: how the values of a column become coarser, level by level."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowlock_ext_privacy.classes.columns import CodedColumn
    from flowlock_ext_privacy.classes.levels import Level

Width = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Period(Enum):
    """A part of the calendar."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    DECADE = "decade"


class Hierarchy(BaseModel):
    """The levels of a column, from fine to coarse, given in one of four ways; `*` follows the last."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    widths: Annotated[
        tuple[Width, ...],
        Field(title="Widths", description="For numbers: the widths of the ranges, such as 5, 10, 20."),
    ] = ()
    periods: Annotated[
        tuple[Period, ...],
        Field(title="Periods", description="For dates and times: such as month, quarter, year, decade."),
    ] = ()
    prefixes: Annotated[
        tuple[Annotated[int, Field(ge=1)], ...],
        Field(
            title="Prefixes",
            description="For codes: the numbers of leading characters that are kept, such as 4, 2.",
        ),
    ] = ()
    words: Annotated[
        dict[str, tuple[str, ...]],
        Field(
            title="Words",
            description="For words: for each value, what it becomes on each level, such as "
            "Lisbon: [Portugal, Europe].",
        ),
    ] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _require_one_way(self) -> Self:
        ways = [way for way in (self.widths, self.periods, self.prefixes, self.words) if way]
        if len(ways) != 1:
            raise ValueError("expected exactly one of `widths`, `periods`, `prefixes` and `words`")
        if len({len(levels) for levels in self.words.values()}) > 1:
            raise ValueError("each value under `words` needs the same number of levels")
        return self

    def levels(self, column: "CodedColumn", parameter: str) -> "Iterator[Level]":
        """Yield the levels of a column between its values and `*`; a TaskError if the column does not fit."""
        from flowlock_ext_privacy.classes import levels

        if self.widths:
            yield from levels.of_widths(column, self.widths, parameter)
        elif self.periods:
            yield from levels.of_periods(column, [period.value for period in self.periods], parameter)
        elif self.prefixes:
            yield from levels.of_prefixes(column, self.prefixes)
        else:
            yield from levels.of_words(column, self.words, parameter)
