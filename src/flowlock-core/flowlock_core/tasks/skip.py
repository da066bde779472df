"""Skip conditions: tasks that are given the values of a call's arguments and say whether to skip it."""

from typing import Any

from flowlock_core.execute.skip import SKIPPED
from flowlock_core.task import task


def _is_table(value: Any) -> bool:
    return all(hasattr(value, name) for name in ("columns", "index", "iloc", "empty"))


@task(tags=("condition",))
def any_is_empty_df(*args: Any) -> bool:
    """Skip when one of the arguments is a table without rows."""
    return any(_is_table(value) and bool(value.empty) for value in args)


@task(tags=("condition",))
def any_dependency_skipped(*args: Any) -> bool:
    """Skip when a step that gives one of the arguments was skipped."""
    return any(value is SKIPPED for value in args)


@task(tags=("condition",))
def all_geometry_are_none(*args: Any) -> bool:
    """Skip when one of the arguments is a table with a geometry column that holds no geometry."""
    return any(
        _is_table(value) and "geometry" in value.columns and bool(value["geometry"].isna().all())
        for value in args
    )


@task(tags=("condition",))
def never(*args: Any) -> bool:
    """Never skip; for a step that should run although the defaults would skip it."""
    del args
    return False


@task(tags=("condition", "always"))
def always(*args: Any) -> bool:
    """Skip in any case; for a step that is switched off for now."""
    del args
    return True
