"""The digest of a value: equal values of any process have one, different values never share one.

A value without one is refused: an address in memory, as `repr` gives it, is not a digest.
"""

import hashlib
import struct
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from importlib import import_module
from pathlib import PurePath
from types import FunctionType
from typing import Any
from uuid import UUID

from flowlock_core.execute.skip import SKIPPED
from flowlock_core.store.errors import UndigestibleError


def digest(value: Any) -> str:
    """Return the digest of a value, in hexadecimal; an UndigestibleError names the type that has none."""
    hasher = hashlib.sha256()
    _write(hasher.update, value)
    return hasher.hexdigest()


def digest_of_parts(kind: str, parts: Iterable[str]) -> str:
    """Return the digest of something that is made of parts, by theirs."""
    return hashlib.sha256("\0".join((kind, *parts)).encode()).hexdigest()


def _write(update: Callable[[bytes], None], value: Any) -> None:
    """Write a value such that no two values are written alike: its type, its length, its bytes."""
    writer = _WRITERS.get(type(value))
    if writer is not None:
        writer(update, value)
    elif isinstance(value, Enum):
        _chunk(update, "enum", f"{_name(type(value))}.{value.name}".encode())
    elif isinstance(value, type | FunctionType):
        _chunk(update, "name", _importable_name(value).encode())
    elif is_dataclass(value):
        _items(update, _name(type(value)), [getattr(value, field.name) for field in fields(value)])
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        _items(update, _name(type(value)), list(value))
    elif isinstance(value, PurePath):
        _chunk(update, "path", str(value).encode(errors="surrogateescape"))
    else:
        _write_foreign(update, value)


def _chunk(update: Callable[[bytes], None], kind: str, data: bytes) -> None:
    update(f"{kind}:{len(data)}:".encode())
    update(data)


def _items(update: Callable[[bytes], None], kind: str, values: Iterable[Any]) -> None:
    items = list(values)
    update(f"{kind}[{len(items)}]".encode())
    for item in items:
        _write(update, item)


def _write_dict(update: Callable[[bytes], None], value: dict[Any, Any]) -> None:
    # The order of a mapping is a part of it: that of columns, for example, decides about results.
    _items(update, "dict", [part for item in value.items() for part in item])


def _write_set(update: Callable[[bytes], None], value: Any) -> None:
    _items(update, type(value).__name__, sorted(map(digest, value)))


def _write_time(update: Callable[[bytes], None], value: datetime) -> None:
    zone = "" if value.tzinfo is None else f"{value.tzinfo!r} {value.tzname()}"
    _chunk(update, "datetime", f"{value.isoformat()} {value.fold} {zone}".encode())


_WRITERS: dict[type, Callable[[Callable[[bytes], None], Any], None]] = {
    type(None): lambda update, _: update(b"none;"),
    bool: lambda update, value: update(b"true;" if value else b"false;"),
    int: lambda update, value: _chunk(update, "int", str(value).encode()),
    float: lambda update, value: _chunk(update, "float", struct.pack("<d", value)),
    complex: lambda update, value: _chunk(update, "complex", struct.pack("<dd", value.real, value.imag)),
    str: lambda update, value: _chunk(update, "str", value.encode(errors="surrogatepass")),
    bytes: lambda update, value: _chunk(update, "bytes", value),
    bytearray: lambda update, value: _chunk(update, "bytearray", bytes(value)),
    list: lambda update, value: _items(update, "list", value),
    tuple: lambda update, value: _items(update, "tuple", value),
    dict: _write_dict,
    set: _write_set,
    frozenset: _write_set,
    datetime: _write_time,
    Decimal: lambda update, value: _chunk(update, "Decimal", str(value).encode()),
    UUID: lambda update, value: _chunk(update, "UUID", str(value).encode()),
    timedelta: lambda update, value: _chunk(update, "timedelta", repr(value).encode()),
    date: lambda update, value: _chunk(update, "date", value.isoformat().encode()),
    time: lambda update, value: _chunk(update, "time", repr(value).encode()),
}


def _write_foreign(update: Callable[[bytes], None], value: Any) -> None:
    """Write a value of pandas, geopandas, NumPy, shapely or pydantic; none of them is imported for it."""
    module = type(value).__module__.partition(".")[0]
    if value is SKIPPED:
        update(b"skipped;")
    elif module in ("pandas", "geopandas"):
        from flowlock_core.store.frames import write_pandas

        write_pandas(update, value, _write)
    elif module == "numpy" and hasattr(value, "dtype"):
        _write_array(update, value)
    elif module == "shapely" and hasattr(value, "wkb"):
        _chunk(update, "shapely", value.wkb)
    elif hasattr(type(value), "model_fields"):
        _items(update, _name(type(value)), [part for item in value.__dict__.items() for part in item])
    else:
        raise UndigestibleError(_name(type(value)))


def _write_array(update: Callable[[bytes], None], value: Any) -> None:
    if value.dtype.hasobject:
        _items(update, f"array {getattr(value, 'shape', ())}", value.ravel().tolist())
    else:
        _chunk(update, f"{type(value).__name__} {value.dtype.descr} {value.shape}", value.tobytes())


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _importable_name(value: Any) -> str:
    """Return the name that a function or class is imported by; code_identity covers what it does."""
    member: Any = None
    try:
        member = import_module(value.__module__)
        for part in value.__qualname__.split("."):
            member = getattr(member, part)
    except (ImportError, AttributeError):
        member = None
    if getattr(member, "func", member) is not value:
        raise UndigestibleError(f"{value.__module__}.{value.__qualname__}, which cannot be imported")
    return f"{value.__module__}.{value.__qualname__}"
