"""Reading, once more."""

from flowlock_core.task import task
from flowlock_core.types import DataFrame


@task(tags=("io",))
def load_rows(address: str) -> DataFrame:
    """Load rows from elsewhere."""
    raise NotImplementedError(address)


@task
def only_here(df: DataFrame) -> DataFrame:
    """Do what no other package does."""
    return df
