"""Downloads of vendored packages: fetched once, by digest, when a build needs them."""

from pathlib import Path

from flowlock.edges import files
from flowlock.errors import FlowlockError
from flowlock.names import Sha256
from flowlock.recipe.vendored import Download
from flowlock.report.reporter import Progress
from flowlock.workspace import Workspace


def fetch(workspace: Workspace, download: Download, *, offline: bool, progress: Progress) -> Path:
    """Return where a download is in the cache, after downloading it if it does not exist."""
    folder = workspace.state.wheels / download.sha256
    for kept in sorted(folder.glob("*")):
        if files.sha256_of(kept) == download.sha256:
            return kept
    if download.wheel is not None:
        return _wheel(workspace, download.wheel, download.sha256, offline=offline, progress=progress)
    if offline:
        raise FlowlockError(
            f"{download.file} has not been downloaded yet, and --offline does not allow downloads",
            code="FL413",
            hint="run the same command once without --offline",
        )
    from flowlock.edges import downloads, http

    progress.working(f"downloading {download.file}")
    path = folder / str(download.file)
    with http.session(connections=1) as session, files.replacing(path) as stream:
        digest = downloads.to_file(session, str(download.url), stream)
        if digest != download.sha256:
            raise FlowlockError(
                f"{download.file} has the sha256 {digest}, but the recipe specifies {download.sha256}",
                code="FL414",
                hint="either the published file was changed or the recipe is wrong: check both",
            )
    return path


def _wheel(workspace: Workspace, wanted: str, sha256: Sha256, *, offline: bool, progress: Progress) -> Path:
    """Return the wheel of a name and version that has this digest, as the package index has it."""
    from flowlock.base.interpreter import find
    from flowlock.base.wheels import resolve
    from flowlock.edges.downloads import download as download_pins

    state = workspace.state
    pins = resolve([wanted], find(None), kept=state.resolutions, root=workspace.root, offline=offline)
    for pin in pins:
        if pin.sha256 == sha256:
            return download_pins([pin], state.wheels, offline=offline, progress=progress)[pin]
    available = ", ".join(f"{pin.file} ({pin.sha256})" for pin in pins)
    raise FlowlockError(
        f"the package index has no wheel of {wanted} with the sha256 {sha256}",
        code="FL414",
        detail=f"it has {available}",
        hint="the wheel must support this Python; if it does, check which digest is wrong",
    )
