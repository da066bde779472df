"""What of a package an installer would write outside of the environment: asked before it is installed."""

import json
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from flowlock.conda import archive
from flowlock.errors import FlowlockError, shortened
from flowlock.names import EntryPoint

PATHS, LINK = "info/paths.json", "info/link.json"
OLD_FORMAT = ".tar.bz2"
SHOWN = 3


def refuse_unsafe(path: Path) -> None:
    """Refuse an archive that would be written outside of an environment, or is larger than it says.

    The engine writes `../x` of a paths.json outside of the prefix, and an absolute path ends its process.
    """
    if path.name.endswith(OLD_FORMAT):
        info = _read_old(path)
    else:
        info = archive.read_info(path)
        archive.check_size(path)
    refuse_unsafe_info(info, path.name)


def refuse_unsafe_info(info: Mapping[str, bytes], shown: str) -> None:
    """Refuse a package by its metadata files, by path."""
    try:
        leaving = list(_leaving(info))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise FlowlockError(
            f"the metadata of {shown} cannot be read: {error}", code="FL511", hint=_HINT
        ) from error
    if leaving:
        raise FlowlockError(
            f"{shown} would be written outside of the environment: {shortened(leaving, SHOWN)}",
            code="FL517",
            hint=_HINT,
        )


_HINT = "do not install it: ask whoever published it, and pin another build"


def _leaving(info: Mapping[str, bytes]) -> Iterator[str]:
    if PATHS in info:
        for entry in json.loads(info[PATHS])["paths"]:
            if not archive.is_inside(entry["_path"]):
                yield f"`{entry['_path']}`"
    if LINK in info:
        noarch = json.loads(info[LINK]).get("noarch") or {}
        for line in noarch.get("entry_points") or ():
            if not EntryPoint.pattern.fullmatch(line):
                yield f"the command `{line}`"


def _read_old(path: Path) -> dict[str, bytes]:
    """Return the metadata of an archive of the time before .conda."""
    info = {}
    try:
        with tarfile.open(path, "r|bz2") as opened:
            for entry in opened:
                if entry.name in (PATHS, LINK) and entry.isfile() and entry.size <= archive.LARGEST_INFO:
                    stream = opened.extractfile(entry)
                    info[entry.name] = stream.read() if stream else b""
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise FlowlockError(
            f"{path.name} is not a whole archive: {error}", code="FL511", hint=_HINT
        ) from error
    return info
