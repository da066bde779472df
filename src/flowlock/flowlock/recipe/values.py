"""What a recipe's values say: the variables of `context` put in, the branches of selectors followed. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flowlock.documents.places import KeyPath

_VARIABLE = re.compile(r"\$\{\{\s*([A-Za-z_]\w*)\s*\}\}")
# The argument of a pin, if that is a variable.
_PINNED = re.compile(r"(\$\{\{[\s(]*pin_\w+\([\s(]*)([A-Za-z_]\w*)(?=\s*[,)])")


def table(document: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """Return the mapping below these keys, an empty one if there is none."""
    for key in keys:
        value = document.get(key)
        document = value if isinstance(value, Mapping) else {}
    return document


def leaves(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Yield the items of a value that may be one or a list, and those of all branches of `if` selectors.

    Each comes with what leads to it; of selectors, `then` or `else` is a part of that.
    """
    if isinstance(value, Mapping) and "if" in value:
        for branch in ("then", "else"):
            yield from leaves(value.get(branch), (*path, branch))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for number, item in enumerate(value):
            inner = (*path, number)
            yield from [(inner, None)] if item is None else leaves(item, inner)
    elif value is not None:
        yield path, value


def texts(value: Any) -> Iterator[str]:
    """Yield the items of a value as texts."""
    return (str(item) for _, item in leaves(value) if item is not None)


def strings(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    """Yield every text that a document holds as a value, wherever."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from strings(inner, (*path, key))
    elif isinstance(value, str):
        yield path, value
    elif isinstance(value, Sequence):
        for number, inner in enumerate(value):
            yield from strings(inner, (*path, number))


def resolve(value: Any, document: Mapping[str, Any]) -> str:
    """Return a text with the variables of `context` put in.

    ValueError names one that is not there or needs itself, or says that there is another expression, which
    only the engine evaluates.
    """
    text = fill(value, document)
    if missing := _VARIABLE.search(text):
        raise ValueError(f"`{missing[0]}` is not in `context`")
    if "${{" in text:
        raise ValueError(f"`{text}` is an expression; of those, only variables of `context` may stand here")
    return text


def fill(value: Any, document: Mapping[str, Any], within: tuple[str, ...] = ()) -> str:
    """Return a text with those variables put in that `context` has, everything else as it is.

    ValueError names a variable that needs itself.
    """
    context = table(document, "context")

    def variable(match: re.Match[str]) -> str:
        if match[1] not in context:
            return match[0]
        if match[1] in within:
            raise ValueError(f"`{match[1]}` of `context` needs itself")
        return fill(context[match[1]], document, (*within, match[1]))

    return _VARIABLE.sub(variable, str(value))


def filled_requirement(spec: str, document: Mapping[str, Any]) -> str:
    """Return a match spec with the variables of `context` put in, also where one is what a pin is about."""
    context = table(document, "context")

    def pinned(match: re.Match[str]) -> str:
        return f"{match[1]}'{fill(context[match[2]], document)}'" if match[2] in context else match[0]

    return _PINNED.sub(pinned, fill(spec, document))


def variables(value: Any, document: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the variables of `context` that a value is made of, directly or not."""
    context = table(document, "context")
    found: dict[str, None] = {}
    pending = [value]
    while pending:
        for name in _VARIABLE.findall(str(pending.pop())):
            if name in context and name not in found:
                found[name] = None
                pending.append(context[name])
    return tuple(found)
