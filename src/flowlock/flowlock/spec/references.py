"""References in the strings of a spec: `${{ workflow.<id>.return }}` and `${{ env.NAME }}`."""

import re
from dataclasses import dataclass

_MARK = "${{"
REFERENCE = re.compile(r"\$\{\{\s*(?:workflow\.(?P<step>[^\s{}]+?)\.return|env\.(?P<env>\w+))\s*\}\}")
# What nobody writes but who forgets a part of the marks.
_UNMARKED = re.compile(r"\$?\{{0,2}\s*workflow\.(?P<step>\w+)\.return\s*\}{0,2}")


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferenceFault:
    """Why a string is not the reference that it is meant to be, and what to write."""

    message: str
    hint: str


def reference_fault(text: str) -> ReferenceFault | None:
    """Return the fault of a string that is meant as a reference; None for references and other strings."""
    text = text.strip()
    if REFERENCE.fullmatch(text):
        return None
    if _MARK in text:
        hint = "write `${{ workflow.<id>.return }}` or `${{ env.NAME }}`, with nothing before or after it"
        return ReferenceFault(message="this is not a valid reference", hint=hint)
    unmarked = _UNMARKED.fullmatch(text)
    if unmarked is None:
        return None
    hint = f"write `${{{{ workflow.{unmarked['step']}.return }}}}`"
    return ReferenceFault(message="a reference must be between `${{` and `}}`", hint=hint)
