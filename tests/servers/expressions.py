"""Expressions of GitHub's workflow files, as far as ours use them: what a runner would make of them."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

HOLE = re.compile(r"\$\{\{(.*?)\}\}")
TOKEN = re.compile(r"\s*(\|\||&&|==|!=|[!().,]|'(?:[^']|'')*'|[A-Za-z_][\w-]*)")


def fill(text: str, scope: Mapping[str, Any]) -> Any:
    """Return a text with its expressions filled in; the value itself if the text is one expression."""
    whole = HOLE.fullmatch(text.strip())
    if whole:
        return evaluate(whole[1], scope)
    return HOLE.sub(lambda found: as_text(evaluate(found[1], scope)), text)


def as_text(value: Any) -> str:
    """Return a value as a runner writes it into a text."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def evaluate(text: str, scope: Mapping[str, Any]) -> Any:
    """Return what an expression is worth; one that uses more of the language than ours do is a ValueError."""
    parser = _Parser(list(_tokens(text)), scope)
    value = parser.either()
    if parser.rest:
        raise ValueError(f"`{text}` goes on with {parser.rest}")
    return value


def _tokens(text: str) -> Iterator[str]:
    place = 0
    while place < len(text.rstrip()):
        found = TOKEN.match(text, place)
        if found is None:
            raise ValueError(f"`{text[place:]}` is not understood")
        yield found[1]
        place = found.end()


class _Parser:
    """Evaluates while it reads; a side that does not count has no effect but its time."""

    def __init__(self, tokens: list[str], scope: Mapping[str, Any]) -> None:
        self.rest = tokens
        self._scope = scope

    def either(self) -> Any:
        value = self._both()
        while self._take("||"):
            other = self._both()
            value = value or other
        return value

    def _both(self) -> Any:
        value = self._compared()
        while self._take("&&"):
            other = self._compared()
            value = value and other
        return value

    def _compared(self) -> Any:
        value = self._negated()
        if self._take("=="):
            return value == self._negated()
        if self._take("!="):
            return value != self._negated()
        return value

    def _negated(self) -> Any:
        return not self._negated() if self._take("!") else self._value()

    def _value(self) -> Any:
        token = self.rest.pop(0)
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if token == "(":
            value = self.either()
            self._expect(")")
        elif self._take("("):
            if token != "fromJSON":
                raise ValueError(f"the function {token} is not known here")
            value = json.loads(self.either())
            self._expect(")")
        else:
            value = self._scope[token]
        while self._take("."):
            name = self.rest.pop(0)
            value = value.get(name) if isinstance(value, Mapping) else None
        return value

    def _take(self, token: str) -> bool:
        if self.rest[:1] != [token]:
            return False
        self.rest.pop(0)
        return True

    def _expect(self, token: str) -> None:
        if not self._take(token):
            raise ValueError(f"`{token}` is missing before {self.rest}")
