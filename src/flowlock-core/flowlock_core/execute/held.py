"""Values that stay where a call has given them: the scheduler knows what they are, and passes them on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol, TypeVar

T = TypeVar("T")


class Small(NamedTuple):
    """A small value, which is its own description."""

    value: Any


class Description(NamedTuple):
    """What is known of a value: the name of its type, and the items of a list unless all are small."""

    kind: str
    is_container: bool = False
    items: "tuple[Small | Description, ...] | None" = None


class Holder(Protocol):
    """Holds values somewhere else."""

    def fetch(self, values: "Sequence[HeldValue]", /) -> list[Any]:
        """Return the values themselves."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldValue:
    """A value of a holder, which knows it by `key`, or an item of one: `path` has its index at each level.

    The holder releases the value when nobody refers to its key any more.
    """

    holder: Holder
    key: Any
    description: Description
    path: tuple[int, ...] = ()

    def fetch(self) -> Any:
        """Return the value itself."""
        return self.holder.fetch([self])[0]

    def items(self) -> list[Any] | None:
        """Return the items of a list or tuple, each small or held; None for any other value."""
        if not self.description.is_container:
            return None
        if self.description.items is None:
            return list(self.fetch())
        return [self._item(index, item) for index, item in enumerate(self.description.items)]

    def _item(self, index: int, described: Small | Description) -> Any:
        if isinstance(described, Small):
            return described.value
        return replace(self, path=(*self.path, index), description=described)


def items_of(value: Any) -> Any:
    """Return the list of items of a held list or tuple; any other value as it is."""
    if not isinstance(value, HeldValue):
        return value
    items = value.items()
    return value if items is None else items


def kind_of(value: Any) -> str:
    """Return the name of a value's type."""
    return value.description.kind if isinstance(value, HeldValue) else type(value).__name__


def replaced_in(value: Any, kind: type[T], replaced: Callable[[T], Any]) -> Any:
    """Return a value in which something else stands for each object of a kind.

    They are found among the items of lists, tuples and mappings, at any depth.
    """
    if isinstance(value, kind):
        return replaced(value)
    if type(value) is list:
        return [replaced_in(item, kind, replaced) for item in value]
    if type(value) is tuple:
        return tuple([replaced_in(item, kind, replaced) for item in value])
    if isinstance(value, Mapping):
        return {key: replaced_in(item, kind, replaced) for key, item in value.items()}
    return value


def fetched(value: Any) -> Any:
    """Return a value with what is held elsewhere; all of it is fetched at once."""
    held: list[HeldValue] = []
    replaced_in(value, HeldValue, held.append)
    if not held:
        return value
    values = iter(held[0].holder.fetch(held))
    return replaced_in(value, HeldValue, lambda _: next(values))
