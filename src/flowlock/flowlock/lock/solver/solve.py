"""The py-rattler adapter: one place that solves; records come back as ours, its errors as FlowlockError."""

import asyncio
import atexit
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, assert_never

from flowlock.conda.records import Record
from flowlock.errors import FlowlockError, Location
from flowlock.lock.manifest.model import ExcludeNewer, ManifestRequirement, Priority, Strategy
from flowlock.lock.solver import sources
from flowlock.lock.solver.metadata import ChannelMetadata, bad_metadata
from flowlock.lock.solver.sources import KEPT

if TYPE_CHECKING:
    from rattler import MatchSpec, RepoDataRecord, SparseRepoData
    from rattler.channel import ChannelPriority
    from rattler.solver.solver import SolveStrategy
    from rattler.virtual_package import GenericVirtualPackage


SETTLING = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class SolveRequest:
    """One solve: what an environment (or a solve-group) asks for on a platform, and what it had.

    `locked` records are preferred and are candidates even where no channel has them, so packages of the
    workspace must never be among them: the solver would keep the stale build.
    """

    label: str
    subdir: str
    channels: tuple[str, ...]
    requirements: tuple[ManifestRequirement, ...]
    virtual_packages: tuple[str, ...]
    constraints: tuple[ManifestRequirement, ...] = ()
    locked: tuple[Record, ...] = ()
    strategy: Strategy = Strategy.HIGHEST
    priority: Priority = Priority.STRICT
    exclude_newer: ExcludeNewer | None = None


class UnsolvableError(FlowlockError):
    """No set of packages satisfies a request; `detail` is the solver's own explanation."""

    label = ""


def solve_environment(
    request: SolveRequest,
    metadata: ChannelMetadata,
    *,
    on_done: Callable[[SolveRequest, int], None] | None = None,
) -> list[Record]:
    """Solve one request; records by URL. Raises UnsolvableError with the solver's explanation."""
    return solve_all([request], metadata, on_done=on_done)[0]


def solve_all(
    requests: Sequence[SolveRequest],
    metadata: ChannelMetadata,
    *,
    jobs: int | None = None,
    on_done: Callable[[SolveRequest, int], None] | None = None,
) -> list[list[Record]]:
    """Solve requests at the same time, at most `jobs` of them, and return their records in the same order.

    The engine solves on its own threads without the interpreter's lock, so one loop keeps all cores busy.
    All requests are tried; if some fail, the first one's error is raised with the others' in its detail.
    """
    _settle_at_exit()
    return asyncio.run(_solve_all(requests, metadata, jobs or os.cpu_count() or 1, on_done))


@cache
def _settle_at_exit() -> None:
    """Let the engine's threads end before the interpreter does.

    They drop their Python objects shortly after a solve's result is here; an interpreter that ends within
    that millisecond crashes (py-rattler 0.28: one process in ten, one in four under load).
    """
    atexit.register(time.sleep, SETTLING)


async def _solve_all(
    requests: Sequence[SolveRequest],
    metadata: ChannelMetadata,
    jobs: int,
    on_done: Callable[[SolveRequest, int], None] | None,
) -> list[list[Record]]:
    gate = asyncio.Semaphore(jobs)

    async def solve(request: SolveRequest) -> list[Record]:
        async with gate:
            records = await _solve(request, metadata)
        if on_done is not None:
            on_done(request, len(records))
        return records

    outcomes = await asyncio.gather(*map(solve, requests), return_exceptions=True)
    failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    if failures:
        raise _together(failures)
    return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]


def _together(failures: Sequence[BaseException]) -> BaseException:
    """Return one error for all; a failure other than an unsolvable request is returned alone."""
    unsolvable = []
    for failure in failures:
        if not isinstance(failure, UnsolvableError):
            return failure
        unsolvable.append(failure)
    if len(unsolvable) == 1:
        return unsolvable[0]
    labels: dict[str, list[str]] = {}
    for failure in unsolvable:
        labels.setdefault(str(failure.detail), []).append(failure.label)
    first = unsolvable[0]
    return UnsolvableError(
        f"{len(unsolvable)} environments have no solution",
        problems=[problem for failure in unsolvable for problem in failure.problems],
        detail="\n\n".join(f"{', '.join(names)}:\n{explanation}" for explanation, names in labels.items()),
        hint=first.hint,
        kept=first.kept,
    )


async def _solve(request: SolveRequest, metadata: ChannelMetadata) -> list[Record]:
    from rattler import exceptions as engine

    options = _engine_options(request, metadata)
    opened = [metadata.sparse(url, request.subdir, request.exclude_newer) for url in request.channels]
    if None in opened:
        _refuse_live(request, metadata, opened)
    try:
        solved = await _engine_records(request, metadata, opened, options)
    except engine.SolverError as error:
        raise _unsolvable(request, str(error)) from error
    except (engine.GatewayError, engine.FetchRepoDataError) as error:
        raise _unreachable(request, error) from error
    except Exception as error:
        if not isinstance(error, engine.IoError | OSError | ValueError) and not _is_panic(error):
            raise
        metadata.require_sound()
        raise bad_metadata(request.label, error) from error
    return sorted((metadata.ours(record) for record in solved), key=lambda record: record.url)


def _is_panic(error: Exception) -> bool:
    """Return whether the engine gave up in the middle: the class of that cannot be imported."""
    return type(error).__name__ == "RustPanic"


async def _engine_records(
    request: SolveRequest,
    metadata: ChannelMetadata,
    opened: "Sequence[list[SparseRepoData] | None]",
    options: dict[str, Any],
) -> "list[RepoDataRecord]":
    """Solve with the engine: from opened files if all channels have a folder, else through the gateway."""
    import rattler
    from rattler.solver import solve_with_sparse_repodata

    files = [file for channel_files in opened for file in channel_files or ()]
    if None not in opened:
        return await solve_with_sparse_repodata(sparse_repodata=files, **options)
    channels: list[rattler.Channel | rattler.SparseRepoData] = []
    for url, channel_files in zip(request.channels, opened, strict=True):
        channels += [rattler.Channel(url)] if channel_files is None else channel_files
    platforms = [rattler.Subdir(request.subdir), rattler.Subdir(sources.NOARCH)]
    return await rattler.solve(channels, gateway=metadata.gateway(), platforms=platforms, **options)


def _engine_options(request: SolveRequest, metadata: ChannelMetadata) -> dict[str, Any]:
    limit = request.exclude_newer
    # A limit with exemptions is applied to the metadata: the engine has one cutoff for all packages.
    cutoff = limit.cutoff if limit and limit.is_plain else None
    return {
        "specs": _specs(request.requirements),
        "constraints": _specs(request.constraints),
        "locked_packages": metadata.pinned(request.locked),
        "virtual_packages": [_virtual(package) for package in request.virtual_packages],
        "channel_priority": _priority(request.priority),
        "strategy": _strategy(request.strategy),
        "exclude_newer": None if cutoff is None else datetime.fromtimestamp(cutoff / 1000, UTC),
    }


def _refuse_live(request: SolveRequest, metadata: ChannelMetadata, opened: Sequence[Any]) -> None:
    live = [url for url, files in zip(request.channels, opened, strict=True) if files is None]
    limit = request.exclude_newer
    if metadata.offline:
        raise FlowlockError(
            f"{request.label} needs the metadata of {', '.join(live)}, which "
            "--offline does not allow flowlock to download",
            code="FL622",
            hint="run again without --offline, or pass the metadata with --repodata DIR",
            kept=KEPT,
        )
    if limit is not None and not limit.is_plain:
        raise FlowlockError(
            f"{request.label}: exclude-newer with exemptions needs "
            f"the metadata of {', '.join(live)} as files",
            code="FL627",
            hint="pass it with --repodata DIR",
            kept=KEPT,
        )


def _unreachable(request: SolveRequest, error: Exception) -> FlowlockError:
    return FlowlockError(
        f"{request.label}: the metadata of {', '.join(request.channels)} cannot be downloaded",
        code="FL629",
        hint="check the network and run the same command again; `--profile embedded` needs no conda channel",
        kept=KEPT,
        detail=str(error),
    )


def _specs(requirements: Iterable[ManifestRequirement]) -> "list[MatchSpec]":
    """Parse specs, sorted: a solve must not depend on the caller's order."""
    import rattler

    locations: dict[str, Location | None] = {}
    for requirement in requirements:
        locations.setdefault(requirement.spec, requirement.location)
    parsed = []
    for spec in sorted(locations):
        try:
            parsed.append(rattler.MatchSpec(spec))
        except Exception as error:
            raise FlowlockError(
                f"`{spec}` is not a match spec: {error}", code="FL611", location=locations[spec]
            ) from error
    return parsed


def _virtual(package: str) -> "GenericVirtualPackage":
    from rattler import GenericVirtualPackage, PackageName, Version
    from rattler.package.build_string import BuildString

    name, _, rest = package.partition("=")
    version, _, build = rest.partition("=")
    return GenericVirtualPackage(PackageName(name), Version(version), BuildString(build or "0"))


def _priority(priority: Priority) -> "ChannelPriority":
    from rattler.channel import ChannelPriority

    match priority:
        case Priority.STRICT:
            return ChannelPriority.Strict
        case Priority.DISABLED:
            return ChannelPriority.Disabled
        case _:
            assert_never(priority)


def _strategy(strategy: Strategy) -> "SolveStrategy":
    match strategy:
        case Strategy.HIGHEST:
            return "highest"
        case Strategy.LOWEST:
            return "lowest"
        case Strategy.LOWEST_DIRECT:
            return "lowest-direct"
        case _:
            assert_never(strategy)


def _unsolvable(request: SolveRequest, explanation: str) -> UnsolvableError:
    # The engine's explanation is a text: the first requirement that it names is the best location.
    named = [r.location for r in request.requirements if r.location and r.name in explanation]
    error = UnsolvableError(
        f"{request.label}: no set of packages satisfies the manifest",
        code="FL623",
        location=named[0] if named else None,
        detail=explanation.strip(),
        hint="relax one of the match specs in the explanation",
        kept=KEPT,
    )
    error.label = request.label
    return error
