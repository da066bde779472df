"""JSON documents that only save time: each holds the digest of its contents, so that damage is absence."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flowlock.edges import files
from flowlock.names import Sha256

# Byte for byte how a document begins, so that its contents are hashed as they lie there, and parsed once.
_HEAD = b'{"sha256":"%s","content":'
_HEAD_LENGTH = len(_HEAD) - len(b"%s") + 2 * hashlib.sha256().digest_size
_TAIL = b"}\n"


def digest_of(value: Any) -> Sha256:
    """Return the sha256 of a value as JSON, whatever the order of its keys.

    What JSON has no form for counts as its text.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return Sha256(hashlib.sha256(text.encode()).hexdigest())


def read(path: Path) -> dict[str, Any] | None:
    """Return the contents that `write` gave a document; None if it is absent, or has any other byte."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    content = data[_HEAD_LENGTH : -len(_TAIL)]
    return dict(json.loads(content)) if data == _sealed(content) else None


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write a document atomically; a FlowlockError says why it cannot be."""
    files.write_bytes(path, _sealed(json.dumps(content, separators=(",", ":")).encode()))


def _sealed(content: bytes) -> bytes:
    digest = hashlib.sha256(content).hexdigest().encode()
    return b"".join((_HEAD % digest, content, _TAIL))
