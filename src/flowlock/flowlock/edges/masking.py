"""Texts without what must not be shown: secrets in any spelling, user info of URLs, control characters."""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

MASK = "***"
# Shorter values are words that occur in any text; no service gives out such tokens.
SHORTEST_HIDDEN = 4
# Any part of a secret of this length is masked: in what a server says, which may quote it, and in all output,
# where digests and names must not be hit by chance.
SHORTEST_QUOTED, SHORTEST_PRINTED = 6, 12
# A proxy that encodes what was encoded makes `%2541` of `A`.
_SPELLED_TWICE = 2

# One character as it may be spelled: percent-encoded, escaped as in JSON, JavaScript, Python and C, as a
# reference of HTML.
_SPELLED = re.compile(
    r"""
    % (?P<percent> [0-9A-Fa-f]{2} )
    | %u (?P<wide> [0-9A-Fa-f]{4} )
    | \\u (?P<unicode> [0-9A-Fa-f]{4} )
    | \\u\{ (?P<braced> [0-9A-Fa-f]{1,6} ) \}
    | \\U (?P<long> [0-9A-Fa-f]{8} )
    | \\x (?P<byte> [0-9A-Fa-f]{2} )
    | \\ (?P<octal> [0-3][0-7]{2} )
    | (?P<reference> & (?: \#[xX][0-9A-Fa-f]{1,6};? | \#[0-9]{1,7};? | [A-Za-z]{2,8}; ) )
    """,
    re.VERBOSE,
)
_HEXADECIMAL = ("percent", "wide", "unicode", "braced", "long", "byte")
# What may break a secret and is not seen: spaces, line ends, quotes, backslashes, invisible signs.
_BREAKS = "\\\"'\xad\u1680\u3000\ufeff" + "".join(
    chr(number)
    for first, last in ((0x00, 0x20), (0x7F, 0xA0), (0x2000, 0x200F), (0x2028, 0x202F), (0x205F, 0x2064))
    for number in range(first, last + 1)
)
# One case, and one of the two alphabets of base64.
_FOLDED = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ-_", "abcdefghijklmnopqrstuvwxyz+/", _BREAKS)
_SCHEMES = re.compile(r"(?i)\b(bearer|basic)(\s+)[A-Za-z0-9._~+/=*-]+")
_USER_INFO = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)[^\s/\"'<>]*@")
_CONDA_TOKEN = re.compile(r"(://[^\s/]+/t/)[^\s/]+")
# What colours text, moves the cursor or sets a title (ECMA-48): nothing is left of it.
_SEQUENCE = re.compile("(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?")
# Controls of terminals (C0 and C1, less line end and tab), and signs that change the direction of text.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, kw_only=True, slots=True)
class _ResolvedText:
    """A text as a reader sees it once spellings are resolved; `spans` are where each character stands."""

    text: str
    spans: Sequence[tuple[int, int]]


def hidden(text: str, values: Iterable[str], *, shortest: int = SHORTEST_QUOTED) -> str:
    """Return a text with every part of these values of at least `shortest` characters masked.

    As they are, percent-encoded, escaped, in base64 or hexadecimal, in other case, and broken by spaces or
    line ends. Values that are shorter than that are masked as a whole.
    """
    parts: set[str] = set()
    for value in values:
        if len(value) >= SHORTEST_HIDDEN:
            text = text.replace(value, MASK)
        for needle in _needles(value):
            parts |= _parts(needle, shortest)
    if not any(part in reading for reading in _readings(text) for part in parts):
        return text
    spans: list[tuple[int, int]] = []
    view = _ResolvedText(text=text, spans=[(place, place + 1) for place in range(len(text))])
    for _ in range(_SPELLED_TWICE + 1):
        spans += _found(_folded(view), parts)
        view = _resolved(view)
    return _masked(text, spans)


@lru_cache(maxsize=1024)
def _parts(needle: str, shortest: int) -> frozenset[str]:
    length = min(shortest, len(needle))
    return frozenset(needle[start : start + length] for start in range(len(needle) - length + 1))


def _readings(text: str) -> Iterator[str]:
    """Yield a text with spellings resolved never, once and twice: fast, without places."""
    yield text.translate(_FOLDED)
    for _ in range(_SPELLED_TWICE):
        resolved = _SPELLED.sub(_letter, text)
        if resolved == text:
            return
        yield resolved.translate(_FOLDED)
        text = resolved


def hidden_in_answer(text: str, values: Iterable[str]) -> str:
    """Return what a server says, without these values and without the credential of any header it quotes."""
    return _SCHEMES.sub(rf"\1\2{MASK}", hidden(text, values))


def without_user_info(text: str) -> str:
    """Return a text in which URLs have neither user info nor a token of conda (`/t/TOKEN/`)."""
    return _CONDA_TOKEN.sub(rf"\1{MASK}", _USER_INFO.sub(rf"\1{MASK}@", text))


def printable(text: str) -> str:
    """Return a text without characters that a terminal obeys; line ends and tabs stay."""
    lines = _SEQUENCE.sub("", text).replace("\r\n", "\n")
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", lines)


def mapped(document: Any, change: Any) -> Any:
    """Return a JSON document with every text in it, keys too, given to a function."""
    if isinstance(document, str):
        return change(document)
    if isinstance(document, Mapping):
        return {mapped(key, change): mapped(value, change) for key, value in document.items()}
    if isinstance(document, list | tuple):
        return [mapped(item, change) for item in document]
    return document


@lru_cache(maxsize=64)
def _needles(value: str) -> tuple[str, ...]:
    """Return the spellings of a value that are more than other ways to write each of its characters."""
    if len(value) < SHORTEST_HIDDEN:
        return ()
    data = value.encode("utf-8", "surrogatepass")
    encoded = [_base64(data, before) for before in range(3)]
    # A file of credentials holds base64, and is sent as base64.
    twice = [_base64(text.encode(), before) for text in encoded for before in range(3)]
    spellings = [value, data.hex(), *encoded, *twice]
    read = (spelling.translate(_FOLDED) for spelling in spellings)
    return tuple(dict.fromkeys(text for text in read if len(text) >= SHORTEST_HIDDEN))


def _base64(data: bytes, before: int) -> str:
    """Return the base64 of a value behind `before` other bytes, without what its neighbours decide too."""
    from base64 import b64encode

    text = b64encode(b"\0" * before + data).decode().rstrip("=")
    if (before + len(data)) % 3:
        text = text[:-1]
    return text[(0, 2, 3)[before] :]


def _resolved(view: _ResolvedText) -> _ResolvedText:
    """Return a view with its spellings resolved once; what is left of them is resolved by another call."""
    letters: list[str] = []
    spans: list[tuple[int, int]] = []
    position = 0
    for match in _SPELLED.finditer(view.text):
        start, end = match.span()
        letters += view.text[position:start]
        spans += view.spans[position:start]
        for letter in _letter(match):
            letters.append(letter)
            spans.append((view.spans[start][0], view.spans[end - 1][1]))
        position = end
    letters += view.text[position:]
    spans += view.spans[position:]
    return _ResolvedText(text="".join(letters), spans=spans)


def _letter(match: re.Match[str]) -> str:
    """Return what is spelled; a reference that HTML does not know stays unchanged."""
    kind = match.lastgroup
    if kind == "reference":
        from html import unescape

        return unescape(match[0])
    number = int(match[str(kind)], 16 if kind in _HEXADECIMAL else 8)
    return chr(number) if number <= sys.maxunicode else match[0]


def _folded(view: _ResolvedText) -> _ResolvedText:
    """Return a view in one case and alphabet, without what may break a secret."""
    pairs = [
        (folded, span)
        for letter, span in zip(view.text, view.spans, strict=True)
        if (folded := letter.translate(_FOLDED))
    ]
    return _ResolvedText(text="".join(letter for letter, _ in pairs), spans=[span for _, span in pairs])


def _found(view: _ResolvedText, parts: set[str]) -> list[tuple[int, int]]:
    """Return where a view has any of these parts."""
    spans: list[tuple[int, int]] = []
    for length in {len(part) for part in parts}:
        starts = range(len(view.text) - length + 1)
        hits = [start for start in starts if view.text[start : start + length] in parts]
        spans += [(view.spans[start][0], view.spans[start + length - 1][1]) for start in hits]
    return spans


def _masked(text: str, spans: list[tuple[int, int]]) -> str:
    parts: list[str] = []
    end = 0
    for start, stop in sorted(spans):
        if start > end or not parts:
            parts += [text[end:start], MASK]
        end = max(end, stop)
    return "".join([*parts, text[end:]])
