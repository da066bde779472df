"""The tasks of drawn workflows, in a module that other processes can import."""

from typing import Any

import pandas as pd

from flowlock_core.execute.skip import SKIPPED
from flowlock_core.results import to_json
from flowlock_core.task import task
from flowlock_core.types import DataFrame


class Thing:
    """A value that cannot be pickled."""

    def __init__(self, value: int) -> None:
        self.get: Any = lambda: value


@task
def number(of: int) -> int:
    """Give a number."""
    return of


@task
def numbers(count: int) -> list[int]:
    """Give some numbers."""
    return list(range(count))


@task
def pairs(count: int) -> list[tuple[str, int]]:
    """Give some numbers with keys, some of which name the same element."""
    return [(f"k{one % 4}", one) for one in range(count)]


@task
def frame(count: int) -> DataFrame:
    """Give a table, often a large one."""
    return pd.DataFrame({"a": range(count * 1000), "b": "text"})


@task
def thing(value: int) -> Any:
    """Give what cannot be pickled."""
    return Thing(value)


@task
def unwrapped(value: Any) -> int:
    """Look into it."""
    return int(value.get())


@task
def increased(value: int, by: int = 1) -> int:
    """Add, but not to every number."""
    if value % 7 == 5:
        raise ValueError(f"{value} is not liked")
    return value + by


@task
def total(values: list[Any]) -> int:
    """Add up, and change the argument in doing so."""
    flat: list[Any] = [value[1] if isinstance(value, tuple) else value for value in values]
    values.clear()
    values.append("changed")
    return sum(value for value in flat if value is not SKIPPED)


@task
def widened(df: DataFrame) -> DataFrame:
    """Change a table in place, and give it back."""
    df["c"] = 1
    df.loc[:, "a"] = 0
    df.index.name = "changed"
    return df


@task
def parted(df: DataFrame) -> list[tuple[str, DataFrame]]:
    """Divide a table into parts with keys."""
    size = max(1, len(df) // 3)
    return [(f"p{start // size}", df.iloc[start : start + size]) for start in range(0, len(df), size)]


@task
def summary(df: DataFrame) -> str:
    """Describe a table."""
    return f"{list(df.columns)} {df.index.name} {df['a'].sum()} {len(df)}"


@task
def text_of(value: int) -> str:
    """Write a number."""
    return str(value)


@task
def told(values: list[Any]) -> str:
    """Write whatever was given."""
    return repr([value.get() if isinstance(value, Thing) else to_json(value) for value in values])


@task(tags=("condition",))
def any_is_three(*args: Any) -> bool:
    """Skip threes."""
    return any(value == 3 for value in args if isinstance(value, int))
