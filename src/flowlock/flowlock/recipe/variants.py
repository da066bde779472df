"""Which variants of a recipe there are: rattler-build's variants.yaml, as far as the recipe uses it. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, product
from typing import Any

from flowlock.documents.places import KeyPath, Places
from flowlock.documents.yaml import read_mapping
from flowlock.errors import FlowlockError
from flowlock.recipe.document import Recipe

Variant = Mapping[str, str]
ZIP_KEYS = "zip_keys"
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Config:
    """A `variants.yaml`: the values of each key as they are written, and the keys that go side by side."""

    file: str
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    zipped: tuple[tuple[str, ...], ...] = ()
    places: Places = field(default_factory=Places)


def variants(recipe: Recipe, text: str | None, file: str) -> list[Variant]:
    """Return the combinations of values that a recipe is built with; one without values if there are none.

    A key counts if the recipe uses it: as a build or host requirement without a version, in an expression, in
    an `if`, or in `build.variant.use_keys`. Keys that `zip_keys` joins take their values side by side.
    """
    config = _config(text, file) if text is not None else _Config(file=file)
    used = _used_keys(recipe) & set(config.values)
    choices = [_choices(group, config) for group in _groups(used, config.zipped)]
    return [_merged(parts) for parts in product(*choices)]


def _groups(used: set[str], zipped: Iterable[Iterable[str]]) -> list[list[str]]:
    """Return the keys that are used: those that take their values side by side, then each other one alone."""
    groups: list[list[str]] = []
    for keys in zipped:
        group = [key for key in keys if key in used]
        if group:
            groups.append(group)
    alone = used - set(chain.from_iterable(groups))
    return [*groups, *([key] for key in sorted(alone))]


def _merged(parts: Iterable[Variant]) -> Variant:
    merged: dict[str, str] = {}
    for part in parts:
        merged.update(part)
    return merged


def _config(text: str, file: str) -> _Config:
    document = read_mapping(text, file)
    values: dict[str, tuple[str, ...]] = {}
    zipped: list[tuple[str, ...]] = []
    for key, items in document.content.items():
        if key == ZIP_KEYS:
            groups = items if isinstance(items, list) else [items]
            zipped = [_written(document.places, (key, number), group) for number, group in enumerate(groups)]
        else:
            values[key] = _written(document.places, (key,), items)
    return _Config(file=file, values=values, zipped=tuple(zipped), places=document.places)


def _written(places: Places, path: KeyPath, items: Any) -> tuple[str, ...]:
    """Return a list's scalars as they are written: of the number 3.10 the text would be lost."""
    count = len(items) if isinstance(items, list) else 0
    written = [places.written.get((*path, number)) for number in range(count)]
    if not isinstance(items, list) or None in written:
        kind = "lists of keys" if path[0] == ZIP_KEYS else "values"
        raise FlowlockError(
            f"`{path[0]}` is not a list of {kind}",
            code="FL318",
            location=places.value(path),
            hint='write for example `python: ["3.11", "3.12"]`, or `zip_keys: [[python, numpy]]`',
        )
    return tuple(str(text) for text in written)


def _choices(group: Sequence[str], config: _Config) -> list[Variant]:
    rows = [config.values[key] for key in group]
    if len({len(row) for row in rows}) != 1:
        raise FlowlockError(
            f"zip_keys joins {', '.join(group)}, which have different numbers of values",
            code="FL318",
            location=config.places.key((ZIP_KEYS,)),
            hint="give each of these keys the same number of values",
        )
    return [dict(zip(group, values, strict=True)) for values in zip(*rows, strict=True)]


def _used_keys(recipe: Recipe) -> set[str]:
    needs = (*recipe.requirements("build"), *recipe.requirements("host"))
    bare = {spec.strip().replace("-", "_") for spec in needs if " " not in spec.strip() and "$" not in spec}
    return bare | {word for text in _expressions(recipe.document) for word in _WORD.findall(text)}


def _expressions(value: Any, key: str = "") -> Iterator[str]:
    """Yield the texts of a document in which a name stands for a variable."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _expressions(inner, str(name))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for inner in value:
            yield from _expressions(inner, key)
    elif isinstance(value, str):
        yield from [value] if key in {"if", "skip", "use_keys"} else _EXPRESSION.findall(value)
