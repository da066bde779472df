"""Types as signatures write them, and whether a value of one can be given where another is expected.

Only what is certain is called a misfit: a type that is not known here fits everything, and so does what
pydantic might convert (a text to a number, say).
"""

import ast
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

PAIR = 2


class ValueKind(Enum):
    """The kinds of values that are never mistaken for each other."""

    TABLE = "table"
    TEXT = "text"
    NUMBER = "number"
    LIST = "list"
    MAPPING = "mapping"
    NOTHING = "nothing"
    UNION = "union"
    UNKNOWN = "unknown"


_KINDS = {
    "DataFrame": ValueKind.TABLE,
    "GeoDataFrame": ValueKind.TABLE,
    "str": ValueKind.TEXT,
    "Path": ValueKind.TEXT,
    "int": ValueKind.NUMBER,
    "float": ValueKind.NUMBER,
    "bool": ValueKind.NUMBER,
    "list": ValueKind.LIST,
    "tuple": ValueKind.LIST,
    "set": ValueKind.LIST,
    "Sequence": ValueKind.LIST,
    "dict": ValueKind.MAPPING,
    "Mapping": ValueKind.MAPPING,
    "None": ValueKind.NOTHING,
}


@dataclass(frozen=True, slots=True)
class Type:
    """A type: its kind, its text, the types in its brackets (of a union: its members)."""

    kind: ValueKind
    text: str
    inner: "tuple[Type, ...]" = ()

    @property
    def element(self) -> "Type | None":
        """What a list has many of, if that is one type."""
        variadic = self.text.startswith("tuple") and not self.text.endswith(", ...]")
        return self.inner[0] if self.kind is ValueKind.LIST and self.inner and not variadic else None

    @property
    def is_class(self) -> bool:
        """Whether it is a class of a package, not a type of Python's own or a union."""
        root, dot, _ = self.text.partition(".")
        named = bool(dot) and root != "collections" and self.text.replace(".", "").isidentifier()
        return self.kind is ValueKind.UNKNOWN and named

    @property
    def parts(self) -> "tuple[Type, ...]":
        """What a tuple of fixed length is made of."""
        return self.inner if self.text.startswith("tuple") and not self.text.endswith(", ...]") else ()


UNKNOWN = Type(ValueKind.UNKNOWN, "Any")


@lru_cache(maxsize=1024)
def read(annotation: str) -> Type:
    """Read an annotation's text."""
    try:
        return _type(ast.parse(annotation, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError):
        return UNKNOWN


def _type(node: ast.expr) -> Type:
    text = ast.unparse(node)
    match node:
        case ast.BinOp(op=ast.BitOr()):
            return Type(ValueKind.UNION, text, (*_members(node.left), *_members(node.right)))
        case ast.Subscript():
            items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            types = [
                _type(item) for item in items if not (isinstance(item, ast.Constant) and item.value is ...)
            ]
            return Type(_kind(ast.unparse(node.value)), text, tuple(types))
        case _:
            return Type(_kind(text), text)


def _members(node: ast.expr) -> tuple[Type, ...]:
    found = _type(node)
    return found.inner if found.kind is ValueKind.UNION else (found,)


def _kind(name: str) -> ValueKind:
    return _KINDS.get(name.rpartition(".")[2], ValueKind.UNKNOWN)


def list_of(element: Type) -> Type:
    """Return the type of a list."""
    return Type(ValueKind.LIST, f"list[{element.text}]", (element,))


def pair_with(value: Type) -> Type:
    """Return the type of a group's key and value."""
    return Type(ValueKind.LIST, f"tuple[Any, {value.text}]", (UNKNOWN, value))


def takes_nothing(expected: Type) -> bool:
    """Tell whether a type says that None is one of its values."""
    return ValueKind.NOTHING in (
        expected.kind,
        *(one.kind for one in expected.inner if expected.kind is ValueKind.UNION),
    )


def fits(given: Type, expected: Type) -> bool:
    """Tell whether a value of one type may be what another expects."""
    if ValueKind.UNKNOWN in (given.kind, expected.kind):
        return True
    if expected.kind is ValueKind.UNION:
        return any(fits(given, one) for one in expected.inner)
    if given.kind is ValueKind.UNION:
        return any(fits(one, expected) for one in given.inner)
    if given.kind is not expected.kind:
        return given.kind is ValueKind.TEXT and expected.kind is ValueKind.NUMBER
    if given.element and expected.element:
        return fits(given.element, expected.element)
    same_length = not (given.parts and expected.parts) or len(given.parts) == len(expected.parts)
    return same_length and all(map(fits, given.parts, expected.parts))
