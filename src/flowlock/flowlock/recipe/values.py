"""What a recipe's values say: the variables of `context` put in, the branches of selectors followed. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flowlock.documents.places import KeyPath
from flowlock.recipe import expressions

EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_VARIABLE = re.compile(r"\$\{\{\s*([A-Za-z_]\w*)\s*\}\}")
_WORD = re.compile(r"[A-Za-z_]\w*")
DEEPEST = 50
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
    """Return a text with what its expressions give.

    ValueError names a variable that does
    not exist or refers to itself, or an expression that only the engine evaluates.
    """
    text = fill(value, document)
    if missing := _VARIABLE.search(text):
        raise ValueError(f"`{missing[0]}` is not in `context`")
    if "${{" in text:
        raise ValueError(
            f"`{text}` is an expression that only the build engine can evaluate; "
            "use variables of `context` and common filters here"
        )
    return text


def fill(value: Any, document: Mapping[str, Any], within: tuple[str, ...] = ()) -> str:
    """Return a text with what those expressions give that `context` suffices for, everything else unchanged.

    ValueError names a variable that refers to itself, or an expression that is not a string.
    """
    return _Context(document).fill(str(value), within)


class _Context:
    """The variables of a recipe, each evaluated once: they may be made of each other."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._written = table(document, "context")
        self._values: dict[str, Any] = {}

    def fill(self, text: str, within: tuple[str, ...]) -> str:
        filled = EXPRESSION.sub(lambda match: self._result(match, within), text)
        if len(filled) > expressions.LONGEST:
            raise ValueError(f"`{text:.60}` expands to more than {expressions.LONGEST} characters")
        return filled

    def _result(self, match: re.Match[str], within: tuple[str, ...]) -> str:
        needed = expressions.names(match[1])
        if needed is None or not needed <= self._written.keys():
            return match[0]
        values = {name: self._value(name, within) for name in sorted(needed)}
        unknown = any("${{" in str(value) for value in values.values())
        if unknown and not _VARIABLE.fullmatch(match[0]):
            return match[0]
        return expressions.evaluate(match[1], values)

    def _value(self, name: str, within: tuple[str, ...]) -> Any:
        if name in within:
            raise ValueError(f"`{name}` of `context` refers to itself")
        if len(within) > DEEPEST:
            raise ValueError(f"`{within[0]}` of `context` depends on more than {DEEPEST} nested variables")
        if name not in self._values:
            written = self._written[name]
            is_text = isinstance(written, str)
            self._values[name] = self.fill(written, (*within, name)) if is_text else written
        return self._values[name]


def filled_requirement(spec: str, document: Mapping[str, Any]) -> str:
    """Return a match spec with the variables of `context` put in, also where one is what a pin is about."""
    context = table(document, "context")

    def pinned(match: re.Match[str]) -> str:
        return f"{match[1]}'{fill(context[match[2]], document)}'" if match[2] in context else match[0]

    return _PINNED.sub(pinned, fill(spec, document))


def variables(value: Any, document: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the variables of `context` that a value is made of, directly or not."""
    context = table(document, "context")
    names: dict[str, None] = {}
    pending = [value]
    while pending:
        words = (word for text in EXPRESSION.findall(str(pending.pop())) for word in _WORD.findall(text))
        for name in words:
            if name in context and name not in names:
                names[name] = None
                pending.append(context[name])
    return tuple(names)
