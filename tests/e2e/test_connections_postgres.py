"""`read_sql` and `write_table` against a real PostgreSQL: no value changes, neither way, or it is refused."""

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from flowlock_core.connections.postgres import Postgres
from flowlock_core.connections.settings import Sources
from flowlock_core.errors import TaskError
from flowlock_core.tasks.database import read_sql, write_table
from servers.postgres import PostgresServer


@pytest.fixture(scope="module")
def main(postgres_server: PostgresServer) -> Postgres:
    return Postgres.named("main", Sources(postgres_server.variables()))


def other(server: PostgresServer, **settings: str) -> Postgres:
    variables = server.variables()
    for setting, value in settings.items():
        variables[f"FLOWLOCK_CONNECTIONS__POSTGRES__MAIN__{setting.upper()}"] = value
    return Postgres.named("main", Sources(variables))


def test_every_type_that_is_read_keeps_its_values(main: Postgres) -> None:
    df = read_sql(
        main,
        """SELECT * FROM (VALUES
            (1::int2, 9007199254740993::int8, 1.50::numeric, true, 'a'::text, '2024-01-31'::date,
             '2024-01-31 12:00:00.000001'::timestamp, '2024-01-31 12:00+02'::timestamptz, '12:00:01'::time,
             '0f8fad5b-d9cb-469f-a165-70867728950e'::uuid, '{"a": 1}'::jsonb, 1.5::float4, '\\x00ff'::bytea,
             12345678901234567890.12345678901234567890::numeric),
            (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
        ) AS v (i2, i8, n, b, t, d, ts, tz, tm, u, j, f4, by, long)""",
    )
    first = df.iloc[0].to_dict()
    assert first == {
        "i2": 1,
        "i8": 9007199254740993,
        "n": Decimal("1.50"),
        "b": True,
        "t": "a",
        "d": pd.Timestamp(2024, 1, 31),
        "ts": pd.Timestamp("2024-01-31 12:00:00.000001"),
        "tz": pd.Timestamp("2024-01-31 10:00", tz="UTC"),
        "tm": time(12, 0, 1),
        "u": "0f8fad5b-d9cb-469f-a165-70867728950e",
        "j": '{"a": 1}',
        "f4": 1.5,
        "by": b"\x00\xff",
        "long": Decimal("12345678901234567890.12345678901234567890"),
    }
    assert str(first["n"]) == "1.50"
    assert df.iloc[1].isna().all()
    types = {name: str(df[name].dtype) for name in ("i2", "i8", "b", "d", "ts", "tz", "f4")}
    assert types == {
        "i2": "Int64",
        "i8": "Int64",
        "b": "boolean",
        "d": "datetime64[us]",
        "ts": "datetime64[us]",
        "tz": "datetime64[us, UTC]",
        "f4": "float32",
    }


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        # The driver gives cents, negative numbers and bytes for these.
        ("1.50::money", "has the type money, which is not supported"),
        ("3000000000::oid", "has the type oid, which is not supported"),
        ("'10.0.0.1'::inet", "has the type inet, which is not supported"),
        ("'1 day'::interval", "has the type interval, which is not supported"),
        ("ARRAY[1]", "has the type _int4, which is not supported"),
        ("'NaN'::numeric", "contains NaN"),
        ("'infinity'::timestamptz", "or infinity"),
        ("'-infinity'::timestamp", "or infinity"),
        ("'infinity'::date", "or infinity"),
        ("'4713-01-01 BC'::date", "before the year 1"),
        ("'10000-01-01'::timestamp", "after the year 9999"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_its_column(main: Postgres, expression: str, words: str) -> None:
    with pytest.raises(TaskError, match="the column `x`") as caught:
        read_sql(main, f"SELECT {expression} AS x")
    assert words in caught.value.message
    assert caught.value.parameter == "query"
    assert caught.value.hint


def test_values_of_a_query_are_never_a_part_of_it(main: Postgres) -> None:
    values: list[str | int | float | bool | None] = [2**40, "x'; DROP TABLE y; --", 1.5, True, None]
    df = read_sql(
        main, "SELECT $1::int8 + 1 AS a, $2::text AS b, $3::float8 AS c, $4::bool AS d, $5::text AS e", values
    )
    assert df.iloc[0].tolist()[:4] == [2**40 + 1, "x'; DROP TABLE y; --", 1.5, True]
    assert df["e"].isna().all()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("CREATE TABLE made (a int)", "cannot execute CREATE TABLE in a read-only transaction"),
        ("INSERT INTO kept VALUES (2) RETURNING a", "cannot execute INSERT in a read-only transaction"),
        ("SELECT 1; DROP TABLE kept", "cannot insert multiple commands"),
        ("SELECT absent FROM kept", 'column "absent" does not exist'),
        ("SELECT 1 AS a, 2 AS a", "two columns named `a`"),
        ("COMMIT", "the query returns no table"),
    ],
)
def test_a_query_only_reads_and_its_errors_are_the_servers_words(
    main: Postgres, postgres_server: PostgresServer, query: str, words: str
) -> None:
    postgres_server.sql("DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 1 AS a")
    with pytest.raises(TaskError) as caught:
        read_sql(main, query)
    assert words in caught.value.message
    assert caught.value.parameter == "query"
    assert caught.value.__cause__ is None
    assert postgres_server.sql("SELECT count(*) FROM kept") == "1"


TABLE = pd.DataFrame(
    {
        "i": pd.array([1, None], "Int64"),
        "u": np.array([1, 2**63 + 5], "uint64"),
        "n": [Decimal("1.50"), None],
        "long": [Decimal("12345678901234567890.123456789"), Decimal(-1)],
        "s": ["it's", None],
        "c": pd.Categorical(["x", "y"]),
        "t": pd.Series([pd.Timestamp("2024-01-31 12:00:00.000001"), pd.NaT]),
        "z": pd.Series([pd.Timestamp("2024-01-31 12:00", tz="Europe/Berlin"), pd.NaT]),
        "f": [1.5, None],
        "b": pd.array([True, None], "boolean"),
        "d": [date(2024, 1, 31), None],
        'we"ird; DROP TABLE x': [None, None],
    }
)
AS_TEXT = (
    "1|1|1.5|12345678901234567890.123456789|it's|x|2024-01-31 12:00:00.000001|2024-01-31 11:00:00+00|1.5|t"
    "|2024-01-31|\n"
    "|9223372036854775813||-1||y||||||"
)


def test_a_table_is_written_as_it_is_and_read_back(main: Postgres, postgres_server: PostgresServer) -> None:
    postgres_server.sql("DROP TABLE IF EXISTS written")
    assert write_table(TABLE, main, "written") == 2
    rows = postgres_server.sql("SET TIME ZONE 'UTC'; SELECT * FROM written")
    assert rows == AS_TEXT
    types = postgres_server.sql(
        "SELECT string_agg(format_type(atttypid, atttypmod), ',' ORDER BY attnum) FROM pg_attribute "
        "WHERE attrelid = 'written'::regclass AND attnum > 0"
    )
    assert types.split(",") == [
        "bigint",
        "numeric",
        "numeric",
        "numeric",
        "text",
        "text",
        "timestamp without time zone",
        "timestamp with time zone",
        "double precision",
        "boolean",
        "date",
        "text",
    ]
    back = read_sql(main, "SELECT * FROM written")
    assert list(back.columns) == list(TABLE.columns)
    assert back["u"].tolist() == [1, 2**63 + 5]
    assert back["long"].tolist() == TABLE["long"].tolist()
    assert back["z"].iloc[0] == TABLE["z"].iloc[0]


def test_a_table_that_is_there_is_appended_to_or_replaced_only_if_said(
    main: Postgres, postgres_server: PostgresServer
) -> None:
    postgres_server.sql("DROP TABLE IF EXISTS twice")
    df = pd.DataFrame({"a": [1, 2]})
    write_table(df, main, "twice", mode="append")
    with pytest.raises(TaskError, match="already has a table twice") as caught:
        write_table(df, main, "twice")
    assert (caught.value.code, caught.value.parameter) == ("FL755", "table")
    write_table(df, main, "twice", mode="append")
    assert postgres_server.sql("SELECT count(*) FROM twice") == "4"
    write_table(pd.DataFrame({"b": [1.5]}), main, "twice", mode="replace")
    assert postgres_server.sql("SELECT * FROM twice") == "1.5"


COLUMNS = (
    "a int4, b numeric(10,2), c timestamp, d text, e int8 DEFAULT 7, f date, "
    '"We""ird" varchar(3), g float4, k timestamptz'
)
FITTING: Mapping[str, list[Any]] = {
    "a": [1],
    "b": [Decimal("1.25")],
    "c": [datetime(2024, 1, 31)],  # noqa: DTZ001 - without a zone on purpose
    "f": [date(2024, 1, 31)],
    'We"ird': ["abc"],
    "g": [1.5],
    "k": [pd.Timestamp("2024-01-31", tz="UTC")],
}
MISFITS: list[tuple[str, Any, str]] = [
    ("a", 2**40, "integer out of range"),
    ("a", 1.5, "changes 1 of its values"),
    ("b", Decimal("1.255"), "changes 1 of its values"),
    # The driver would write microseconds since 2000.
    ("c", 5, "is of type timestamp without time zone but expression is of type bigint"),
    ("c", pd.Timestamp("2024-01-31", tz="UTC"), "has times with a time zone"),
    ("f", datetime.fromisoformat("2024-01-31T12:00"), "changes 1 of its values"),
    ('We"ird', "abcd", "value too long"),
    ("g", 1.1, "changes 1 of its values"),
    ("k", datetime(2024, 1, 31), "has times without a time zone"),  # noqa: DTZ001 - likewise
    ("absent", 1, "has no column `absent`"),
]


def test_what_fits_a_table_is_appended(main: Postgres, postgres_server: PostgresServer) -> None:
    postgres_server.sql(f"DROP TABLE IF EXISTS target; CREATE TABLE target ({COLUMNS})")
    write_table(pd.DataFrame(FITTING), main, "target", mode="append")
    text = postgres_server.sql("SET TIME ZONE 'UTC'; SELECT * FROM target")
    assert text == "1|1.25|2024-01-31 00:00:00||7|2024-01-31|abc|1.5|2024-01-31 00:00:00+00"


@pytest.mark.parametrize(("column", "value", "words"), MISFITS)
def test_what_a_table_would_change_is_not_appended(
    main: Postgres, postgres_server: PostgresServer, column: str, value: Any, words: str
) -> None:
    postgres_server.sql(f"DROP TABLE IF EXISTS target; CREATE TABLE target ({COLUMNS})")
    with pytest.raises(TaskError) as caught:
        write_table(pd.DataFrame({column: [value]}), main, "target", mode="append")
    assert words in caught.value.message
    assert caught.value.parameter == "df"
    assert postgres_server.sql("SELECT count(*) FROM target") == "0"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (pd.to_datetime([1704067200123456789]), "times more precise than a microsecond"),
        ([[1]], "values of the type list"),
        ([1j], "complex128"),
        (["a\0b"], "invalid byte sequence"),
    ],
)
def test_what_a_database_cannot_hold_is_refused_and_the_old_table_kept(
    main: Postgres, postgres_server: PostgresServer, values: Any, words: str
) -> None:
    postgres_server.sql("DROP TABLE IF EXISTS held; CREATE TABLE held AS SELECT 1 AS a")
    with pytest.raises(TaskError) as caught:
        write_table(pd.DataFrame({"x": values}), main, "held", mode="replace")
    assert words in caught.value.message
    assert postgres_server.sql("SELECT * FROM held") == "1"


@pytest.mark.parametrize("name", ["", "x" * 64, "a\0b"])
def test_a_name_that_the_server_would_cut_is_refused(main: Postgres, name: str) -> None:
    with pytest.raises(TaskError, match="is not a valid PostgreSQL name"):
        write_table(pd.DataFrame({"a": [1]}), main, name)
    with pytest.raises(TaskError, match=r"is not a valid PostgreSQL name|no name"):
        write_table(pd.DataFrame({name: [1]}), main, "fine")


def test_variables_of_libpq_do_not_lead_elsewhere(main: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOSTADDR", "127.0.0.2")
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGOPTIONS", "-c search_path=absent")
    assert read_sql(main, "SELECT current_setting('search_path') AS p")["p"].tolist() == ['"$user", public']


def test_check_connects_and_tells_what_is_wrong_without_the_password(
    main: Postgres, postgres_server: PostgresServer
) -> None:
    assert main.check().startswith("PostgreSQL ")
    assert main.check().endswith("database rivers as ada")
    for settings, words in (
        ({"password": f"{postgres_server.password}x"}, "password authentication failed"),
        ({"database": "absent"}, 'database "absent" does not exist'),
        ({"sslmode": "require"}, "SSL"),
        ({"port": "1"}, "refused"),
    ):
        with pytest.raises(TaskError) as caught:
            other(postgres_server, **settings).check()
        assert words in caught.value.message
        assert caught.value.code == "FL754"
        assert "Zq9" not in f"{caught.value.message} {caught.value.hint}"
        assert caught.value.__cause__ is None
