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
    member = _type(node)
    return member.inner if member.kind is ValueKind.UNION else (member,)


def _kind(name: str) -> ValueKind:
    return _KINDS.get(name.rpartition(".")[2], ValueKind.UNKNOWN)


def takes_nothing(expected: Type) -> bool:
    """Return whether a type says that None is one of its values."""
    members = expected.inner if expected.kind is ValueKind.UNION else (expected,)
    return any(member.kind is ValueKind.NOTHING for member in members)


def fits(actual: Type, expected: Type) -> bool:
    """Return whether a value of one type may be what another expects."""
    kinds = (actual.kind, expected.kind)
    if ValueKind.UNKNOWN in kinds:
        return True
    if expected.kind is ValueKind.UNION:
        return any(fits(actual, member) for member in expected.inner)
    if actual.kind is ValueKind.UNION:
        return any(fits(member, expected) for member in actual.inner)
    if actual.kind is not expected.kind:
        # pydantic reads a number from a text.
        return kinds == (ValueKind.TEXT, ValueKind.NUMBER)
    return _fits_inside(actual, expected)


def _fits_inside(actual: Type, expected: Type) -> bool:
    """Return whether what is in the brackets of two types of one kind fits."""
    if actual.element and expected.element:
        return fits(actual.element, expected.element)
    if not actual.parts or not expected.parts:
        return True
    return len(actual.parts) == len(expected.parts) and all(map(fits, actual.parts, expected.parts))
