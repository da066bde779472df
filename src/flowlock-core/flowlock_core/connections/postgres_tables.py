"""Reading by a query and writing tables in a PostgreSQL database, each in one transaction."""

from collections.abc import Sequence
from contextlib import closing
from enum import Enum
from string import Template
from typing import Any

from flowlock_core.connections.postgres import Postgres
from flowlock_core.errors import TaskError, nearest

# Longer names are cut by the server, and two of them may then be the same.
_LONGEST_NAME = 63
_STAGED = "flowlock_staged"
_COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), t.typname
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped
"""
# PostgreSQL takes values as parameters, but no names: those that are filled in here are quoted.
_INSERT = Template("INSERT INTO $target ($columns) SELECT $columns FROM pg_temp.$staged")
_COUNT_CHANGED = Template("""
SELECT count(*) FROM pg_temp.$staged WHERE $column::$there::$given IS DISTINCT FROM $column
""")


class TableMode(Enum):
    """What is done about a table that is there already."""

    CREATE = "create"
    APPEND = "append"
    REPLACE = "replace"


def fetch(connection: Postgres, query: str, values: Sequence[Any]) -> Any:
    """Return what a query gives as an Arrow table; the query cannot change anything."""
    with connection.connected("query") as database, closing(database.cursor()) as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
        cursor.execute(query, tuple(values) if values else None)
        return cursor.fetch_arrow_table()


def store(connection: Postgres, rows: Any, table: str, *, schema: str | None = None, mode: TableMode) -> int:
    """Write an Arrow table, wholly or not at all, and return the number of its rows."""
    _require_name(table, "table")
    if schema is not None:
        _require_name(schema, "schema")
    for name in rows.column_names:
        _require_name(name, "df")
    with connection.connected("df") as database, closing(database.cursor()) as cursor:
        cursor.execute("SELECT to_regclass($1::text) IS NOT NULL", (_qualified(table, schema),))
        (exists,) = cursor.fetchone()
        if exists and mode is TableMode.CREATE:
            raise TaskError(
                f"{connection.database} on {connection.host} already has a table {table}",
                code="FL755",
                parameter="table",
                hint="set `mode` to append or replace, or name another table",
            )
        if exists and mode is TableMode.APPEND:
            _append(cursor, rows, _qualified(table, schema))
        else:
            how = "replace" if exists else "create"
            cursor.adbc_ingest(table, rows, mode=how, db_schema_name=schema)
        database.commit()
    return int(rows.num_rows)


def _require_name(name: str, parameter: str) -> None:
    if not 0 < len(name.encode()) <= _LONGEST_NAME or "\0" in name:
        raise TaskError(
            f"`{name[:_LONGEST_NAME]}` is not a valid PostgreSQL name: names have 1 to {_LONGEST_NAME} bytes",
            parameter=parameter,
            hint="choose a shorter name",
        )


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _qualified(table: str, schema: str | None) -> str:
    return ".".join(_quoted(part) for part in (schema, table) if part is not None)


def _append(cursor: Any, rows: Any, target: str) -> None:
    """Append by a copy in between: the driver writes integers into columns of times as they are."""
    cursor.execute(_COLUMNS, (target,))
    types = {name: (full, short) for name, full, short in cursor.fetchall()}
    for name in rows.column_names:
        if name not in types:
            raise TaskError(
                f"the table {target} has no column `{name}`; its columns are {', '.join(types)}",
                code="FL731",
                parameter="df",
                hint=nearest(name, list(types)),
            )
    cursor.adbc_ingest(_STAGED, rows, mode="create", temporary=True)
    cursor.execute(_COLUMNS, (_STAGED,))
    staged = {name: (full, short) for name, full, short in cursor.fetchall()}
    for name in rows.column_names:
        _require_same_zone(name, staged[name][1], types[name][1])
    columns = ", ".join(map(_quoted, rows.column_names))
    cursor.execute(_INSERT.substitute(target=target, columns=columns, staged=_STAGED))
    for name in rows.column_names:
        _require_unchanged(cursor, name, staged[name][0], types[name][0])
    cursor.execute(f"DROP TABLE pg_temp.{_STAGED}")


def _require_same_zone(name: str, given: str, there: str) -> None:
    zoned = {"timestamp": "without a time zone", "timestamptz": "with a time zone"}
    if given in zoned and there in zoned and given != there:
        raise TaskError(
            f"the column `{name}` has times {zoned[given]}, but in the database it has times {zoned[there]}",
            parameter="df",
            hint="use a time zone for both, or for neither",
        )


def _require_unchanged(cursor: Any, name: str, given: str, there: str) -> None:
    """Refuse values that the type of the table's column rounds or cuts."""
    # The types are as the server writes them.
    types = {"there": there, "given": given}
    cursor.execute(_COUNT_CHANGED.substitute(types, column=_quoted(name), staged=_STAGED))
    (changed,) = cursor.fetchone()
    if changed:
        raise TaskError(
            f"the type of the column `{name}` in the database, {there}, changes {changed} of its values",
            parameter="df",
            hint="round the values first, or change the type in the database",
        )
