"""What each problem code means: the sections of `problems.md`, a copy of the page in docs/."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

PAGE = "problems.md"
_SECTION = re.compile(r"^### (FL\d{3})\n+(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
_SENTENCE = re.compile(r"\*\*(.+?)\*\*", re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """One code: what it means in a sentence, and its whole section in Markdown."""

    code: str
    meaning: str
    section: str


def explanations(page: str | None = None) -> Mapping[str, Explanation]:
    """Return the explanation of every code, in the page's order; of the packaged page if none is given."""
    text = page if page is not None else (files(__package__) / PAGE).read_text(encoding="utf-8")
    by_code = {}
    for code, body in _SECTION.findall(text):
        section = body.strip()
        sentence = _SENTENCE.match(section)
        meaning = " ".join(sentence[1].split()).removesuffix(".") if sentence else ""
        by_code[code] = Explanation(code=code, meaning=meaning, section=section)
    return by_code
