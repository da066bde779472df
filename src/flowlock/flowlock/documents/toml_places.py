"""Where the keys and the list items of a well-formed TOML text stand: tomli tells none of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import tomli

from flowlock.documents.places import KeyPath
from flowlock.documents.toml_tokens import MAX_DEPTH, LimitError, Token, TokenKind


def places_of(tokens: Sequence[Token]) -> dict[KeyPath, tuple[int, int]]:
    """Return line and column of each key, table and list item, by the keys and positions that lead to it.

    Of a key that stands several times, as tables do in headers and dotted keys, the first place counts. The
    text must be well-formed; a LimitError if tables are nested too deep.
    """
    return _Walk(tokens).places()


@dataclass(slots=True)
class _Open:
    """A list or an inline table whose end has not been read."""

    path: KeyPath
    is_list: bool
    items: int = 0


class _Walk:
    """Goes through the tokens once, with the open lists and inline tables on a stack."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._next = 0
        self._table: KeyPath = ()
        self._open: list[_Open] = []
        # How many tables an array of tables (`[[name]]`) has so far.
        self._arrays: dict[KeyPath, int] = {}
        self._places: dict[KeyPath, tuple[int, int]] = {}

    def places(self) -> dict[KeyPath, tuple[int, int]]:
        """Return the places of the whole text."""
        while self._next < len(self._tokens):
            self._step(self._tokens[self._next])
        return self._places

    def _step(self, token: Token) -> None:
        if token.kind is TokenKind.NEWLINE or token.text == ",":
            self._next += 1
        elif self._open and token.text in ("]", "}"):
            self._open.pop()
            self._next += 1
        elif self._open and self._open[-1].is_list:
            self._item(self._open[-1], token)
        elif not self._open and token.text == "[":
            self._header()
        else:
            self._entry()

    def _item(self, parent: _Open, token: Token) -> None:
        path = (*parent.path, parent.items)
        parent.items += 1
        self._note(path, token)
        self._value(path)

    def _entry(self) -> None:
        path = self._open[-1].path if self._open else self._table
        for token in self._key():
            path = (*path, _part(token))
            self._note(path, token)
        self._next += 1  # the equals sign
        self._value(path)

    def _header(self) -> None:
        """Read `[a.b]` or `[[a.b]]`; a part that is an array of tables means its latest table."""
        self._next += 1
        is_array = self._tokens[self._next].text == "["
        self._next += is_array
        path: KeyPath = ()
        parts = self._key()
        for token in parts[:-1]:
            path = self._latest((*path, _part(token)), token)
        path = (*path, _part(parts[-1]))
        self._note(path, parts[-1])
        if is_array:
            self._arrays[path] = self._arrays.get(path, 0) + 1
            path = self._latest(path, parts[-1])
        self._table = path
        self._next += 1 + is_array

    def _latest(self, path: KeyPath, token: Token) -> KeyPath:
        self._note(path, token)
        if path in self._arrays:
            path = (*path, self._arrays[path] - 1)
            self._note(path, token)
        return path

    def _key(self) -> list[Token]:
        """Return the parts of the key that begins here, and go behind it."""
        parts = []
        while self._tokens[self._next].kind is not TokenKind.MARK or self._tokens[self._next].text == ".":
            token = self._tokens[self._next]
            if token.kind is not TokenKind.MARK:
                parts.append(token)
            self._next += 1
        return parts

    def _value(self, path: KeyPath) -> None:
        """Go into a list or an inline table, or behind a value; a number or a time can be several tokens."""
        token = self._tokens[self._next]
        if token.text in ("[", "{"):
            self._open.append(_Open(path, is_list=token.text == "["))
            self._next += 1
            return
        while self._next < len(self._tokens) and _is_part_of_scalar(self._tokens[self._next]):
            self._next += 1

    def _note(self, path: KeyPath, token: Token) -> None:
        if len(path) > MAX_DEPTH:
            raise LimitError(f"nested deeper than {MAX_DEPTH} levels", token.line, token.column)
        self._places.setdefault(path, (token.line, token.column))


def _is_part_of_scalar(token: Token) -> bool:
    return token.kind in (TokenKind.WORD, TokenKind.TEXT) or token.text == "."


def _part(token: Token) -> str:
    """Return a part of a key as tomli reads it."""
    if token.kind is TokenKind.WORD:
        return token.text
    return str(tomli.loads(f"part = {token.text}")["part"])
