"""Texts that must not be shown: the secrets of connections, masked in every message."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, quote_plus

from flowlock_core.errors import Problem

MASK = "***"
# Shorter texts are words that occur in any message; no server gives out such passwords.
SHORTEST = 4
_known: set[str] = set()


def remember(value: str) -> None:
    """Mask a text, and each of its lines, in every message from now on."""
    texts = {value, value.strip(), *value.splitlines()}
    _known.update(text for text in texts if len(text) >= SHORTEST)


def masked(text: str) -> str:
    """Return a text without any of the secrets, also where they are encoded as URLs, JSON or base64 do."""
    for value in sorted(_known, key=len, reverse=True):
        for spelling in _spellings(value):
            text = text.replace(spelling, MASK)
    return text


def masked_document(document: Any) -> Any:
    """Return a JSON document in which every text is masked."""
    if isinstance(document, str):
        return masked(document)
    if isinstance(document, Mapping):
        return {masked(key): masked_document(value) for key, value in document.items()}
    if isinstance(document, list):
        return [masked_document(item) for item in document]
    return document


def masked_problem(problem: Problem) -> Problem:
    """Return a problem whose message, hint and detail are masked."""
    hint = None if problem.hint is None else masked(problem.hint)
    return replace(problem, message=masked(problem.message), hint=hint, detail=masked(problem.detail))


def _spellings(value: str) -> Iterator[str]:
    data = value.encode("utf-8", "surrogatepass")
    yield value
    yield quote(data, safe="")
    yield quote(data)
    yield quote_plus(data)
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield repr(value)[1:-1]
    # The padding is left out: what follows the value may decide it.
    yield base64.b64encode(data).decode().rstrip("=")
    yield base64.urlsafe_b64encode(data).decode().rstrip("=")
    yield data.hex()
