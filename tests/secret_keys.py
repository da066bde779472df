"""Keys for tests, as settings of connections, and every spelling in which one could leak."""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from urllib.parse import quote

from flowlock_ext_privacy.keys import SecretKey

KEY = hashlib.sha512(b"a key for tests").digest()
OTHER = hashlib.sha512(b"another key for tests").digest()


def text_of(key: bytes) -> str:
    return base64.b64encode(key).decode()


def variables(name: str, key: bytes, key_id: str = "2026", previous: str = "") -> dict[str, str]:
    """Return the environment variables of a key."""
    start = f"FLOWLOCK_CONNECTIONS__KEY__{name.upper()}__"
    settings = {f"{start}ID": key_id, f"{start}SECRET": text_of(key)}
    return {**settings, f"{start}PREVIOUS": previous} if previous else settings


def secret_key(key: bytes = KEY, key_id: str = "2026", previous: str | None = None) -> SecretKey:
    values = {"id": key_id, "secret": text_of(key), "previous": previous}
    return SecretKey.model_validate(values).under("people")


def spellings(key: bytes) -> Iterator[str]:
    """Yield how a key, a part of it, or a digest of it could be written."""
    text = text_of(key)
    yield from (text, text.rstrip("="), base64.urlsafe_b64encode(key).decode(), quote(text, safe=""))
    yield from (key.hex(), key.hex()[:32], key.hex()[-32:], text[:16], text[-18:-2], repr(key)[2:40])
    for data in (key, text.encode()):
        for algorithm in ("md5", "sha1", "sha256", "sha512", "blake2b", "sha3_256"):
            digest = hashlib.new(algorithm, data, usedforsecurity=False)
            yield digest.hexdigest()[:24]
            yield base64.b64encode(digest.digest()).decode()[:20]
        yield hmac.new(data, b"", "sha256").hexdigest()[:24]
