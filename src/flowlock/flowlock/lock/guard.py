"""What must hold of metadata and of a solve's outcome before a lock is made of it."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from flowlock.conda.match_spec import name_of
from flowlock.conda.records import Record
from flowlock.edges import files
from flowlock.errors import FlowlockError, Problem
from flowlock.lock.lockfile.document import Lock
from flowlock.lock.manifest.model import Manifest
from flowlock.lock.satisfy import Rule, StaleReason
from flowlock.lock.solver import sources
from flowlock.lock.solver.solve import SolveRequest
from flowlock.lock.solver.sources import NOARCH, ChannelFolder

KEPT = "the lock that was there"


def native_builds(
    requests: Iterable[SolveRequest], folders: Sequence[ChannelFolder], own: Collection[str]
) -> None:
    """Refuse by name a platform for which a workspace package that it needs was not built.

    A package that was built for no platform at all is left to the solver's explanation.
    """
    built: dict[str, dict[str, list[str]]] = {}
    for folder in folders:
        for subdir, _, entry in sources.entries(folder) if folder.serves else ():
            if (name := str(entry.get("name"))) in own:
                built.setdefault(name, {})[subdir] = [str(depend) for depend in entry.get("depends", ())]
    problems = []
    for request in requests:
        pending, seen = [name_of(r.spec) for r in request.requirements], set[str]()
        while pending:
            name = pending.pop()
            if name in seen or name not in built:
                continue
            seen.add(name)
            depends = built[name].get(request.subdir, built[name].get(NOARCH))
            if depends is None:
                there = ", ".join(sorted(built[name]))
                message = f"{request.label}: {name} is built for {there}, not for {request.subdir}"
                hint = f"build it on {request.subdir}, or take the platform out of the manifest"
                problems.append(Problem(code="FL624", message=message, hint=hint))
            pending += [name_of(depend) for depend in depends or ()]
    if problems:
        raise FlowlockError("a native package is missing", problems=problems, kept=KEPT)


def other_bytes(
    manifest: Manifest, lock: Lock, folders: Sequence[ChannelFolder], own: Collection[str]
) -> list[StaleReason]:
    """Return the pins that a serving folder does not hold, or holds with other bytes.

    A workspace package that is not there is not built yet; whether its pin is right, its source tells.
    """
    held: dict[str, dict[tuple[str, str], str]] = {}
    for folder in folders:
        if folder.serves:
            here = held.setdefault(folder.url.rstrip("/"), {})
            here.update({(s, name): str(entry.get("sha256")) for s, name, entry in sources.entries(folder)})
    reasons = []
    for environment, platform, record in lock.records():
        if record.channel not in held:
            continue
        found = held[record.channel].get((record.subdir, record.file_name))
        if found == record.sha256 or (found is None and record.name in own):
            continue
        now = "does not hold it" if found is None else f"has it with the sha256 {found}"
        reasons.append(
            StaleReason(
                rule=Rule.BYTES,
                label=manifest.label,
                environment=environment,
                platform=platform,
                package=record.name,
                message=f"{record.file_name} is pinned with the sha256 {record.sha256}, the channel {now}",
            )
        )
    return reasons


def unchanged_artifacts(solved: Iterable[Record], before: Mapping[str, Record]) -> None:
    """Refuse metadata that gives other bytes for a URL that is pinned: a published artifact never changes."""
    for record in solved:
        pinned = before.get(record.url)
        if pinned is not None and pinned.sha256 and record.sha256 != pinned.sha256:
            raise FlowlockError(
                f"the metadata says that {record.file_name} has the sha256 {record.sha256 or 'unknown'}, "
                f"the lock pins {pinned.sha256}",
                code="FL625",
                hint="one of them lies about published bytes: get the metadata again, or delete the lock",
                kept=KEPT,
            )


def true_to_files(solved: Iterable[Record], folders: Sequence[ChannelFolder], own: Collection[str]) -> None:
    """Refuse metadata of our own builds that does not tell the bytes of the files beside it."""
    checked: set[str] = set()
    for record in solved:
        if record.name not in own or record.url in checked:
            continue
        checked.add(record.url)
        for folder in folders:
            file = folder.path / record.subdir / record.file_name
            if folder.url.rstrip("/") != record.channel or not file.is_file():
                continue
            if (found := files.sha256_of(file)) != record.sha256:
                raise FlowlockError(
                    f"the local channel's metadata gives {record.file_name} the sha256 {record.sha256}, "
                    f"the file has {found}",
                    code="FL626",
                    hint="run `flowlock build` to index the channel again",
                    kept=KEPT,
                )
