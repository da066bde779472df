"""Files that are pinned by digest, downloaded once, several at a time."""

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlsplit

from flowlock.edges import files
from flowlock.edges.amounts import Tally
from flowlock.edges.pool import concurrently
from flowlock.errors import FlowlockError, from_os_error
from flowlock.names import Sha256

if TYPE_CHECKING:
    from requests import Session

    from flowlock.report.reporter import Progress

CONNECTIONS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class PinnedFile:
    """A file to have: its name, where it is, and its sha256."""

    file: str
    url: str
    sha256: str


def download(
    pins: Iterable[PinnedFile], cache: Path, *, offline: bool, progress: "Progress"
) -> dict[PinnedFile, Path]:
    """Return where each file is in the cache, after getting those that are not there.

    A file in the cache is used only if its digest is the pin's.
    """
    places = {pin: cache / pin.sha256 / pin.file for pin in pins}
    missing = [
        pin for pin, path in places.items() if not path.is_file() or files.sha256_of(path) != pin.sha256
    ]
    if missing and offline:
        _require_here(missing)
    if missing:
        _download(missing, places, progress)
    return places


def _require_here(missing: Sequence[PinnedFile]) -> None:
    """Refuse files that are neither kept nor in a local folder."""
    if not all(pin.url.startswith("file:") for pin in missing):
        raise FlowlockError(
            f"{len(missing)} file(s) have not been downloaded yet, and --offline does not allow downloads: "
            + ", ".join(pin.file for pin in missing),
            code="FL413",
            hint="run the same command once without --offline",
        )


def _download(missing: Sequence[PinnedFile], places: Mapping[PinnedFile, Path], progress: "Progress") -> None:
    from flowlock.edges import http

    noun = "file" if len(missing) == 1 else "files"
    progress.note(f"downloading {len(missing)} {noun}")
    with http.session(connections=CONNECTIONS) as session:
        tally = Tally(len(missing))
        get = partial(_get, over=partial(to_file, session), places=places, progress=progress, tally=tally)
        concurrently(get, missing, workers=CONNECTIONS)


def to_file(session: "Session", url: str, stream: BinaryIO) -> Sha256:
    """Write what is served at a URL into a stream, and return its sha256; nothing of it stays in memory."""
    from flowlock.edges import http

    answer = http.get(session, http.request_for(url, kind=http.AnswerKind.FILE, into=stream))
    if answer.sha256 is None:
        raise TypeError("a downloaded body must have a digest")
    return answer.sha256


def _get(
    pin: PinnedFile,
    *,
    over: Callable[[str, BinaryIO], Sha256],
    places: Mapping[PinnedFile, Path],
    progress: "Progress",
    tally: Tally,
) -> None:
    """Put a file into the cache, from a local folder or over HTTP."""
    with files.replacing(places[pin]) as stream:
        digest = _copied(pin.url, stream) if pin.url.startswith("file:") else over(pin.url, stream)
        if digest != pin.sha256:
            raise FlowlockError(
                f"{pin.file} does not have the expected sha256",
                code="FL414",
                hint="run the same command again; if the problem persists, "
                "the server or a proxy alters files",
            )
        size = stream.tell()
    progress.working(f"downloaded {tally.add(size)}: {pin.file}")


def _copied(url: str, stream: BinaryIO) -> Sha256:
    # Imported here: it brings an HTTP client, which a sync that finds all current does without.
    from urllib.request import url2pathname

    source = Path(url2pathname(urlsplit(url).path))
    try:
        with source.open("rb") as opened:
            shutil.copyfileobj(opened, stream)
    except OSError as error:
        raise from_os_error(error, "read", source) from error
    return files.sha256_of(source)
