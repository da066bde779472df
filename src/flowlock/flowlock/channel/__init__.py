"""The local channel: exactly the current build of each package, under a complete index."""

from flowlock.channel.listing import Listing, ls
from flowlock.channel.store import Artifact, Entry, entries, put, whole

__all__ = ["Artifact", "Entry", "Listing", "entries", "ls", "put", "whole"]
