"""A result in a run with a cache: in memory, or kept and loaded when a call needs it."""

from collections.abc import Callable
from typing import Any

from flowlock_core.errors import WorkflowError
from flowlock_core.execute.held import HeldValue, fetched
from flowlock_core.execute.skip import SKIPPED
from flowlock_core.store.digest import digest, digest_of_parts
from flowlock_core.store.errors import DamagedError, UndigestibleError
from flowlock_core.store.plain import is_plain
from flowlock_core.store.store import Store, kept_container
from flowlock_core.store.stored_value import Format, StoredValue

_ABSENT: Any = object()
_KINDS = {Format.LIST: list, Format.TUPLE: tuple}


class Result:
    """A value, or where it is kept, or the results that it is made of.

    What was kept and is damaged is computed again by `recompute`. A value may be held elsewhere; its `digest`
    is then known from there.
    """

    __slots__ = ("_digest", "_items", "_kind", "_value", "kept", "recompute", "store")

    def __init__(
        self,
        store: Store,
        *,
        value: Any = _ABSENT,
        kept: StoredValue | None = None,
        recompute: Callable[[], Any] | None = None,
        digest: str | UndigestibleError | None = None,
    ) -> None:
        self.store, self.kept, self.recompute = store, kept, recompute
        self._value = value
        self._digest: str | UndigestibleError | None = digest if kept is None else kept.digest
        self._items: list[Result] | None = None
        self._kind: Format | None = None

    @classmethod
    def made_of(cls, store: Store, kind: Format, items: list["Result"]) -> "Result":
        """Return the list or tuple of some results."""
        result = cls(store)
        result._items, result._kind = items, kind
        kept = [item.kept for item in items if item.kept is not None]
        if len(kept) == len(items):
            result.kept = kept_container(kind, tuple(kept))
        return result

    @property
    def digest(self) -> str:
        """The digest of the value; an UndigestibleError explains why it has none."""
        if self._digest is None:
            if self._items is not None and self._kind is not None:
                # As of a list that is kept item by item.
                items = [
                    item.kept or StoredValue(digest=item.digest, format=Format.PLAIN) for item in self._items
                ]
                self._digest = kept_container(self._kind, tuple(items)).digest
            else:
                self._digest = digest_as_kept(self.get())
        if isinstance(self._digest, UndigestibleError):
            raise self._digest
        return self._digest

    @property
    def is_skipped(self) -> bool:
        """Whether it is the marker of a skipped call."""
        if self.kept is not None:
            return self.kept.format is Format.SKIPPED
        return self._value is SKIPPED

    @property
    def is_light(self) -> bool:
        """Whether the value is at hand, or is quickly loaded without a library."""
        if self._value is not _ABSENT and not isinstance(self._value, HeldValue):
            return True
        return self.kept is not None and self.kept.format is Format.PLAIN

    def items(self) -> "list[Result] | None":
        """Return the results that a list or tuple is made of; None if it is neither."""
        if self._items is not None:
            return self._items
        value = self._held_items()
        if self.kept is not None and self.kept.format in _KINDS:
            return [
                Result(
                    self.store,
                    value=_ABSENT if value is None else value[number],
                    kept=item,
                    recompute=self._item_of(number),
                )
                for number, item in enumerate(self.kept.items)
            ]
        value = self.get() if value is None else value
        if not isinstance(value, list | tuple):
            return None
        why_not = self._digest if isinstance(self._digest, UndigestibleError) else None
        return [self._item(item, why_not) for item in value]

    def get(self) -> Any:
        """Return the value."""
        if self._items is not None and self._kind is not None:
            return _KINDS[self._kind]([item.get() for item in self._items])
        if self._value is _ABSENT:
            self._value = self._loaded()
        return fetched(self._value) if isinstance(self._value, HeldValue) else self._value

    def for_call(self) -> Any:
        """Return the value for a call: what is held elsewhere stays there."""
        if self._items is not None and self._kind is not None:
            return _KINDS[self._kind]([item.for_call() for item in self._items])
        return self._value if isinstance(self._value, HeldValue) else self.get()

    def unload(self) -> None:
        """Let the value go; nobody needs it but to compute again what is damaged."""
        for item in self._items or ():
            item.unload()
        if self.recompute is not None:
            self._value = _ABSENT

    def _loaded(self) -> Any:
        if self.kept is not None:
            try:
                return self.store.load(self.kept)
            except DamagedError:
                if self.recompute is None:
                    raise
        if self.recompute is None:
            raise RuntimeError("a discarded result is needed again")
        value = self.recompute()
        if self.kept is not None and digest_as_kept(value) != self.kept.digest:
            raise WorkflowError(
                "a cached result is damaged, and computing it again gave a different one",
                code="FL761",
                hint="run without --resume; give a task whose results differ each time the tag `random`",
            )
        return value

    def _item(self, value: Any, why_not: UndigestibleError | None) -> "Result":
        # Which item it is that has no digest is not known without all of them.
        return Result(self.store, value=value, digest=why_not if isinstance(value, HeldValue) else None)

    def _held_items(self) -> list[Any] | None:
        return self._value.items() if isinstance(self._value, HeldValue) else None

    def _item_of(self, number: int) -> Callable[[], Any]:
        return lambda: self.get()[number]


def digest_as_kept(value: Any) -> str:
    """Return the digest that a value has when it is kept."""
    if type(value) in (list, tuple) and not is_plain(value):
        return digest_of_parts(type(value).__name__, map(digest_as_kept, value))
    return digest(value)
