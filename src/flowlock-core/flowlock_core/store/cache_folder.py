"""The folder that results are kept in: where it is, and whether it can be trusted."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from flowlock_core.errors import WorkflowError

VARIABLE = "FLOWLOCK_CACHE_DIR"
_OF_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def default_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the default cache folder, which belongs to the user; `--cache` overrides it."""
    named = environ.get(VARIABLE)
    if named:
        return Path(named)
    caches = environ.get("XDG_CACHE_HOME")
    return (Path(caches) if caches else Path.home() / ".cache") / "flowlock" / "results"


def require_own_folder(folder: Path) -> None:
    """Raise unless a folder belongs to this user, and nobody else can write into it.

    What is kept may be a pickle, which runs code when it is read: every user who can write here can run code
    as this user. Digests protect against damage only.
    """
    if not hasattr(os, "geteuid") or not folder.exists():
        return
    status = folder.stat()
    if status.st_uid != os.geteuid():
        raise _refused(folder, "belongs to another user")
    if status.st_mode & _OF_OTHERS:
        raise _refused(folder, "can be written by other users")


def _refused(folder: Path, why: str) -> WorkflowError:
    return WorkflowError(
        f"the cache {folder} {why}; results in it are not trusted",
        code="FL760",
        hint="`chmod go-w` it if it is yours, choose another folder with --cache, or run with --no-cache",
    )
