"""The blocks of the documentation: code can be parsed, and messages are those that the source has."""

import ast
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
import yaml

from pages import DOCS, FENCE, NAMES, SOURCES, texts
from shared import ROOT

# What stands for something that is left out, and what that is in the language.
LEFT_OUT = {"python": "...", "json": "0", "toml": "0", "yaml": "0"}
PARSERS: dict[str, Callable[[str], Any]] = {
    "python": ast.parse,
    "json": json.loads,
    "toml": tomllib.loads,
    "yaml": yaml.safe_load,
}
# Its examples have the problems that they are examples of.
WRONG_ON_PURPOSE = "docs/problems.md"
# A message at the end of a line, after a code; a problem of a run begins with its step and parameter.
MESSAGE = re.compile(r"(?:^|: )FL\d{3} (?:[\w.]+: )?(?P<message>.+)$")
LEAST_LITERAL = 8


@pytest.mark.parametrize("name", [name for name in NAMES if name != WRONG_ON_PURPOSE])
def test_every_block_of_code_can_be_parsed(name: str) -> None:
    for match in FENCE.finditer((ROOT / name).read_text()):
        language, block = match[1], match[2]
        if language in PARSERS:
            PARSERS[language](block.replace("…", LEFT_OUT[language]))


@cache
def messages() -> list[re.Pattern[str]]:
    """Return a pattern for each text of the source; what an f-string fills in is anything."""
    found = {text for path in SOURCES for text in texts(path)}
    return [
        re.compile(".+".join(map(re.escape, text.split("X"))), re.DOTALL)
        for text in found
        if len(text.replace("X", "")) >= LEAST_LITERAL
    ]


def transcripts() -> Iterator[tuple[str, str]]:
    """Yield the messages in the outputs that pages show."""
    for page in DOCS:
        text = page.read_text()
        outputs = [match[2] for match in FENCE.finditer(text) if match[1] == "text"]
        lines = "\n".join(outputs).splitlines()
        lines += re.findall(r"^ {4}(.*)$", FENCE.sub("", text), re.MULTILINE)
        for line in lines:
            if found := MESSAGE.search(line):
                yield page.name, found["message"]


def test_the_messages_that_pages_show_are_those_of_the_source() -> None:
    shown = list(transcripts())
    assert len(shown) > 5
    assert not [(page, text) for page, text in shown if not any(one.fullmatch(text) for one in messages())]
    assert not any(one.fullmatch("no step is called `level`") for one in messages())
