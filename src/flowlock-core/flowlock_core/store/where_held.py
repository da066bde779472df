"""What is done about a result where it is, so that only its description has to travel."""

from pathlib import Path
from typing import Any

from flowlock_core.store.errors import NotKeptError, UndigestibleError
from flowlock_core.store.result import digest_as_kept
from flowlock_core.store.store import Store
from flowlock_core.store.stored_value import StoredValue


def keep_here(folder: Path, value: Any) -> StoredValue | UndigestibleError | NotKeptError:
    """Keep a value in the cache and return how, or why it cannot be kept."""
    try:
        return Store(folder).keep(value)
    except (UndigestibleError, NotKeptError) as error:
        return error


def digest_here(value: Any) -> str | UndigestibleError:
    """Return the digest of a value, or why it has none."""
    try:
        return digest_as_kept(value)
    except UndigestibleError as error:
        return error


def digest_in(description: Any) -> str | UndigestibleError | None:
    """Return the digest that a description has, or why the value has none; None if it is not known."""
    if isinstance(description, StoredValue):
        return description.digest
    return description if isinstance(description, str | UndigestibleError) else None
