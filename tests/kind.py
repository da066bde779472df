"""What a kind of file is to the tests that damage it."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from flowlock.errors import FlowlockError
from mutations import Syntax

Problems = Sequence[Any]
Reader = Callable[[Path], Problems]
ACCEPTED = "accepted"


class Place(Enum):
    """What a refusal has to name."""

    LINE = "file and line"
    MEMBER = "archive and file in it"
    SERVER = "server"
    # It counts as absent, and is made again: there is nothing to be told.
    NONE = "nothing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A kind of file: sound ones, the syntax of their trees, what reads one, and what a refusal names.

    `pack` makes a file of its document. `faults` makes a file with one realistic fault, which no change to
    bytes or to a tree would give. `outcome` says what became of a file that was not refused.
    """

    name: str
    seeds: Sequence[bytes]
    read: Reader
    file: str
    syntax: Syntax | None = None
    place: Place = Place.LINE
    pack: Callable[[bytes], bytes] | None = None
    faults: Callable[[random.Random], bytes] | None = None
    outcome: Callable[[Path], str] = lambda _: ACCEPTED


def each(readers: Iterable[Callable[[], object]]) -> Problems:
    """Return the problems of every reader: the refusal of the first does not spare the others."""
    problems: list[Any] = []
    for reader in readers:
        try:
            reader()
        except FlowlockError as error:
            problems += error.problems
    return problems
