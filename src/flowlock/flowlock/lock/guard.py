"""Checks of metadata and of solved records before they get into a lock."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from flowlock.conda.closure import closure
from flowlock.conda.match_spec import name_of
from flowlock.conda.records import Record
from flowlock.edges import files
from flowlock.errors import FlowlockError, Problem
from flowlock.lock.lockfile.document import Lock
from flowlock.lock.manifest.model import Manifest
from flowlock.lock.satisfy import Rule, StaleReason
from flowlock.lock.solver import sources
from flowlock.lock.solver.solve import SolveRequest
from flowlock.lock.solver.sources import KEPT, NOARCH, ChannelFolder


def native_builds(
    requests: Iterable[SolveRequest], folders: Sequence[ChannelFolder], own: Collection[str]
) -> None:
    """Refuse a platform for which a workspace package that it needs was not built; the error names both.

    A package that was built for no platform at all is left to the solver's explanation.
    """
    built = _own_builds(folders, own)
    problems = [problem for request in requests for problem in _missing_builds(request, built)]
    if problems:
        raise FlowlockError("a native package is missing", problems=problems, kept=KEPT)


# Dependencies by package and subdir.
_Builds = Mapping[str, Mapping[str, Sequence[str]]]


def _own_builds(folders: Sequence[ChannelFolder], own: Collection[str]) -> _Builds:
    """Return the dependencies of the workspace packages that were built, by name and subdir."""
    built: dict[str, dict[str, list[str]]] = {}
    for folder in folders:
        if not folder.serves:
            continue
        for subdir, _, entry in sources.entries(folder):
            name = str(entry.get("name"))
            if name in own:
                built.setdefault(name, {})[subdir] = list(map(str, entry.get("depends", ())))
    return built


def _missing_builds(request: SolveRequest, built: _Builds) -> Iterator[Problem]:
    """Yield a problem for each workspace package that a request needs and that its subdir lacks."""

    def needs(name: str) -> Iterable[str]:
        return map(name_of, _dependencies(built.get(name, {}), request.subdir) or ())

    for name in closure((name_of(requirement.spec) for requirement in request.requirements), needs):
        if name not in built or _dependencies(built[name], request.subdir) is not None:
            continue
        yield Problem(
            code="FL624",
            message=(
                f"{request.label}: {name} is built for {', '.join(sorted(built[name]))},"
                f" not for {request.subdir}"
            ),
            hint=f"build it on {request.subdir}, or remove the platform from the manifest",
        )


def _dependencies(builds: Mapping[str, Sequence[str]], subdir: str) -> Sequence[str] | None:
    """Return the dependencies of a package's build for a subdir, or of its noarch build."""
    return builds.get(subdir, builds.get(NOARCH))


def differing_artifacts(
    manifest: Manifest, lock: Lock, folders: Sequence[ChannelFolder], own: Collection[str]
) -> list[StaleReason]:
    """Return the pins that a serving folder does not have, or has with another sha256.

    A workspace package that is missing is not built yet; its source decides whether the pin is right.
    """
    serving = {folder.url.rstrip("/") for folder in folders if folder.serves}
    served = {url: _digests(url, folders) for url in serving}
    reasons = []
    for environment, platform, record in lock.records():
        if record.channel not in served:
            continue
        sha256 = served[record.channel].get((record.subdir, record.file_name))
        if sha256 == record.sha256 or (sha256 is None and record.name in own):
            continue
        channel = "does not have it" if sha256 is None else f"has it with the sha256 {sha256}"
        reasons.append(
            StaleReason(
                rule=Rule.BYTES,
                label=manifest.label,
                environment=environment,
                platform=platform,
                package=record.name,
                message=(
                    f"{record.file_name} is pinned with the sha256 {record.sha256}; the channel {channel}"
                ),
            )
        )
    return reasons


def _digests(url: str, folders: Sequence[ChannelFolder]) -> dict[tuple[str, str], str]:
    """Return the sha256 of every archive that the serving folders of a channel have, by subdir and name."""
    return {
        (subdir, name): str(entry.get("sha256"))
        for folder in folders
        if folder.serves and folder.url.rstrip("/") == url
        for subdir, name, entry in sources.entries(folder)
    }


def unchanged_artifacts(solved: Iterable[Record], published: Mapping[str, Record]) -> None:
    """Refuse metadata with another sha256 for a pinned URL: a published artifact never changes."""
    for record in solved:
        pinned = published.get(record.url)
        if pinned is not None and pinned.sha256 and record.sha256 != pinned.sha256:
            raise FlowlockError(
                f"the metadata has the sha256 {record.sha256 or 'unknown'} for {record.file_name}, "
                f"the lock pins {pinned.sha256}",
                code="FL625",
                hint="a published package must never change: download the metadata again, or delete the lock",
                kept=KEPT,
            )


def metadata_matches_files(
    solved: Iterable[Record], folders: Sequence[ChannelFolder], own: Collection[str]
) -> None:
    """Refuse metadata of workspace packages with another sha256 than the files beside it."""
    builds = {record.url: record for record in solved if record.name in own}
    for record in builds.values():
        for file in _files_of(record, folders):
            sha256 = files.sha256_of(file)
            if sha256 != record.sha256:
                raise FlowlockError(
                    f"the local channel's metadata has the sha256 {record.sha256} for {record.file_name}, "
                    f"the file has {sha256}",
                    code="FL626",
                    hint="run `flowlock build` to index the channel again",
                    kept=KEPT,
                )


def _files_of(record: Record, folders: Sequence[ChannelFolder]) -> Iterator[Path]:
    """Yield the archives of a record in its channel's folders."""
    for folder in folders:
        file = folder.path / record.subdir / record.file_name
        if folder.url.rstrip("/") == record.channel and file.is_file():
            yield file
