"""Which conda subdir this machine is."""

import platform
import sys

from flowlock.errors import FlowlockError
from flowlock.names import Platform

_SYSTEMS = {"linux": "linux", "darwin": "osx", "win32": "win"}
_MACHINES = {"x86_64": "64", "amd64": "64", "aarch64": "aarch64", "arm64": "arm64"}


def current() -> Platform:
    """Return this machine's subdir; raises FlowlockError if flowlock does not lock for it."""
    system, machine = _SYSTEMS.get(sys.platform), _MACHINES.get(platform.machine().lower())
    try:
        return Platform(f"{system}-{machine}")
    except ValueError as error:
        raise FlowlockError(
            f"this machine ({sys.platform}, {platform.machine()}) is not a platform that flowlock supports",
            code="FL304",
            hint=str(error),
        ) from error
