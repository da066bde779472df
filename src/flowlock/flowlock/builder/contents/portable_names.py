"""File names that not every platform can have: a noarch package is installed on all of them. Pure."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from flowlock.errors import Problem, Severity, shortened

CODE = "FL514"
SHOWN = 5
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f]')
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[1-9¹²³])", re.IGNORECASE)


def warnings(package: str, paths: Iterable[str]) -> list[Problem]:
    """Return a warning for names that are one on macOS or Windows, and one for those Windows cannot have."""
    listed = sorted(set(paths))
    problems = []
    if pairs := [" and ".join(names) for names in collisions(listed)]:
        message = f"{package}: these names are the same file on macOS and Windows: {shortened(pairs, SHOWN)}"
        problems.append(
            _warning(message, "rename all but one: an installation overwrites one file with another")
        )
    if names := [path for path in listed if not windows_takes(path)]:
        message = f"{package}: Windows does not allow these names: {shortened(names, SHOWN)}"
        problems.append(_warning(message, "rename them, or the package cannot be installed on Windows"))
    return problems


def collisions(paths: Iterable[str]) -> Iterator[list[str]]:
    """Yield the paths that differ only by case or by the Unicode normal form, each group sorted.

    A file may collide with another's folder.
    """
    spelt: dict[str, set[str]] = {}
    files = set(paths)
    folders = {str(parent) for path in files for parent in PurePosixPath(path).parents}
    for path in files | folders:
        # Canonical caseless matching (Unicode, D145), composed again.
        caseless = unicodedata.normalize("NFC", unicodedata.normalize("NFD", path).casefold())
        spelt.setdefault(caseless, set()).add(path)
    for same in sorted(sorted(group) for group in spelt.values()):
        # Folders of two spellings become one folder, which loses nothing.
        if len(same) > 1 and not files.isdisjoint(same):
            yield same


def windows_takes(path: str) -> bool:
    """Return whether each part of a path can be a name on Windows."""
    return all(_is_windows_name(part) for part in path.split("/"))


def _is_windows_name(part: str) -> bool:
    if _FORBIDDEN.search(part) or part.endswith((".", " ")):
        return False
    return not _DEVICE.fullmatch(part.partition(".")[0].rstrip())


def _warning(message: str, hint: str) -> Problem:
    return Problem(code=CODE, message=message, hint=hint, severity=Severity.WARNING)
