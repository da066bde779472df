"""The tokens of a TOML text with their places, and the limits that a text has to keep before it is parsed.

The limits are far above any file that people write. They are checked on tokens, so that a hostile text is
refused before a parser recurses into it.
"""

import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

MAX_TEXT = 2_000_000
MAX_DEPTH = 64
MAX_VALUES = 100_000
MAX_WORD = 400

# Every character belongs to exactly one token. A quote that is never closed is a separate token. Possessive
# repetition keeps the time linear and the memory constant on any text.
_TOKEN = re.compile(
    r"""
    (?P<newline> \n )
    | (?P<blank> [^\S\n]+ | \#[^\n]* )
    | (?P<text>
        \"{3} (?: [^"\\]++ | \\. | \"{1,2} (?!\") )*+ \"{3,5}
        | '{3} (?: [^']++ | '{1,2} (?!') )*+ '{3,5}
        | \" (?!\"\") (?: [^"\\\n]++ | \\[^\n] )*+ \"
        | ' (?!'') [^'\n]* '
      )
    | (?P<unclosed> ["'] )
    | (?P<mark> [\[\]{}=,.] )
    | (?P<word> [^\s\[\]{}=,.\#"']+ )
    """,
    re.VERBOSE | re.DOTALL,
)


class TokenKind(Enum):
    """What a token is; a number, a date and a bare key are words."""

    NEWLINE = "newline"
    TEXT = "text"
    MARK = "mark"
    WORD = "word"


_KINDS: dict[str | None, TokenKind] = {kind.value: kind for kind in TokenKind}


class Token(NamedTuple):
    """A token, and its line and column from 1."""

    kind: TokenKind
    text: str
    line: int
    column: int


class LimitError(Exception):
    """A text goes beyond a limit: which one, and where."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.message, self.line, self.column = message, line, column


def tokens_of(text: str) -> list[Token]:
    """Return the tokens of a text without blanks and comments; a LimitError if it is too large.

    The text may be malformed. The tokens end where a quote is not closed.
    """
    if len(text) > MAX_TEXT:
        raise LimitError(f"the file has {len(text):,} characters; the maximum is {MAX_TEXT:,}")
    limits = _Limits()
    tokens = []
    for token in _tokens(text):
        limits.take(token)
        tokens.append(token)
    return tokens


def _tokens(text: str) -> Iterator[Token]:
    line, line_start = 1, 0
    for match in _TOKEN.finditer(text):
        kind, content = match.lastgroup, match[0]
        if kind == "unclosed":
            return
        if kind != "blank":
            yield Token(_KINDS[kind], content, line, match.start() - line_start + 1)
        if "\n" in content:
            line += content.count("\n")
            line_start = match.start() + content.rfind("\n") + 1


class _Limits:
    """Counts what the tokens of a text open, and refuses too much of it."""

    def __init__(self) -> None:
        self._depth = 0
        self._values = 0
        self._dots = 0

    def take(self, token: Token) -> None:
        """Count a token; raise a LimitError if it is one too many."""
        if token.kind is TokenKind.WORD:
            self._require(
                f"a token has {len(token.text):,} characters", token, is_within=len(token.text) <= MAX_WORD
            )
        elif token.kind is TokenKind.MARK:
            self._count(token)
        elif token.kind is TokenKind.NEWLINE:
            self._dots = 0

    def _count(self, token: Token) -> None:
        if token.text == ".":
            self._dots += 1
            self._require(f"a key has more than {MAX_DEPTH} parts", token, is_within=self._dots < MAX_DEPTH)
            return
        self._dots = 0
        if token.text in "[{":
            self._depth += 1
            self._require(f"nested deeper than {MAX_DEPTH} levels", token, is_within=self._depth <= MAX_DEPTH)
        if token.text in "]}":
            self._depth -= 1
            return
        self._values += 1
        self._require(
            f"more than {MAX_VALUES:,} keys and values", token, is_within=self._values <= MAX_VALUES
        )

    def _require(self, message: str, token: Token, *, is_within: bool) -> None:
        if not is_within:
            raise LimitError(message, token.line, token.column)
