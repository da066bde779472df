"""The one reader of JSON under the state folder: a document that is damaged, whatever its shape, is absent.

What only we read holds the digest of its contents (`read`, `write`); what other programs read too is plain
JSON (`read_plain`). Either is checked for the shape that its reader needs.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from flowlock.edges import files
from flowlock.names import Sha256

# Byte for byte how a document begins, so that its contents are hashed as they are, and parsed once.
_HEAD = b'{"sha256":"%s","content":'
_HEAD_LENGTH = len(_HEAD) - len(b"%s") + 2 * hashlib.sha256().digest_size
_TAIL = b"}\n"
# Far more than a workspace of thousands of packages keeps.
MOST_BYTES = 1_000_000_000
# What taking a document apart raises where a part of it is missing or of another kind.
_MISFITS = (ValueError, LookupError, TypeError, AttributeError)

Shape = TypeVar("Shape")
Made = TypeVar("Made")


def digest_of(value: Any) -> Sha256:
    """Return the sha256 of a value as JSON, whatever the order of its keys.

    What JSON has no form for counts as its text.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return Sha256(hashlib.sha256(text.encode()).hexdigest())


def read(path: Path, shape: type[Shape]) -> Shape | None:
    """Return the contents that `write` gave a document, as a type that pydantic knows.

    None if it is absent, has any other byte, or is of another shape.
    """
    data = _bytes(path)
    content = data[_HEAD_LENGTH : -len(_TAIL)] if data else b""
    return _shaped(shape, content) if data and data == _sealed(content) else None


def read_plain(path: Path, shape: type[Shape]) -> Shape | None:
    """Return a JSON file as a type that pydantic knows; None if it is absent or of another shape."""
    data = _bytes(path)
    return None if data is None else _shaped(shape, data)


def made_of(content: Any, make: Callable[[Any], Made]) -> Made | None:
    """Return what `make` makes of a document's contents; None for no contents, or if it cannot."""
    if content is None:
        return None
    try:
        return make(content)
    except _MISFITS:
        return None


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write a document atomically; a FlowlockError explains why it cannot be."""
    files.write_bytes(path, _sealed(json.dumps(content, separators=(",", ":")).encode()))


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if path.stat().st_size <= MOST_BYTES else None
    except (OSError, ValueError):
        return None


def _shaped(shape: type[Shape], data: bytes) -> Shape | None:
    # Imported here: a build's worker reads nothing of this, and starts quickly.
    from flowlock.edges import shapes

    return shapes.parsed_or_none(shape, data)


def _sealed(content: bytes) -> bytes:
    digest = hashlib.sha256(content).hexdigest().encode()
    return b"".join((_HEAD % digest, content, _TAIL))
