"""Python source from data: literals that are their values, and lines broken as `ruff format` breaks them.

Text from a spec enters source through `literal` and `comment` only (DESIGN.md, I5).
"""

import ast
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from flowlock_core.documents.scalars import Plain

WIDTH = 110
INDENT = 4


@dataclass(frozen=True, slots=True)
class Brackets:
    """Items between brackets, each behind its own prefix (`name=`, `"key": `); broken, one item a line."""

    opening: str
    items: "tuple[tuple[str, Expression], ...]"
    closing: str

    @property
    def flat(self) -> str:
        """The expression on one line; a tuple of one keeps its comma."""
        inner = ", ".join(prefix + flat(item) for prefix, item in self.items)
        comma = "," if self.opening == "(" and len(self.items) == 1 else ""
        return f"{self.opening}{inner}{comma}{self.closing}"


@dataclass(frozen=True, slots=True)
class TextLiteral:
    """A text literal, broken into several where it is long."""

    value: str

    @property
    def flat(self) -> str:
        """The literal on one line."""
        return literal(self.value)

    def pieces(self, columns: int) -> list[str]:
        """Return literals that make the text together, cut after spaces and line ends."""
        pieces = [""]
        for word in re.findall(r"\S*[^\S\n]*\n|\S*[^\S\n]+|\S+", self.value):
            together = pieces[-1] + word
            if pieces[-1] and (pieces[-1].endswith("\n") or width(literal(together)) > columns):
                pieces.append(word)
            else:
                pieces[-1] = together
        return [literal(piece) for piece in pieces]


Expression: TypeAlias = str | TextLiteral | Brackets


def flat(expression: Expression) -> str:
    """Return an expression on one line."""
    return expression if isinstance(expression, str) else expression.flat


def call(function: str, /, *positional: Expression, **named: Expression) -> Brackets:
    """Return a call: a name or `.name`, and its arguments."""
    items = (*(("", item) for item in positional), *((f"{name}=", item) for name, item in named.items()))
    return Brackets(f"{function}(", items, ")")


def listing(items: Iterable[Expression]) -> Brackets:
    """Return a list display."""
    return Brackets("[", tuple(("", item) for item in items), "]")


def pair(items: Iterable[Expression]) -> Brackets:
    """Return a tuple display."""
    return Brackets("(", tuple(("", item) for item in items), ")")


def mapping(entries: Iterable[tuple[str, Expression]]) -> Brackets:
    """Return a dict display with literal texts as keys."""
    return Brackets("{", tuple((f"{literal(key)}: ", item) for key, item in entries), "}")


def literal(value: Plain) -> str:
    """Return the source of a plain value, quoted and spelt as the formatter would."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        return repr(value).replace("e+", "e")
    return repr(value)


def _text(value: str) -> str:
    """Quote a text: double quotes unless single ones save backslashes."""
    if value.count('"') > value.count("'"):
        # A double quote in front makes repr choose single quotes around.
        return "'" + repr('"' + value)[2:]
    escaped = repr('"' + value)[2:-1]
    body = re.sub(r'\\(.)|"', _requote, escaped, flags=re.DOTALL)
    return f'"{body}"'


def _requote(match: re.Match[str]) -> str:
    quoted = match[0]
    if quoted == '"':
        return '\\"'
    return "'" if quoted == "\\'" else quoted


def statement(prefix: str, first: Brackets, links: Sequence[Brackets], *, indent: int = INDENT) -> str:
    """Return a statement that is a chain of calls: `prefix` is `name = `, `return ` or nothing."""
    whole = prefix + first.flat + "".join(link.flat for link in links)
    margin = " " * indent
    if indent + width(whole) <= WIDTH:
        return f"{margin}{whole}\n"
    if len(links) > 1:
        deeper = indent + INDENT
        chain = whole.removeprefix(prefix)
        if deeper + width(chain) <= WIDTH:
            return f"{margin}{prefix}(\n{' ' * deeper}{chain}\n{margin})\n"
        lines = [" " * deeper + broken(part, column=deeper, indent=deeper) for part in (first, *links)]
        return f"{margin}{prefix}(\n" + "\n".join(lines) + f"\n{margin})\n"
    link = links[0]
    head = prefix + first.flat
    if not link.items or indent + width(head + link.opening) > WIDTH:
        head = prefix + broken(first, column=WIDTH, indent=indent)
    last = width(head.rpartition("\n")[2]) + (0 if "\n" in head else indent)
    return f"{margin}{head}{broken(link, column=last, indent=indent)}\n"


def broken(expression: Expression, *, column: int, indent: int, after: int = 0) -> str:
    """Return an expression that begins at `column` of a line at `indent`, on one line if it fits there.

    `after` characters must fit behind it.
    """
    line = flat(expression)
    if isinstance(expression, str) or column + width(line) + after <= WIDTH:
        return line
    inner = indent + INDENT
    if isinstance(expression, TextLiteral):
        fits = inner + width(line) <= WIDTH
        pieces = [line] if fits else expression.pieces(WIDTH - inner)
        block = "".join(f"{' ' * inner}{piece}\n" for piece in pieces)
        return f"(\n{block}{' ' * indent})" if fits or len(pieces) > 1 else line
    if not expression.items:
        return line
    lines = [
        " " * inner + prefix + broken(item, column=inner + width(prefix), indent=inner, after=1) + ",\n"
        for prefix, item in expression.items
    ]
    return f"{expression.opening}\n{''.join(lines)}{' ' * indent}{expression.closing}"


def width(text: str) -> int:
    """Return how many columns a text takes: East Asian wide letters two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(_columns(letter) for letter in text)


def _columns(letter: str) -> int:
    if unicodedata.category(letter) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in ("W", "F") else 1


_DIRECTIVE = re.compile(
    r"(?i)(todo|fixme|xxx|hack|noqa|nosec|type:|mypy:|ruff:|flake8[:-]|fmt:|isort:|yapf:|pylint|pyright|pragma|!|:)"
)
# Without one of these nothing is taken for code (ruff's ERA001); with one, what parses is, and what begins
# as a statement does.
_SIGNS = (*"()[]{}:=%", "return", "break", "continue", "import")
_STATEMENT = re.compile(
    r"(?i)(return|import|from|def|class|if|elif|else|for|while|try|except|with|print|lambda)\b"
)


def comment(text: str) -> str:
    """Return text from a spec as a comment that is one line and nothing but a comment."""
    # A backslash at the end would continue the line, and linters take that for code.
    words = one_line(text).replace("#", "").rstrip("\\ ")
    words = shortened(" ".join(words.split()), WIDTH - INDENT - len("# The step "))
    if not words:
        return ""
    return f"# The step {words}" if _DIRECTIVE.match(words) or _like_code(words) else f"# {words}"


def _like_code(words: str) -> bool:
    """Return whether words would pass for code that was commented out, as linters look for it."""
    if not any(sign in words for sign in _SIGNS):
        return False
    if _STATEMENT.match(words) or not words.strip("()[]{} "):
        return True
    try:
        ast.parse(words)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def one_line(text: str) -> str:
    """Return a text without line breaks, control and formatting characters."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def shortened(text: str, columns: int) -> str:
    """Return a text of at most this number of columns; a longer one is cut."""
    if width(text) <= columns:
        return text
    kept = ""
    used = width("...")
    for letter in text:
        used += _columns(letter)
        if used > columns:
            break
        kept += letter
    return kept.rstrip() + "..."


def sentence(text: str, columns: int) -> str:
    """Return text from a spec as a docstring's summary: one line that nothing in it can end, a full stop."""
    words = one_line(text).replace("\\", "/").replace('"', "'")
    return shortened(words.rstrip(" .!?:;,"), columns - 1).rstrip(".") + "."
