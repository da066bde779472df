"""The mutants of a module's source: one small change each. Pure.

Annotations, decorators and docstrings are left alone: a change there hardly ever changes what a module does.
So are sentences: tests of messages look for their decisive words.
"""

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], ast.cmpop] = {
    ast.Eq: ast.NotEq(),
    ast.NotEq: ast.Eq(),
    ast.Lt: ast.LtE(),
    ast.LtE: ast.Lt(),
    ast.Gt: ast.GtE(),
    ast.GtE: ast.Gt(),
    ast.In: ast.NotIn(),
    ast.NotIn: ast.In(),
    ast.Is: ast.IsNot(),
    ast.IsNot: ast.Is(),
}
OPERATORS: dict[type[ast.operator], ast.operator] = {
    ast.Add: ast.Sub(),
    ast.Sub: ast.Add(),
    ast.Mult: ast.FloorDiv(),
    ast.FloorDiv: ast.Mult(),
    ast.BitOr: ast.BitAnd(),
    ast.BitAnd: ast.BitOr(),
}
# Conditions that no other change turns around.
PLAIN_CONDITIONS = (ast.Name, ast.Attribute, ast.Call, ast.NamedExpr)
# Beyond so many words a text is a sentence.
FEW_WORDS = 2
# How a text begins that nothing expects.
MUTATED = "mutated "


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutant:
    """A module's source with one change; the key names the change and outlives edits elsewhere."""

    key: str
    line: int
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Change:
    """A part of the syntax tree and the text that replaces it."""

    node: ast.expr | ast.stmt
    where: str
    text: str


def mutants(source: str) -> list[Mutant]:
    """Return every mutant of a module."""
    lines = source.encode().splitlines(keepends=True)
    starts = [sum(map(len, lines[:number])) for number in range(len(lines))]
    repeated: Counter[str] = Counter()
    found = []
    for change in _changes(ast.parse(source), "module"):
        node = change.node
        begin = starts[node.lineno - 1] + node.col_offset
        # Every node of a parsed module has an end.
        end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        data = source.encode()
        before = " ".join(data[begin:end].decode().split())
        key = f"{change.where}: {before} → {change.text}"
        repeated[key] += 1
        if repeated[key] > 1:
            key += f" #{repeated[key]}"
        changed = data[:begin] + change.text.encode() + data[end:]
        found.append(Mutant(key=key, line=node.lineno, source=changed.decode()))
    return found


def _changes(node: ast.AST, where: str) -> Iterator[_Change]:
    """Yield the changes of a node and of all below it; `where` is the function or class around it."""
    if isinstance(node, ast.expr | ast.stmt):
        for text in _replacements(node):
            yield _Change(node=node, where=where, text=text)
    for condition in _plain_conditions(node):
        yield _Change(node=condition, where=where, text=f"(not ({ast.unparse(condition)}))")
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        where = node.name if where == "module" else f"{where}.{node.name}"
    for child in _children(node):
        yield from _changes(child, where)


def _children(node: ast.AST) -> list[ast.AST]:
    """Return the parts of a node that are mutated."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            defaults = [default for default in node.args.kw_defaults if default is not None]
            return [*node.args.defaults, *defaults, *_without_docstring(node.body)]
        case ast.ClassDef() | ast.Module():
            return [*_without_docstring(node.body)]
        case ast.AnnAssign():
            return [] if node.value is None else [node.value]
        case ast.JoinedStr() | ast.Import() | ast.ImportFrom():
            # Python 3.11 does not know where the parts of an f-string are.
            return []
        case ast.Call() if _is_type_application(node):
            return list(node.args)
        case _:
            return list(ast.iter_child_nodes(node))


def _plain_conditions(node: ast.AST) -> list[ast.expr]:
    """Return what a node decides by, where that is a value: operators are changed by themselves."""
    match node:
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            conditions = [test]
        case ast.comprehension(ifs=conditions):
            pass
        case _:
            conditions = []
    return [condition for condition in conditions if isinstance(condition, PLAIN_CONDITIONS)]


def _is_type_application(node: ast.Call) -> bool:
    """Return whether what is called is a type with its parameters, as in `set[str]()`."""
    return isinstance(node.func, ast.Subscript)


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0]
    is_docstring = (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    )
    return body[1:] if is_docstring else body


def _replacements(node: ast.expr | ast.stmt) -> Iterator[str]:
    """Yield what may replace a node."""
    if isinstance(node, ast.stmt):
        yield from _statements(node)
    else:
        yield from _operations(node)
        yield from _values(node)


def _statements(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.Return(value=value) if value is not None and not _is_none(value):
            yield "return None"
        case ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Raise():
            yield "pass"
        case ast.Break():
            yield "continue"
        case ast.Continue():
            yield "break"
        case _:
            return


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _operations(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Compare(ops=[operator]):
            changed = copy.deepcopy(node)
            changed.ops = [COMPARISONS[type(operator)]]
            yield _text(changed)
        case ast.BoolOp(op=ast.And(), values=values):
            yield _text(ast.BoolOp(op=ast.Or(), values=values))
        case ast.BoolOp(op=ast.Or(), values=values):
            yield _text(ast.BoolOp(op=ast.And(), values=values))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield _text(operand)
        case ast.BinOp(left=left, op=operation, right=right) if type(operation) in OPERATORS:
            yield _text(ast.BinOp(left=left, op=OPERATORS[type(operation)], right=right))
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield _text(ast.IfExp(test=test, body=orelse, orelse=body))
        case _:
            return


def _values(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=bool() as value):
            yield repr(not value)
        case ast.Constant(value=int() as value):
            yield f"({value + 1})"
        case ast.Constant(value=str() as value) if not _is_sentence([value]):
            yield repr(MUTATED + value)
        case ast.JoinedStr(values=parts) if not _is_sentence(_texts(parts)):
            yield repr(MUTATED)
        case _:
            return


def _texts(parts: list[ast.expr]) -> list[str]:
    """Return what an f-string has between its values."""
    return [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]


def _is_sentence(texts: list[str]) -> bool:
    return len(" ".join(texts).split()) > FEW_WORDS


def _text(node: ast.expr) -> str:
    """Return an expression as it can stand anywhere."""
    return f"({ast.unparse(node)})"
