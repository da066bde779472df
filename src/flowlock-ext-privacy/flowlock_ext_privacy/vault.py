"""A vault as a connection: a file with the tokens of values, which are encrypted in it."""

import os
import secrets
import sqlite3
import stat
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, ClassVar, TypeAlias

from pydantic import Field, field_validator

from flowlock_core.connections import Connection, ConnectionSettings
from flowlock_core.errors import TaskError
from flowlock_ext_privacy.keys import SecretKey

# Bits of a mode that let the group or everybody read, write or execute.
_OTHERS = 0o077
_PATIENCE_SECONDS = 60
_TOKEN_BYTES = 15
_TABLE = (
    "CREATE TABLE IF NOT EXISTS tokens (sealed TEXT PRIMARY KEY, token TEXT NOT NULL UNIQUE) WITHOUT ROWID"
)


class Vault(ConnectionSettings):
    """A file that only its owner can read; without the key it says no more than how many values it has."""

    kind: ClassVar[str] = "vault"

    path: Path = Field(description="An absolute path; the file is made when it is first used.")

    @field_validator("path")
    @classmethod
    def _require_absolute(cls, path: Path) -> Path:
        if not path.is_absolute():
            raise ValueError("expected an absolute path")
        return path

    def check(self) -> str:
        """Count the tokens."""
        if not self.path.exists():
            return f"{self.path} does not exist yet"
        with self.opened() as database:
            (count,) = database.execute("SELECT count(*) FROM tokens").fetchone()
        return f"{self.path}, {count} tokens"

    @contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        """Yield the vault in a transaction that is kept if the block ends well; others wait for its end.

        With mocked input and output it is a new one in memory.
        """
        location = ":memory:" if self.mocked else str(self.path)
        try:
            if not self.mocked:
                self._require_private_file()
            with closing(
                sqlite3.connect(location, timeout=_PATIENCE_SECONDS, isolation_level=None)
            ) as database:
                database.execute("BEGIN IMMEDIATE")
                database.execute(_TABLE)
                yield database
                database.execute("COMMIT")
        except (OSError, sqlite3.Error) as error:
            message = f"the vault {location} cannot be used: {getattr(error, 'strerror', None) or error}"
            raise TaskError(message, code="FL754", parameter="vault") from error

    def _require_private_file(self) -> None:
        """Make the file if it does not exist; a TaskError if other users can read it."""
        try:
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except FileExistsError:
            mode = self.path.stat().st_mode
            if not stat.S_ISREG(mode) or (os.name != "nt" and mode & _OTHERS):
                raise TaskError(
                    f"the vault {self.path} can be read or changed by other users",
                    code="FL754",
                    parameter="vault",
                    hint=f"chmod 600 {self.path}",
                ) from None


class TokenBook:
    """The tokens of one context in an open vault.

    The file has a value as its deterministic ciphertext: it is found again, and read with the key only.
    """

    def __init__(self, database: sqlite3.Connection, key: SecretKey, context: str) -> None:
        from flowlock_ext_privacy.fields.ciphers import Cipher, Decrypter

        self._database = database
        # The same key and context must not make the same ciphertexts here as for pseudonyms.
        purpose = f"vault {context}"
        self._ciphers = [Cipher(key_id, secret, purpose) for key_id, secret in key.keys.items()]
        self._decrypter = Decrypter(key.keys, purpose)

    def token_of(self, data: bytes) -> str:
        """Return the token of a value, a new one if it has none; earlier keys are tried, too."""
        for cipher in self._ciphers:
            row = self._database.execute(
                "SELECT token FROM tokens WHERE sealed = ?", (cipher.deterministic(data),)
            ).fetchone()
            if row is not None:
                return str(row[0])
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        self._database.execute(
            "INSERT INTO tokens VALUES (?, ?)", (self._ciphers[0].deterministic(data), token)
        )
        return token

    def values_of(self, tokens: Sequence[str]) -> list[bytes | None]:
        """Return the value of each token; None if it has none. A DecryptionError if the key is another."""
        return [self._value_of(token) for token in tokens]

    def _value_of(self, token: str) -> bytes | None:
        row = self._database.execute("SELECT sealed FROM tokens WHERE token = ?", (token,)).fetchone()
        return None if row is None else self._decrypter.decrypted(str(row[0]))


VaultName: TypeAlias = Annotated[
    Vault, Connection, Field(title="Vault", description="The name of the connection that is the vault.")
]
