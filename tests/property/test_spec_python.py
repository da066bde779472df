"""Generated source is laid out as `ruff format` lays it out, and its literals are their values."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlock.compile.code.python import (
    Brackets,
    Expression,
    TextLiteral,
    broken,
    call,
    comment,
    flat,
    listing,
    literal,
    mapping,
    pair,
    sentence,
    statement,
    width,
)
from shared import ROOT, seeded

RUFF = Path(sys.executable).parent / "ruff"
WORDS = [
    "a",
    "the",
    "Penguins",
    "é",
    "日本",
    "don't",
    'say "hi"',
    "x" * 30,
    "\n",
    "\t",
    "\\",
    "🐧",
    "100%",
    "y" * 120,
]

plain = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
values = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def expression(value: Any) -> Expression:
    if isinstance(value, list):
        return listing(map(expression, value))
    if isinstance(value, dict):
        return mapping((key, expression(item)) for key, item in value.items())
    return TextLiteral(value) if isinstance(value, str) else literal(value)


@given(values)
def test_a_value_written_on_one_line_or_on_several_is_read_back(value: Any) -> None:
    made = expression(value)
    for source in (flat(made), f"({broken(made, column=60, indent=8)})"):
        found = ast.literal_eval(source)
        assert found == value
        assert repr(found) == repr(value)


@given(st.text())
def test_a_comment_is_one_line_that_no_tool_reads(text: str) -> None:
    made = comment(text)
    assert made.isprintable()
    assert made.count("#") == (1 if made else 0)
    assert width(made) <= 106


@given(st.text())
def test_a_docstring_cannot_end_early(text: str) -> None:
    made = sentence(text, 100)
    assert made.endswith(".")
    assert ast.literal_eval(f'"""{made}"""') == made


class Statements:
    """Statements of random shapes."""

    def __init__(self, seed: int) -> None:
        self.chance = seeded(seed)

    def text(self) -> str:
        return " ".join(
            self.chance.choice(WORDS) for _ in range(self.chance.choice([0, 1, 2, 3, 5, 8, 20, 40]))
        )

    def expression(self, depth: int = 0) -> Expression:
        kind = self.chance.random()
        if depth > 3 or kind < 0.55:
            number = literal(self.chance.choice([1, -5, 1e16, 1.5e-7, True, None]))
            choices: list[Expression] = [
                TextLiteral(self.text()),
                TextLiteral(self.text()),
                number,
                "name" * self.chance.randint(1, 9),
            ]
            return self.chance.choice(choices)
        items = [self.expression(depth + 1) for _ in range(self.chance.randint(1, 4))]
        if kind < 0.75:
            return listing(items[1:])
        return pair(items) if kind < 0.85 else mapping((self.text(), item) for item in items)

    def links(self) -> list[Brackets]:
        made = []
        if self.chance.random() < 0.8:
            names = [
                f"{'n' * self.chance.randint(1, 19)}{number}" for number in range(self.chance.randint(0, 4))
            ]
            made.append(call(".partial", **{name: self.expression() for name in names}))
        if self.chance.random() < 0.3:
            conditions: list[Expression] = [
                "SKIP_CONDITIONS",
                listing(["never"] * self.chance.randint(1, 11)),
            ]
            made.append(call(".skipif", self.chance.choice(conditions)))
        names_of_map = listing([literal("df")])
        last = [
            call(".call"),
            call(".map", names_of_map, self.expression()),
            call(".mapvalues", names_of_map, "x" * 40),
        ]
        return [*made, self.chance.choice(last)]

    def function(self, number: int) -> str:
        prefix = self.chance.choice(["return ", "", f"var{'x' * self.chance.randint(0, 29)} = "])
        task, name = "t" * self.chance.randint(1, 59), literal("i" * self.chance.randint(1, 32))
        body = statement(prefix, call("step", task, name), self.links())
        return f'\n\ndef f{number}(step):\n    """X."""\n{body}'


@pytest.mark.parametrize("seed", range(4))
def test_long_lines_are_broken_as_ruff_breaks_them(seed: int, tmp_path: Path) -> None:
    made = Statements(seed)
    source = '"""X."""\n' + "".join(made.function(number) for number in range(300))
    path = tmp_path / "statements.py"
    path.write_text(source, encoding="utf-8")
    config = str(ROOT / "pyproject.toml")
    command: list[str | Path] = [RUFF, "format", "--no-cache", "--diff", "--config", config, path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.stdout
    assert done.returncode == 0
