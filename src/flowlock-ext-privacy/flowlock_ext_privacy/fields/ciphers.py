"""What a key makes of bytes: ciphertexts, keyed hashes, and the text in which they are published."""

import base64
import hashlib
import hmac
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

_NONCE = 16
_BLAKE2_BYTES = 16


class Form(Enum):
    """What a protected value is, as its text says."""

    DETERMINISTIC = "s"
    RANDOMISED = "r"
    HMAC = "h"
    BLAKE2 = "b"


@dataclass(frozen=True, kw_only=True, slots=True)
class Protected:
    """A protected value: the id of its key, what it is, and its bytes; as text `id.form.base64`."""

    key_id: str
    form: Form
    data: bytes

    def __str__(self) -> str:
        text = base64.urlsafe_b64encode(self.data).decode().rstrip("=")
        return f"{self.key_id}.{self.form.value}.{text}"

    @classmethod
    def parse(cls, text: str) -> "Protected":
        """Read a text; ValueError if it is not a protected value."""
        key_id, form, data = text.split(".")
        decoded = base64.b64decode(data + "=" * (-len(data) % 4), altchars=b"-_", validate=True)
        return cls(key_id=key_id, form=Form(form), data=decoded)


class DecryptionError(Exception):
    """Why a value cannot be decrypted, without the value."""


class Cipher:
    """AES-SIV (RFC 5297) under one key, for values of one context.

    The context is authenticated: a ciphertext of another column or purpose is refused.
    """

    def __init__(self, key_id: str, key: bytes, context: str) -> None:
        self._key_id, self._siv, self._context = key_id, AESSIV(key), context.encode()

    def deterministic(self, data: bytes) -> str:
        """Encrypt so that equal values have equal ciphertexts."""
        sealed = self._siv.encrypt(data, [self._context])
        return str(Protected(key_id=self._key_id, form=Form.DETERMINISTIC, data=sealed))

    def randomised(self, data: bytes) -> str:
        """Encrypt so that nothing but the length of a value is shown."""
        nonce = os.urandom(_NONCE)
        sealed = nonce + self._siv.encrypt(data, [self._context, nonce])
        return str(Protected(key_id=self._key_id, form=Form.RANDOMISED, data=sealed))

    def decrypted(self, protected: Protected) -> bytes:
        """Return the value of either; DecryptionError if key or context differ, or the bytes were changed."""
        sealed, associated = protected.data, [self._context]
        if protected.form is Form.RANDOMISED:
            nonce, sealed = sealed[:_NONCE], sealed[_NONCE:]
            associated.append(nonce)
        try:
            return self._siv.decrypt(sealed, associated)
        except (InvalidTag, ValueError) as error:
            raise DecryptionError("key or context differ, or it was changed") from error


class Decrypter:
    """Decrypts values of one context with whichever of several keys each was encrypted."""

    def __init__(self, keys: Mapping[str, bytes], context: str) -> None:
        self._ciphers = {key_id: Cipher(key_id, key, context) for key_id, key in keys.items()}

    def decrypted(self, text: str) -> bytes:
        """Return the bytes of a text; DecryptionError says why there are none."""
        try:
            protected = Protected.parse(text)
        except ValueError as error:
            raise DecryptionError("it is not an encrypted value") from error
        if protected.form in (Form.HMAC, Form.BLAKE2):
            raise DecryptionError("it is a keyed hash, which cannot be reversed")
        cipher = self._ciphers.get(protected.key_id)
        if cipher is None:
            raise DecryptionError(f"it was encrypted with the key `{protected.key_id}`, which is missing")
        return cipher.decrypted(protected)


def hmac_pseudonyms(key_id: str, key: bytes, context: str) -> Callable[[bytes], str]:
    """Return what makes pseudonyms of values by the HMAC-SHA256 in a context."""
    message = _messages("pseudonym", context)

    def pseudonym(data: bytes) -> str:
        digest = hmac.digest(key, message(data), "sha256")
        return str(Protected(key_id=key_id, form=Form.HMAC, data=digest))

    return pseudonym


def blake2_pseudonyms(key_id: str, key: bytes, context: str) -> Callable[[bytes], str]:
    """Return what makes pseudonyms of values by the keyed BLAKE2b, of 128 bits, in a context."""
    message = _messages("pseudonym", context)

    def pseudonym(data: bytes) -> str:
        digest = hashlib.blake2b(message(data), key=key, digest_size=_BLAKE2_BYTES).digest()
        return str(Protected(key_id=key_id, form=Form.BLAKE2, data=digest))

    return pseudonym


def keyed_numbers(key: bytes, purpose: str) -> Callable[[bytes], int]:
    """Return what makes numbers of 256 bits of values, which only the key and the value determine."""
    message = _messages(purpose, "")
    return lambda data: int.from_bytes(hmac.digest(key, message(data), "sha256"), "big")


def _messages(purpose: str, context: str) -> Callable[[bytes], bytes]:
    """Return what makes messages of values: no two of purposes, contexts and values give the same bytes."""
    parts = (purpose.encode(), context.encode())
    start = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    return lambda data: start + data
