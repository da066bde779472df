"""Which variants of a recipe there are: rattler-build's variants.yaml, as far as the recipe uses it. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from flowlock.errors import FlowlockError, Location
from flowlock.recipe.document import Recipe
from flowlock.recipe.text import read

Variant = Mapping[str, str]
ZIP_KEYS = "zip_keys"
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_]\w*")


def variants(recipe: Recipe, text: str | None, file: str) -> list[Variant]:
    """Return the combinations of values that a recipe is built with; one without values if there are none.

    A key counts if the recipe uses it: as a build or host requirement without a version, in an expression, in
    an `if`, or in `build.variant.use_keys`. Keys that `zip_keys` joins take their values side by side.
    """
    config = _config(text, file) if text is not None else {}
    zipped = [[str(key) for key in group] for group in config.pop(ZIP_KEYS, None) or ()]
    used = _used(recipe) & config.keys()
    groups = [[key for key in group if key in used] for group in zipped]
    joined = {key for group in groups for key in group}
    groups = [group for group in groups if group] + [[key] for key in sorted(used - joined)]
    choices = [_choices(group, config, file) for group in groups]
    return [{key: value for part in parts for key, value in part.items()} for parts in product(*choices)]


def _config(text: str, file: str) -> dict[str, Any]:
    config = dict(read(text, file).content)
    for key, values in config.items():
        if not isinstance(values, Sequence) or isinstance(values, str):
            raise FlowlockError(
                f"`{key}` is no list of values", code="FL318", location=Location(file=file, line=1)
            )
    return config


def _choices(group: Sequence[str], config: Mapping[str, Any], file: str) -> list[Variant]:
    rows = [[str(value) for value in config[key]] for key in group]
    if len({len(row) for row in rows}) != 1:
        raise FlowlockError(
            f"zip_keys joins {', '.join(group)}, which have different numbers of values",
            code="FL318",
            location=Location(file=file, line=1),
        )
    return [dict(zip(group, values, strict=True)) for values in zip(*rows, strict=True)]


def _used(recipe: Recipe) -> set[str]:
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
