"""TOML 1.1 with the place of every key: the one reader of manifests, pyprojects and flowlock.toml."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tomli

from flowlock.documents.places import KeyPath
from flowlock.documents.toml_places import places_of
from flowlock.documents.toml_tokens import LimitError, tokens_of
from flowlock.errors import FlowlockError, Location

# How tomli begins to say that a key or a table is there already: it has one class of error for everything.
_REPEATED = ("Cannot overwrite ", "Cannot declare ", "Cannot mutate ", "Cannot redefine ", "Duplicate ")


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A TOML file: its data, and line and column of its keys, tables and list items."""

    file: str
    data: Mapping[str, Any]
    places: Mapping[KeyPath, tuple[int, int]]

    def at(self, path: KeyPath) -> Location:
        """Return the place of a key or a list item, or of the nearest one around it."""
        while path and path not in self.places:
            path = path[:-1]
        line, column = self.places.get(path, (1, 1))
        return Location(file=self.file, line=line, column=column)


def read(text: str, file: str, *, code: str) -> Document:
    """Parse a TOML text; a FlowlockError has the line and the column of what is wrong.

    `code` is that of a text that is not TOML. One that goes beyond the limits of `toml_tokens` is refused
    before it is parsed.
    """
    # As tomli does; a byte order mark at the beginning means nothing.
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    try:
        tokens = tokens_of(text)
        data = tomli.loads(text)
        places = places_of(tokens)
    except LimitError as error:
        location = Location(file=file, line=error.line, column=error.column)
        raise FlowlockError(
            f"too large: {error.message}", code="FL329", location=location, hint="split or shorten it"
        ) from error
    except tomli.TOMLDecodeError as error:
        raise _refused(error, file, code) from error
    return Document(file=file, data=data, places=places)


def _refused(error: tomli.TOMLDecodeError, file: str, code: str) -> FlowlockError:
    location = Location(file=file, line=error.lineno, column=error.colno)
    if error.msg.startswith(_REPEATED):
        return FlowlockError(
            f"a key or a table is given twice: {error.msg[0].lower()}{error.msg[1:]}",
            code="FL330",
            location=location,
            hint="keep one of them, or put both contents under one header",
        )
    return FlowlockError(
        f"not TOML: {error.msg}", code=code, location=location, hint="https://toml.io describes the syntax"
    )
