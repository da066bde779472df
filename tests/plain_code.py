"""What makes code hard to read line by line: many branches in a function, conditions inside of conditions."""

import ast
from collections.abc import Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def complexity(function: Function) -> int:
    """Return a function's cyclomatic complexity as radon counts it: comprehensions and `and` count too."""
    return 1 + sum(map(_branches, function.body))


def _branches(node: ast.AST) -> int:
    """Return how many branches a part of a function has; functions inside of it count for themselves."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return 0
        case ast.Assert():
            return 1
        case ast.Try():
            own = len(node.handlers) + bool(node.orelse)
        case ast.BoolOp():
            own = len(node.values) - 1
        case ast.If() | ast.IfExp():
            own = 1
        case ast.For() | ast.While() | ast.AsyncFor():
            own = 1 + bool(node.orelse)
        case ast.comprehension():
            own = 1 + len(node.ifs)
        case ast.Match():
            own = sum(not _takes_all(case.pattern) for case in node.cases)
        case _:
            own = 0
    return own + sum(map(_branches, ast.iter_child_nodes(node)))


def _takes_all(pattern: ast.pattern) -> bool:
    return isinstance(pattern, ast.MatchAs) and pattern.pattern is None


def dense_expressions(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line of each expression that should be several statements, and what it is."""
    for node in ast.walk(tree):
        if isinstance(node, COMPREHENSIONS) and _holds(node, COMPREHENSIONS):
            yield node.lineno, "a comprehension inside of a comprehension"
        elif isinstance(node, ast.IfExp) and _holds(node, ast.IfExp):
            yield node.lineno, "a conditional expression inside of a conditional expression"
        elif isinstance(node, ast.IfExp) and (_is_empty(node.body) or _is_empty(node.orelse)):
            if isinstance(node.body, ast.List | ast.Dict) and isinstance(node.orelse, ast.List | ast.Dict):
                yield node.lineno, "a list or a mapping that a condition makes empty"
        elif isinstance(node, ast.Call) and _is_conditional_next(node):
            yield node.lineno, "`next` with a condition and a default"


def _holds(node: ast.AST, kind: type[ast.AST] | tuple[type[ast.AST], ...]) -> bool:
    return any(isinstance(inner, kind) for inner in ast.walk(node) if inner is not node)


def _is_empty(node: ast.expr) -> bool:
    """Tell whether an expression is `[]` or `{}`."""
    return ast.unparse(node) in ("[]", "{}")


def _is_conditional_next(call: ast.Call) -> bool:
    if ast.unparse(call.func) != "next" or len(call.args) == 1:
        return False
    items = call.args[0]
    return isinstance(items, ast.GeneratorExp) and any(part.ifs for part in items.generators)
