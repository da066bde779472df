"""Skip conditions: tasks that take the arguments of a call and return whether to skip it."""

from typing import Any

from flowlock_core.execute.skip import SKIPPED
from flowlock_core.task import task


def _is_table(value: Any) -> bool:
    return all(hasattr(value, name) for name in ("columns", "index", "iloc", "empty"))


@task(tags=("condition",))
def any_is_empty_df(*args: Any) -> bool:
    """Skip if one of the arguments is a table without rows."""
    return any(_is_table(value) and bool(value.empty) for value in args)


@task(tags=("condition",))
def any_dependency_skipped(*args: Any) -> bool:
    """Skip if a step that provides one of the arguments was skipped."""
    return any(value is SKIPPED for value in args)


@task(tags=("condition",))
def all_geometry_are_none(*args: Any) -> bool:
    """Skip if one of the arguments is a table with an empty geometry column."""
    return any(
        _is_table(value) and "geometry" in value.columns and bool(value["geometry"].isna().all())
        for value in args
    )


@task(tags=("condition",))
def never(*args: Any) -> bool:
    """Never skip; for a step that must run even if the defaults would skip it."""
    del args
    return False


@task(tags=("condition", "always"))
def always(*args: Any) -> bool:
    """Skip every time; for a step that is temporarily disabled."""
    del args
    return True
