"""Expressions of a recipe that need nothing but `context`: what `${{ name | lower }}` gives. Pure.

The engine has Jinja's syntax, with additional filters. Those here give what it gives; everything else is left
to it.
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import nodes
    from jinja2.sandbox import SandboxedEnvironment

# Far more than the name, the version or a requirement of a package has.
LONGEST = 10_000


def names(expression: str) -> frozenset[str] | None:
    """Return the variables of an expression, None if only the engine can evaluate it."""
    if expression.strip().isidentifier():
        return frozenset({expression.strip()})
    return _parsed(expression)


def evaluate(expression: str, values: Mapping[str, Any]) -> str:
    """Return what an expression gives that has `names`; ValueError explains why it gives no text."""
    if expression.strip().isidentifier():
        return str(values[expression.strip()])
    from jinja2 import TemplateError

    try:
        result = _environment().compile_expression(expression, undefined_to_none=False)(**values)
    except (TemplateError, TypeError, ValueError, LookupError, OverflowError) as error:
        raise ValueError(f"`{expression.strip()}` cannot be evaluated: {error}") from error
    if isinstance(result, str | int):
        return str(result)
    raise ValueError(f"`{expression.strip()}` is not a string")


@cache
def _parsed(expression: str) -> frozenset[str] | None:
    from jinja2 import TemplateError, meta, nodes

    if len(expression) > LONGEST or "}}" in expression:
        return None
    try:
        tree = _environment().parse(f"${{{{{expression}}}}}")
    except (TemplateError, RecursionError):
        return None
    (output, *more) = tree.body
    if more or not isinstance(output, nodes.Output) or not all(map(_is_simple, output.find_all(nodes.Expr))):
        return None
    return frozenset(meta.find_undeclared_variables(tree))


def _is_simple(node: "nodes.Node") -> bool:
    """Return whether a part of an expression is one that means the same here as to the engine."""
    from jinja2 import nodes

    if isinstance(node, nodes.Filter):
        return node.name in _environment().filters
    plain = (nodes.Name, nodes.Const, nodes.Concat, nodes.Add, nodes.Getitem, nodes.Slice, nodes.List)
    return isinstance(node, plain)


@cache
def _environment() -> "SandboxedEnvironment":
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    # The result is a text of a recipe, not of a page: escaping for HTML would change it.
    environment = SandboxedEnvironment(
        variable_start_string="${{", undefined=StrictUndefined, autoescape=False
    )
    kept = ("lower", "upper", "trim", "join", "first", "last", "int", "list", "length", "reverse")
    filters = {name: environment.filters[name] for name in kept}
    environment.filters = {**filters, "replace": _replace, "split": lambda text, *by: text.split(*by)}
    environment.globals = {}
    return environment


def _replace(text: Any, old: str, new: str) -> str:
    whole = str(text)
    if not old or len(whole) + whole.count(old) * len(new) > LONGEST:
        raise ValueError("the result is too long")
    return whole.replace(old, new)
