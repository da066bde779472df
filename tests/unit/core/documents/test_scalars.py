"""Plain scalars, as YAML 1.2 has them."""

import math

import pytest

from flowlock_core.documents.scalars import NumberError, Plain, plain_value


@pytest.mark.parametrize(
    "text",
    ["on", "off", "yes", "No", "y", "12:30", "1:30:00", "2024-01-01", "2024-01-01T00:00:00Z", "01.02.2024",
     "1_000", "0b11", "=", "<<", "tRue", "nULL", "1e", "e5", ".", "-", "+", "--1", "0x", "0o8", "1,5",
     "+0x1f", "١٢"],
)  # fmt: skip
def test_what_is_not_a_number_of_yaml_1_2_is_a_text(text: str) -> None:
    assert plain_value(text) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("FALSE", False), ("", None), ("~", None), ("Null", None), ("0", 0), ("-12", -12),
     ("+5", 5), ("0o10", 8), ("0x1F", 31), ("1e5", 1e5), ("1.", 1.0), (".5", 0.5), ("-1.5E-3", -1.5e-3),
     ("-.inf", -math.inf), ("9007199254740993", 9007199254740993), ("0.0", 0.0), ("0e3", 0.0)],
)  # fmt: skip
def test_words_and_numbers_have_values(text: str, value: Plain) -> None:
    found = plain_value(text)
    assert (type(found), found) == (type(value), value)


def test_nan_is_a_number() -> None:
    found = plain_value(".nan")
    assert isinstance(found, float)
    assert math.isnan(found)


@pytest.mark.parametrize("text", ["007", "-01", "00", "010", "01.5", "0123e4"])
def test_a_leading_zero_is_refused_with_both_ways_out(text: str) -> None:
    with pytest.raises(NumberError, match="begins with a zero") as caught:
        plain_value(text)
    assert "quotes" in caught.value.hint


@pytest.mark.parametrize("text", ["1e999", "-1e999", "9" * 401, "0x" + "f" * 400, "1." + "0" * 400])
def test_a_number_beyond_all_bounds_is_refused(text: str) -> None:
    with pytest.raises(NumberError, match=r"is too (large|long)"):
        plain_value(text)
