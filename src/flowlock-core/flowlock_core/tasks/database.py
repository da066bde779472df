"""Tasks that read and write tables of a PostgreSQL database through a connection."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from flowlock_core.connections import Connection
from flowlock_core.connections.postgres import Postgres
from flowlock_core.connections.postgres_tables import TableMode, fetch, store
from flowlock_core.tables.database import arrow_of, frame_of
from flowlock_core.task import task
from flowlock_core.types import DataFrame

NO_VALUES: list[str | int | float | bool | None] = []

Database: TypeAlias = Annotated[
    Postgres,
    Connection,
    Field(title="Connection", description="The name of a connection to a PostgreSQL database."),
]


@task(tags=("io",), example="examples/table.csv")
def read_sql(
    connection: Database,
    query: Annotated[
        str,
        Field(
            title="Query",
            description="An SQL query with $1, $2 and so on as placeholders; it cannot change data.",
            min_length=1,
        ),
    ],
    values: Annotated[
        list[str | int | float | bool | None],
        Field(title="Values", description="The values of $1, $2 and so on, in this order."),
    ] = NO_VALUES,
) -> DataFrame:
    """Read a table from a PostgreSQL database with a query.

    Numbers keep all digits, integers with missing values stay integers, days and times become times. A type
    that cannot be kept as it is, is refused by the name of its column.
    """
    return frame_of(fetch(connection, query, values))


@task(tags=("io", "output"), example="examples/written.json")
def write_table(
    df: Annotated[DataFrame, Field(title="Table", description="The table to write.")],
    connection: Database,
    table: Annotated[
        str,
        Field(title="Name of the table", description="The name of the table in the database.", min_length=1),
    ],
    mode: Annotated[
        Literal["create", "append", "replace"],
        Field(
            title="Mode",
            description="create: the table must not exist; append: add the rows; replace: replace the table.",
        ),
    ] = "create",
    schema: Annotated[
        str | None,
        Field(
            title="Schema",
            description="The schema of the table; the user's default if left empty.",
            min_length=1,
        ),
    ] = None,
) -> int:
    """Write a table into a PostgreSQL database, completely or not at all, and return the number of rows."""
    return store(connection, arrow_of(df), table, schema=schema, mode=TableMode(mode))
