import ast

import pytest

from plain_code import complexity, dense_expressions


@pytest.mark.parametrize(
    "text",
    [
        "[[x for x in row] for row in rows]",
        "{row: any(x for x in row) for row in rows}",
        "a if b else (c if d else e)",
        "[a] if a else []",
        "{} if a else {'a': a}",
        "next((x for x in items if x), None)",
    ],
)
def test_each_kind_of_dense_expression_is_found(text: str) -> None:
    assert [line for line, _ in dense_expressions(ast.parse(text))] == [1]


def test_complexity_counts_every_branch() -> None:
    text = """
def f(rows):
    assert rows
    for row in [r for r in rows if r]:
        try:
            match row:
                case 1 | 2: return row and row or 3
                case _: return 0
        except ValueError:
            return 1 if row else 2
    else:
        def inner(): return 1 if rows else 2
"""
    (function, *_) = ast.parse(text).body
    assert isinstance(function, ast.FunctionDef)
    assert complexity(function) == 11
