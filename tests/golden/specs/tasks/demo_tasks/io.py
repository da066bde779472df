"""Reading and writing."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from flowlock_core.task import task
from flowlock_core.types import DataFrame


@task(tags=("io",))
def load_rows(
    path: Annotated[Path, Field(title="File", description="A table | with a bar in its description.")],
    *,
    limit: Annotated[int, Field(ge=0)] | None = None,
) -> DataFrame:
    """Load rows.

    This second paragraph is not part of the summary.
    """
    raise NotImplementedError(path, limit)


@task(tags=("io",))
def save_rows(df: DataFrame, *, name: str = "rows.csv") -> Path:
    """Save rows."""
    raise NotImplementedError(df, name)


@task
def login(*, token: str = "", password: str = "", host: str = "localhost") -> str:
    """Take arguments whose names make linters suspicious."""
    raise NotImplementedError(token, password, host)
