"""PostgreSQL as a connection, through ADBC."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, SecretStr, field_validator

from flowlock_core.connections import ConnectionSettings
from flowlock_core.connections.requirement import EngineRequirement
from flowlock_core.errors import TaskError
from flowlock_core.masking import masked

_LOOPBACK = ("localhost", "::1")
# What the server says, between the driver's words about it and the statement that it repeats.
_SAID = re.compile(r"(?:ERROR|FATAL): +(.*?) *(?:LINE \d+:|CONTEXT:|Query was:|\.? ?SQLSTATE:|$)", re.DOTALL)
_HOST_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:_-/")


class Postgres(ConnectionSettings):
    """A database of a PostgreSQL server, and a user of it.

    Over a network the connection is encrypted unless `sslmode` says otherwise; that the server is the right
    one is known with `verify-full` only.
    """

    kind: ClassVar[str] = "postgres"
    needs: ClassVar[EngineRequirement] = EngineRequirement(
        package="adbc-driver-postgresql", version=">=1.8", module="adbc_driver_postgresql"
    )
    not_identifying: ClassVar[frozenset[str]] = frozenset({"sslmode", "sslrootcert", "connect_timeout"})

    host: str = Field(min_length=1, description="A host name, an address, or the folder of a socket.")
    port: int = Field(5432, ge=1, le=65535)
    database: str = Field(min_length=1)
    user: str = Field(min_length=1)
    password: SecretStr | None = None
    sslmode: Literal["disable", "require", "verify-ca", "verify-full"] | None = None
    sslrootcert: Path | None = None
    connect_timeout: int = Field(10, ge=2, le=600, description="Seconds.")

    @field_validator("host")
    @classmethod
    def _require_host(cls, host: str) -> str:
        # A URL may have a password, which would not be treated as one.
        if not _HOST_CHARACTERS.issuperset(host):
            raise ValueError("expected a host name, an address or the folder of a socket, not a URL")
        return host

    def check(self) -> str:
        """Ask the server for its version."""
        with self.connected() as connection, closing(connection.cursor()) as cursor:
            cursor.execute("SELECT current_setting('server_version')")
            (version,) = cursor.fetchone()
        return f"PostgreSQL {version}, database {self.database} as {self.user}"

    @contextmanager
    def connected(self, parameter: str = "connection") -> Iterator[Any]:
        """Yield a connection in a transaction that is rolled back unless it is committed.

        A TaskError explains why there is none, or what the server said in the block, which is about
        `parameter`; the server's words are without secrets.
        """
        self.needs.require()
        import adbc_driver_postgresql.dbapi as driver

        about = "connection"
        try:
            with driver.connect(self._parameters()) as connection:
                about = parameter
                yield connection
        except driver.Error as error:
            # The driver's error may quote the parameters: its text is masked, and it is not kept.
            message = f"{self.database} on {self.host}: {_server_message(error)}"
            raise TaskError(message, code="FL754", parameter=about) from None

    def _parameters(self) -> str:
        """Return the parameters of the connection as libpq reads them, each in quotes."""
        on_this_machine = self.host.startswith(("/", "127.")) or self.host in _LOOPBACK
        parameters = {
            "host": self.host,
            "port": self.port,
            "dbname": self.database,
            "user": self.user,
            "password": self.password.get_secret_value() if self.password else None,
            "sslmode": self.sslmode or ("prefer" if on_this_machine else "require"),
            "sslrootcert": self.sslrootcert,
            "connect_timeout": self.connect_timeout,
            "application_name": "flowlock",
            # Left out, they would be taken from PGHOSTADDR, which may lead elsewhere, and PGOPTIONS.
            "hostaddr": "",
            "options": "",
        }
        return " ".join(f"{name}={_quoted(value)}" for name, value in parameters.items() if value is not None)


def _quoted(value: Any) -> str:
    text = str(value).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{text}'"


def _server_message(error: Exception) -> str:
    """Return the message of a driver's error on one line, without the statement and without secrets."""
    text = " ".join(str(error).split())
    match = _SAID.search(text)
    return masked(match[1] if match else text.replace("[libpq] ", ""))
