"""Where an interpreter was built, taken out of its files: debug information and settings name it. Pure."""

import os
import re
from collections.abc import Iterable
from pathlib import PurePosixPath

# What stands for a folder, filled up to the same length, so that nothing in a compiled file moves.
_NEUTRAL = "/build"
# Folders that each system has say nothing of one machine.
_OF_EACH_SYSTEM = ("/usr", "/usr/local")
_PARTS = 3


def telling(folders: Iterable[str]) -> list[str]:
    """Return those folders that could name a machine or a user, longest first.

    A folder directly below the root, such as `/install`, does not, and could be any text.
    """
    known = {os.path.normpath(folder) for folder in folders if folder}
    named = {folder for folder in known if len(PurePosixPath(folder).parts) >= _PARTS}
    return sorted(named.difference(_OF_EACH_SYSTEM), key=len, reverse=True)


def without(folders: Iterable[str], data: bytes) -> bytes:
    """Return the bytes of a file with other paths of the same length in place of these folders.

    Their last part stays: linkers let texts share their ends, so that of `/opt/pythons/3.11.7` may be what
    the interpreter takes for its version.
    """
    for folder in telling(folders):
        parent, _, name = os.fsencode(folder).rpartition(b"/")
        neutral = _NEUTRAL.encode().ljust(len(parent), b"/")[: len(parent)]
        data = re.sub(re.escape(parent) + b"(?=/" + re.escape(name) + rb"(?![\w.-]))", neutral, data)
    return data
