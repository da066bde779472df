"""Builds under bubblewrap, where it is there and works: no home directory, no other processes, no network."""

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import flowlock
import flowlock_core
from flowlock.edges import process

# What programs of the system need to run. No file of a user is there.
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
# All that is said to what runs there, except for its folders.
ENVIRONMENT = {
    "PATH": os.defpath if os.name == "nt" else "/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "TZ": "UTC",
}
SITES = ("site-packages", "dist-packages")
SETTINGS = (
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/group",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/pki",
    "/etc/resolv.conf",
    "/etc/ssl",
)


def wrapped(
    command: Sequence[str],
    *,
    readable: Iterable[Path],
    writable: Path,
    hidden: Iterable[Path],
    network: bool,
) -> list[str]:
    """Return the command that runs in the sandbox, or the command unchanged if there is no sandbox.

    It sees the system, the running Python, and the given folders at their own paths; the hidden ones, within
    the writable one, are empty to it for as long as they are not replaced.
    """
    tool = available()
    if tool is None:
        return process.bound_to_us(command)
    return [
        tool,
        *_isolation(network=network),
        *_binds("--ro-bind-try", [*_python(), *readable]),
        *_binds("--bind", [writable]),
        *(part for path in hidden for part in ("--tmpfs", str(path))),
        "--",
        *command,
    ]


@lru_cache(maxsize=1)
def available() -> str | None:
    """Return bubblewrap's path if it works here; some systems have it and forbid what it needs."""
    tool = shutil.which("bwrap")
    if tool is None:
        return None
    tried = process.run([tool, *_isolation(network=False), "--", "/usr/bin/env", "true"], check=False)
    return tool if tried.returncode == 0 else None


def _isolation(*, network: bool) -> list[str]:
    options = ["--unshare-all"]
    if network:
        options.append("--share-net")
    options += ["--die-with-parent", "--new-session"]
    options += _binds("--ro-bind-try", map(Path, (*SYSTEM, *SETTINGS)))
    options += ["--proc", "/proc", "--dev", "/dev"]
    # An empty file system that ends with the sandbox, in place of the folder that all users share.
    return [*options, "--tmpfs", "/tmp"]  # noqa: S108 - nobody else sees this one


def _python() -> list[Path]:
    """Return the folders of the running Python, its installed packages, flowlock and its run time.

    Nothing else of `sys.path`: `python -m` puts the current folder there, which may be the home directory.
    """
    paths = [Path(path) for path in (sys.prefix, sys.base_prefix, *sys.path) if path]
    installed = [path for path in paths[2:] if path.name in SITES]
    # An editable installation is not in site-packages.
    ours = [Path(path) for package in (flowlock, flowlock_core) for path in package.__path__]
    return [*paths[:2], *installed, *ours]


def _binds(option: str, paths: Iterable[Path]) -> list[str]:
    """Bind each path, and what it leads to, at its own path; the outer ones first."""
    every = {end for path in paths for end in (path.absolute(), path.resolve())}
    return [part for path in sorted(every) for part in (option, str(path), str(path))]
