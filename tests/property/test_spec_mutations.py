"""Specs that were damaged at random give problems or compile; they never raise anything else."""

import random
from collections.abc import Callable

import pytest

from flowlock.compile.package import render
from flowlock.report import renderings as rendering
from flowlock.spec.rules.check import check_text
from specs import FACTS, GOLDEN, catalog

SPECS = [
    path.read_bytes().decode("utf-8")
    for kind in ("valid", "valid", "valid", "invalid")
    for path in sorted(GOLDEN.glob(f"{kind}/*/spec.yaml"))
    if path.parent.name not in ("yaml-bomb", "sixty-tasks")
]
INSERTS = [
    "\t",
    "'",
    '"',
    "[",
    "]",
    "{",
    "}",
    ":",
    "- ",
    "#",
    "&a ",
    "*a",
    "!!int ",
    "\n",
    "\n\n",
    "|",
    ">",
    "%",
    "@",
    "`",
    "${{",
]
WORDS = [
    "id",
    "task",
    "null",
    "true",
    "1",
    "1.5",
    "[]",
    "{}",
    "~",
    "x: y",
    "workflow",
    "map",
    "skipif",
    "partial",
    "é",
    "\ud800",
]

Mutation = Callable[[random.Random, str], str]


def delete(chance: random.Random, text: str) -> str:
    start = chance.randrange(len(text) + 1)
    return text[:start] + text[start + chance.randint(1, 12) :]


def insert(chance: random.Random, text: str) -> str:
    start = chance.randrange(len(text) + 1)
    return text[:start] + chance.choice(INSERTS) + text[start:]


def replace_word(chance: random.Random, text: str) -> str:
    words = text.split(" ")
    words[chance.randrange(len(words))] = chance.choice(WORDS)
    return " ".join(words)


def swap_lines(chance: random.Random, text: str) -> str:
    lines = text.split("\n")
    first, second = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[first], lines[second] = lines[second], lines[first]
    return "\n".join(lines)


def double_line(chance: random.Random, text: str) -> str:
    lines = text.split("\n")
    at = chance.randrange(len(lines))
    return "\n".join([*lines[:at], lines[at], *lines[at:]])


def indent(chance: random.Random, text: str) -> str:
    lines = text.split("\n")
    at = chance.randrange(len(lines))
    lines[at] = " " * chance.randint(1, 4) + lines[at] if chance.random() < 0.5 else lines[at].lstrip()
    return "\n".join(lines)


def any_character(chance: random.Random, text: str) -> str:
    at = chance.randrange(len(text) + 1)
    return (
        text[:at]
        + chr(chance.choice([*range(32), 0x7F, 0x85, 0xA0, 0x2028, 0xFFFE, 0x1F427]))
        + text[at + 1 :]
    )


MUTATIONS: list[Mutation] = [delete, insert, replace_word, swap_lines, double_line, indent, any_character]


@pytest.mark.parametrize("seed", range(10))
def test_a_damaged_spec_compiles_or_is_told_why_not(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same specs every time
    compiled = 0
    for _ in range(150):
        text = chance.choice(SPECS)
        for _ in range(chance.randint(1, 2)):
            text = chance.choice(MUTATIONS)(chance, text)
        spec, problems = check_text(text, "spec.yaml", catalog(), FACTS)
        if problems:
            assert rendering.as_text(problems, {"spec.yaml": text})
            assert rendering.as_github(problems)
            assert all(problem.location and problem.location.line for problem in problems)
        if not rendering.errors(problems):
            assert spec is not None
            render(spec, catalog(), FACTS, source=text)
            compiled += 1
    assert compiled
