"""The list of phrases in CONTRIBUTING.md is kept: none of them is in the sources or the documentation."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from pages import NAMES, PAGES, SOURCES
from shared import ROOT

CONTRIBUTING = ROOT / "CONTRIBUTING.md"
TEMPLATES = sorted(path for path in (ROOT / "src").rglob("*.in") if ".venv" not in path.parts)
ROW = re.compile(r"^\| (.+?) \| (.+?) \|(?: (.*?) ?\|)?$", re.MULTILINE)
FEWEST = 40
# A `…` of a phrase stands for one to three words, of which an f-string may fill in each.
GAP = r"[^\s\x03]+(?:\s+[^\s\x03]+){0,2}?"
# Stands between two strings of a module; no phrase runs over it.
END = "\n\x03\n"


class Phrase(NamedTuple):
    """A row of the list: what not to write, what to write, and longer phrases in which it is right."""

    text: str
    instead: str
    allowed: tuple[str, ...]


@cache
def phrases() -> tuple[Phrase, ...]:
    """Return the rows of the list in CONTRIBUTING.md."""
    section = CONTRIBUTING.read_text().partition("\n## Words\n")[2]
    rows = ROW.findall(section.partition("\n## ")[0])[1:]  # without the head of the table
    return tuple(Phrase(text, instead, _listed(allowed)) for text, instead, allowed in rows)


def _listed(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split(",") if part.strip())


def pattern(phrase: str) -> str:
    """Return an expression for a phrase, whatever the spaces and line breaks between its words."""
    words = r"\s+".join(GAP if word == "…" else re.escape(word) for word in phrase.split())
    return rf"(?<![\w-]){words}(?![\w-])"


def uses(phrase: Phrase, text: str) -> list[str]:
    """Return where a text has the phrase, as it is written there."""
    for allowed in phrase.allowed:
        text = re.sub(pattern(allowed), "", text, flags=re.IGNORECASE)
    return [" ".join(match[0].split()) for match in re.finditer(pattern(phrase.text), text, re.IGNORECASE)]


def prose(source: str) -> Iterator[str]:
    """Yield the strings, docstrings and comments of a module; comments on adjacent lines are one text."""
    yield from _strings(source)
    block: list[str] = []
    last = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        if token.start[0] != last + 1:
            yield " ".join(block)
            block = []
        block.append(token.string.lstrip("#: "))
        last = token.start[0]
    yield " ".join(block)


def _strings(source: str) -> Iterator[str]:
    tree = ast.parse(source)
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.value


def page_text(path: Path) -> str:
    """Return the text of a page; the list itself is not searched."""
    text = path.read_text()
    return ROW.sub("", text) if path == CONTRIBUTING else text


@cache
def checked() -> dict[str, str]:
    """Return the text that is searched of each file; no phrase reaches from one string to the next."""
    sources = {path: END.join(prose(path.read_text())) for path in SOURCES}
    pages = {path: page_text(path) for path in (*PAGES, *TEMPLATES)}
    return {str(path.relative_to(ROOT)): text for path, text in (sources | pages).items()}


def test_the_list_has_enough_phrases_and_each_once() -> None:
    texts = [phrase.text.lower() for phrase in phrases()]
    assert len(texts) >= FEWEST
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("phrase", phrases(), ids=lambda phrase: phrase.text)
def test_no_source_and_no_page_has_a_phrase_of_the_list(phrase: Phrase) -> None:
    found = sorted({(file, use) for file, text in checked().items() for use in uses(phrase, text)})
    assert not found, f"write {phrase.instead}"


MADE = '''"""Of a module: {phrase}."""

VALUE = 1  # beside code: {phrase}


def function(value: str) -> str:
    """Return it.

    In a docstring, {phrase}
    and more.
    """
    # In a comment, {broken}
    # and more.
    return f"{{value}} in a message, {capital}: {{value!r}}"
'''


@pytest.mark.parametrize("phrase", phrases(), ids=lambda phrase: phrase.text)
def test_the_search_finds_each_phrase_where_it_is(phrase: Phrase) -> None:
    written = phrase.text.replace("…", "any words")
    broken = written.replace(" ", "\n    # ", 1)
    source = MADE.format(phrase=written, broken=broken, capital=written.capitalize())
    found = [use for text in prose(source) for use in uses(phrase, text)]
    assert len(found) == 5
    assert uses(phrase, f"A page has it, {written.replace(' ', chr(10), 1)} as here.")


@pytest.mark.parametrize("phrase", phrases(), ids=lambda phrase: phrase.text)
def test_what_to_write_instead_is_not_on_the_list(phrase: Phrase) -> None:
    assert not [other.text for other in phrases() if uses(other, phrase.instead)]


def test_the_search_reads_sources_pages_and_templates() -> None:
    files = set(checked())
    assert {*NAMES, "src/flowlock/flowlock/cli/options.py"} < files
    assert any(file.endswith(".in") for file in files)
