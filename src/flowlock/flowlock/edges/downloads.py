"""Files that are pinned by digest, downloaded once, several at a time."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from flowlock.edges import files
from flowlock.edges.pool import concurrently
from flowlock.errors import FlowlockError
from flowlock.report.reporter import Progress

CONNECTIONS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """A file to have: its name, where it is, and its sha256."""

    file: str
    url: str
    sha256: str


def download(pins: Iterable[Pin], cache: Path, *, offline: bool, progress: Progress) -> dict[Pin, Path]:
    """Return where each file is in the cache, after getting those that are not there.

    A file in the cache is used only if its digest is the pin's.
    """
    places = {pin: cache / pin.sha256 / pin.file for pin in pins}
    missing = [pin for pin, path in places.items() if not _sound(path, pin)]
    if missing and offline and not all(pin.url.startswith("file:") for pin in missing):
        raise FlowlockError(
            f"{len(missing)} file(s) were never downloaded, and --offline forbids it: "
            + ", ".join(pin.file for pin in missing),
            code="FL413",
            hint="run the same command once without --offline",
        )
    if missing:
        from flowlock.edges import http

        noun = "file" if len(missing) == 1 else "files"
        progress.note(f"downloading {len(missing)} {noun}")
        with http.session(connections=CONNECTIONS) as session:
            get = partial(_get, over=partial(http.get, session), places=places, progress=progress)
            concurrently(get, missing, workers=CONNECTIONS)
    return places


def _sound(path: Path, pin: Pin) -> bool:
    return path.is_file() and files.sha256_of(path) == pin.sha256


def _get(pin: Pin, *, over: Callable[[str], bytes], places: Mapping[Pin, Path], progress: Progress) -> None:
    """Put a file into the cache, from a folder of this machine or over HTTP."""
    progress.working(f"downloading {pin.file}")
    local = pin.url.startswith("file:")
    data = files.read_bytes(Path(url2pathname(urlsplit(pin.url).path))) if local else over(pin.url)
    if hashlib.sha256(data).hexdigest() != pin.sha256:
        raise FlowlockError(
            f"{pin.file} is not what was promised: its sha256 differs",
            code="FL414",
            hint="run the same command again; if it stays so, the server or a proxy alters files",
        )
    files.write_bytes(places[pin], data)
