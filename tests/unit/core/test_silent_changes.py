"""No value of a spec or a parameters file becomes another one silently, whatever type a task asks for."""

from datetime import date, datetime, time, timedelta
from inspect import Parameter
from typing import Any

import pytest
from pydantic import BaseModel

from flowlock_core.arguments import Argument


class Season(BaseModel):
    since: datetime
    weeks: int = 3


def refusals(annotation: Any, value: Any) -> list[tuple[str | None, str]]:
    problems = Argument("p", annotation, Parameter.empty).problems(value, None)
    return [(problem.parameter, problem.message) for problem in problems]


@pytest.mark.parametrize(
    "value", [0, 1700000000, 5.5, "2024", "1700000000", "-1", "20240131", " 7 ", "now", "today"]
)
@pytest.mark.parametrize("annotation", [datetime, datetime | None])
def test_numbers_and_words_are_not_times(annotation: Any, value: Any) -> None:
    ((parameter, message),) = refusals(annotation, value)
    assert parameter == "p"
    assert message.startswith("expected a date or time such as")


@pytest.mark.parametrize(
    ("annotation", "value", "parameter"),
    [
        (list[date], ["2024-01-01", "0"], "p.1"),
        (dict[str, datetime], {"a": "3"}, "p.a"),
        (tuple[int, datetime], [1, "7"], "p.1"),
        (Season, {"since": "1700000000"}, "p.since"),
        (list[Season], [{"since": "2024-01-01"}, {"since": "7"}], "p.1.since"),
        (set[date], ["2024-01-01", "0"], "p.1"),
        (frozenset[datetime], ["3", "2024-01-01"], "p.0"),
    ],
)
def test_the_part_of_a_value_that_is_no_time_is_named(annotation: Any, value: Any, parameter: str) -> None:
    assert [where for where, _ in refusals(annotation, value)] == [parameter]


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (int, "5"),
        (int, 5.0),
        (float, "1.5"),
        (str, 5),
        (bool, 1),
        (bool, "yes"),
        (time, 5),
        (timedelta, 5),
        (Season, {"since": "2024-01-01T00:00", "weeks": "5"}),
        (datetime, "2024-01-31T10:00:00.1234567"),
    ],
)
def test_a_change_of_kind_or_of_digits_is_refused(annotation: Any, value: Any) -> None:
    assert len(refusals(annotation, value)) == 1


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (datetime, "2024-01-31"),
        (datetime, "2024-01-31T10:00:00.123000000"),
        (datetime, "2024-01-31 10:00+01:00"),
        (datetime | None, None),
        (datetime | int, 5),
        (datetime | str, "2024"),
        (list[date], ["2024-01-31"]),
        (set[date], ["2024-01-31", "2024-01-31"]),
        (set[int], []),
        (time, "12:30"),
        (timedelta, "PT1H"),
        (float, 1),
        (Season, {"since": "2024-01-01", "weeks": 5}),
    ],
)
def test_what_a_value_says_is_accepted(annotation: Any, value: Any) -> None:
    assert refusals(annotation, value) == []
