"""Every command and make target that the documentation or a message names exists."""

import re

import pytest

from command_lines import commands, make_targets, wrong_command
from pages import FENCE, NAMES, PAGES, SOURCES, room, texts
from shared import ROOT


@pytest.mark.parametrize("name", NAMES)
def test_every_command_that_a_page_names_exists_with_its_options(name: str) -> None:
    text = (ROOT / name).read_text()
    shown = [line for match in FENCE.finditer(text) if match[1] == "sh" for line in match[2].splitlines()]
    shown += re.findall(r"^ {4}(.*\bflowlock .*)$", FENCE.sub("", text), re.MULTILINE)
    inline = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", FENCE.sub("", text))]
    wrong = [
        (" ".join(words), why)
        for lines, complete in ((shown, True), (inline, False))
        for line in lines
        for words in commands(line)
        if (why := wrong_command(words, complete=complete))
    ]
    assert not wrong


def test_every_command_that_a_message_names_exists_with_its_options() -> None:
    wrong = [
        (room(path), span, why)
        for path in SOURCES
        for text in texts(path)
        for span in re.findall(r"`([^`]+)`", text)
        for words in commands(span)
        if (why := wrong_command(words, complete=False))
    ]
    assert not wrong


def test_every_make_target_that_a_page_names_exists() -> None:
    targets = make_targets() | {"install"}  # CPython's own
    named = {
        (page.name, target)
        for page in PAGES
        for target in re.findall(r"(?:`|^ *|run )make ([a-z-]+)", page.read_text(), re.MULTILINE)
    }
    assert named
    assert not {(page, target) for page, target in named if target not in targets}
