"""Values in a folder: each in the format that it comes back from as it was."""

import pickle
from pathlib import Path
from typing import Any

from flowlock_core.execute.skip import SKIPPED
from flowlock_core.store.digest import digest, digest_of_parts
from flowlock_core.store.entry import Entry
from flowlock_core.store.errors import DamagedError, NotKeptError
from flowlock_core.store.folder import StoreFolder
from flowlock_core.store.plain import from_plain_json, is_plain, to_plain_json
from flowlock_core.store.stored_value import Format, StoredValue

ENTRIES = "entries"
_CONTAINERS: dict[type, Format] = {list: Format.LIST, tuple: Format.TUPLE}


class Store:
    """Entries by key, and the values that they name."""

    def __init__(self, path: Path) -> None:
        self.folder = StoreFolder(path)

    def entry(self, key: str) -> Entry | None:
        """Return what a call gave, None if that is not known; DamagedError if it was and cannot be read."""
        document = self.folder.document(ENTRIES, key)
        return None if document is None else Entry.from_json(document)

    def put_entry(self, key: str, entry: Entry) -> None:
        """Keep what a call gave."""
        self.folder.put_document(ENTRIES, key, entry.as_json())

    def keep(self, value: Any) -> StoredValue:
        """Keep a value; UndigestibleError or NotKeptError say why it cannot be."""
        container = _CONTAINERS.get(type(value))
        if container is not None and not is_plain(value):
            # Item by item, so that a map over it finds each again.
            items = tuple(map(self.keep, value))
            return kept_container(container, items)
        of = digest(value)
        if value is SKIPPED:
            return StoredValue(digest=of, format=Format.SKIPPED)
        kind, data = _encoded(value)
        return StoredValue(digest=of, format=kind, object=self.folder.put_object(data), size=len(data))

    def load(self, kept: StoredValue) -> Any:
        """Return a kept value; DamagedError if it is not as it was."""
        match kept.format:
            case Format.SKIPPED:
                return SKIPPED
            case Format.LIST:
                return [self.load(item) for item in kept.items]
            case Format.TUPLE:
                return tuple([self.load(item) for item in kept.items])
        data = self.folder.object(kept.object)
        try:
            return _decoded(kept.format, data)
        except Exception as error:
            # A pickle may raise anything, for example if a module no longer exists.
            reason = f"its cached result cannot be read ({type(error).__name__}: {error})"
            raise DamagedError(reason) from error


def kept_container(kind: Format, items: tuple[StoredValue, ...]) -> StoredValue:
    """Return a list or tuple of kept values."""
    return StoredValue(
        digest=digest_of_parts(kind.value, [item.digest for item in items]), format=kind, items=items
    )


def _encoded(value: Any) -> tuple[Format, Any]:
    if is_plain(value):
        return Format.PLAIN, to_plain_json(value)
    if type(value).__module__ == "pandas":
        from flowlock_core.store.frames import is_exact_in_arrow, to_arrow

        if is_exact_in_arrow(value):
            return Format.ARROW, to_arrow(value)
    try:
        return Format.PICKLE, pickle.dumps(value, protocol=5)
    except Exception as error:
        # Objects that cannot be pickled raise many kinds of errors.
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        raise NotKeptError(f"its result, {kind}, cannot be pickled") from error


def _decoded(kind: Format, data: bytes) -> Any:
    if kind is Format.PLAIN:
        return from_plain_json(data)
    if kind is Format.ARROW:
        from flowlock_core.store.frames import from_arrow

        return from_arrow(data)
    # The folder is this user's own, and the bytes are those that were written.
    return pickle.loads(data)  # noqa: S301 - see `place`
