import pytest

from flowlock.spec.types import fits, read

GROUPS = "list[tuple[tuple[tuple[str, str, Any], ...], pandas.DataFrame]]"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("int", "float"),
        ("bool", "int"),
        ("str", "pathlib.Path"),
        ("str", "float"),
        ("Any", "pandas.DataFrame"),
        ("pandas.DataFrame", "Any"),
        ("my.Model", "pandas.DataFrame"),
        ("int", "str | int"),
        ("int | str", "str"),
        ("list[int]", "list[float]"),
        ("list", "list[float]"),
        ("tuple[int, ...]", "list[float]"),
        ("tuple[int, str]", "tuple[float, str]"),
        (GROUPS, GROUPS),
        ("geopandas.GeoDataFrame", "pandas.DataFrame"),
        ("not ( a type", "int"),
        ("Literal['a', 'b']", "str"),
        ("None", "int | None"),
    ],
)
def test_what_may_be_right_is_no_misfit(given: str, expected: str) -> None:
    assert fits(read(given), read(expected))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("pandas.DataFrame", "int"),
        ("pandas.DataFrame", "list[pandas.DataFrame]"),
        ("list[pandas.DataFrame]", "pandas.DataFrame"),
        (GROUPS, "pandas.DataFrame"),
        ("dict[str, int]", "list[int]"),
        ("int", "str"),
        ("None", "pandas.DataFrame"),
        ("list[pandas.DataFrame]", "list[int]"),
        ("tuple[int, str]", "tuple[int, str, int]"),
        ("int | float", "str | list[int]"),
    ],
)
def test_what_cannot_be_right_is_a_misfit(given: str, expected: str) -> None:
    assert not fits(read(given), read(expected))
