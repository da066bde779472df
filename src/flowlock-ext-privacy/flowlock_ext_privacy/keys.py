"""Keys as connections: a spec names one, and its bytes never stand where parameters do."""

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, ClassVar, Self, TypeAlias

from pydantic import Field, SecretStr, model_validator

from flowlock_core.connections import Connection, ConnectionSettings
from flowlock_core.masking import remember

KEY_BYTES = 64
# 64 random bytes have about 57 distinct ones; fewer than this is a text or a pattern.
_DISTINCT_BYTES = 32
_ID_PATTERN = r"^[a-z0-9]([a-z0-9_-]{0,30}[a-z0-9])?$"
MOCKED_ID = "mocked"
# What stands for every key where input and output are mocked: anybody knows it.
_MOCKED_KEY = hashlib.sha512(b"flowlock: the key of runs with mocked input and output").digest()


class SecretKey(ConnectionSettings):
    """A key of 64 random bytes, in base64, under a unique id; and earlier keys, to decrypt with.

    Another key needs another id: cached results are kept under the id, and the key is not looked at.
    """

    kind: ClassVar[str] = "key"

    id: str = Field(pattern=_ID_PATTERN, description="Appears in each pseudonym, such as 2026.")
    secret: SecretStr
    previous: SecretStr | None = Field(
        None, description="Earlier keys as `id:secret`, separated by spaces, with which values are decrypted."
    )

    @model_validator(mode="after")
    def _require_keys(self) -> Self:
        # Messages are about the whole model: those about a secret setting would not be shown.
        for key_id, secret in self._texts():
            remember(secret)
            key = _decoded(key_id, secret)
            for spelling in (key.hex(), base64.urlsafe_b64encode(key).decode()):
                remember(spelling)
        return self

    @cached_property
    def keys(self) -> Mapping[str, bytes]:
        """The keys by id, the current one first."""
        if self.mocked:
            return {MOCKED_ID: _MOCKED_KEY}
        return {key_id: _decoded(key_id, secret) for key_id, secret in self._texts()}

    @property
    def current(self) -> tuple[str, bytes]:
        """The id and the bytes of the key that new values are protected with."""
        return next(iter(self.keys.items()))

    def check(self) -> str:
        """Say which keys there are; nothing is connected to."""
        first, *others = self.keys
        return f"key {first}, earlier keys: {', '.join(others) or 'none'}"

    def _texts(self) -> Iterator[tuple[str, str]]:
        """Yield the ids and the base64 of all keys; ValueError if `previous` cannot be read."""
        yield self.id, "".join(self.secret.get_secret_value().split())
        entries = self.previous.get_secret_value().split() if self.previous else []
        seen = {self.id}
        for number, entry in enumerate(entries, 1):
            key_id, _, secret = entry.partition(":")
            if not key_id or not secret:
                raise ValueError(f"earlier key {number} in `previous` is not written as `id:secret`")
            if key_id in seen:
                raise ValueError(f"two keys have the id `{key_id}`")
            seen.add(key_id)
            yield key_id, secret


def _decoded(key_id: str, secret: str) -> bytes:
    """Return the bytes of a key; ValueError, without them, if it is not a key."""
    rule = f"a key is {KEY_BYTES} random bytes in base64"
    try:
        key = base64.b64decode(secret, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"the key `{key_id}` is not in base64; {rule}") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"the key `{key_id}` has {len(key)} bytes; {rule}")
    if len(set(key)) < _DISTINCT_BYTES:
        raise ValueError(f"the key `{key_id}` is not random; {rule}")
    return key


Key: TypeAlias = Annotated[
    SecretKey,
    Connection,
    Field(title="Key", description="The name of the connection that has the key."),
]
