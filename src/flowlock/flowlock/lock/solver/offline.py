"""Solves from locked records and local folders, and from live channels only where these are needed."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from flowlock.conda.records import Record
from flowlock.errors import FlowlockError
from flowlock.lock.solver.metadata import ChannelMetadata
from flowlock.lock.solver.solve import SolveRequest, UnsolvableError, solve_all
from flowlock.lock.solver.sources import KEPT, ChannelFolder


@dataclass(frozen=True, kw_only=True, slots=True)
class SolveSources:
    """Where records come from.

    `locked` are records to choose from before live channels are queried; None if these are needed. With
    `offline` they are never queried. `cache` keeps their metadata, by default in the engine's own folder.
    """

    folders: Sequence[ChannelFolder]
    locked: Sequence[Record] | None
    offline: bool
    cache: Path | None

    def live_channels(self, requests: Sequence[SolveRequest]) -> set[str]:
        """Return the channels of the requests that have no folder."""
        mirrored = {folder.url.rstrip("/") for folder in self.folders}
        channels = {channel for request in requests for channel in request.channels}
        return {channel for channel in channels if channel.rstrip("/") not in mirrored}


def solve_offline_first(
    requests: Sequence[SolveRequest],
    sources: SolveSources,
    *,
    jobs: int | None,
    on_done: Callable[[SolveRequest, int], None],
) -> list[list[Record]]:
    """Solve from locked records and folders; query live channels only if that has no solution."""
    live = sources.live_channels(requests)
    if live and sources.locked is not None:
        try:
            with ChannelMetadata(folders=sources.folders, offline=True) as metadata:
                metadata.stand_in(sorted(live), sources.locked)
                return solve_all(requests, metadata, jobs=jobs, on_done=on_done)
        except UnsolvableError as error:
            if sources.offline:
                raise _needs_metadata(error, live) from error
    with ChannelMetadata(folders=sources.folders, offline=sources.offline, cache=sources.cache) as metadata:
        return solve_all(requests, metadata, jobs=jobs, on_done=on_done)


def _needs_metadata(error: UnsolvableError, live: Collection[str]) -> FlowlockError:
    return FlowlockError(
        f"{error.message} with only the records of the lock and the current builds",
        code="FL622",
        detail=error.detail,
        hint=f"run without --offline, or pass --repodata DIR with the metadata of {', '.join(sorted(live))}",
        kept=KEPT,
    )
