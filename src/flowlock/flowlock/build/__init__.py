"""From source to artifacts in the local channel, and only what is not there already."""

from flowlock.build.result import BuildResult, PackageResult, Status
from flowlock.build.run import build
from flowlock.build.stale import identities

__all__ = ["BuildResult", "PackageResult", "Status", "build", "identities"]
