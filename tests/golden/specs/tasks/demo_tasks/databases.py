"""Reading through connections."""

from typing import Annotated

from pydantic import Field

from flowlock_core.connections import Connection
from flowlock_core.connections.postgres import Postgres
from flowlock_core.task import task
from flowlock_core.types import DataFrame


@task(tags=("io",))
def query_rows(
    database: Annotated[Postgres, Connection, Field(title="Database", description="A named connection.")],
    backup: Annotated[Annotated[Postgres, Connection] | None, Field(title="Backup")] = None,
) -> DataFrame:
    """Query rows."""
    raise NotImplementedError(database, backup)
