"""What is to be published, in which order, and what a target has of it already. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from packaging.version import InvalidVersion, Version

from flowlock.errors import FlowlockError, Problem
from flowlock.names import Sha256
from flowlock.release.targets.artifact import ChannelIdentity, Item
from flowlock.release.targets.protocol import DeliveryStatus, Served


@dataclass(frozen=True, kw_only=True, slots=True)
class PinnedBuild:
    """A build that the tag stands for; `sha256` is None for one that no lock pins, known by its identity.

    `workflow` says that it is a workflow's own package: these go last, when all that they need is there.
    """

    file: str
    subdir: str
    sha256: Sha256 | None
    workflow: bool = False
    where: str = ""


def admit(items: Sequence[Item], pins: Sequence[PinnedBuild]) -> list[Problem]:
    """Hold each file against the pins: every file pinned, with its bytes, and every pin there."""
    known = {pin.file: pin for pin in pins}
    problems = []
    for item in items:
        pin = known.pop(item.file, None)
        if pin is None:
            problems.append(
                Problem(
                    code="FL822",
                    message=f"{item.file} is pinned by no lock of this tag",
                    hint="publish what the tag's own source builds; take the file out of the folder",
                )
            )
        elif pin.sha256 is not None and pin.sha256 != item.sha256:
            problems.append(
                Problem(
                    code="FL823",
                    message=f"{item.file} has sha256 {item.sha256}, {pin.where} pins {pin.sha256}",
                    hint="build the tag's source again; if the bytes still differ, `flowlock sync --check`",
                )
            )
    problems += [
        Problem(
            code="FL824",
            message=f"{pin.file} is missing, which {pin.where} pins",
            hint="run `flowlock build --output DIR` at the tag and publish that folder",
        )
        for pin in known.values()
    ]
    return problems


def dependencies(items: Sequence[Item], workflows: Iterable[str]) -> dict[str, set[str]]:
    """Return by place the places that must be served before: dependencies, and for workflows all the rest."""
    last = set(workflows)
    by_name: dict[str, set[str]] = {}
    for item in items:
        if item.identity:
            by_name.setdefault(item.identity.name, set()).add(item.place)
    rest = {item.place for item in items if item.file not in last}
    graph: dict[str, set[str]] = {}
    for item in items:
        before = set[str]().union(*(by_name.get(name, set()) for name in item.depends))
        graph[item.place] = (before | rest if item.file in last else before) - {item.place}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise FlowlockError(
            f"the packages depend on each other in a circle: {' → '.join(error.args[1])}", code="FL825"
        ) from error
    return graph


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What a target has of an item: missing, present or conflict, and why."""

    status: DeliveryStatus
    url: str = ""
    detail: str = ""


def judge(item: Item, served: Mapping[str, Served]) -> Verdict:
    """Compare an item with what a target serves.

    A build of the same name, version and subdir with another build string is a conflict unless our build
    number is higher: users who ask for that version would get either.
    """
    same = served.get(item.place)
    if same is not None:
        if same.sha256 == item.sha256:
            return Verdict(status=DeliveryStatus.PRESENT, url=same.url)
        if item.replaceable and same.public:
            return Verdict(
                status=DeliveryStatus.PRESENT, url=same.url, detail="the one that was published first"
            )
        if item.replaceable:
            return Verdict(status=DeliveryStatus.MISSING, detail="replaces an earlier one of this draft")
        return Verdict(
            status=DeliveryStatus.CONFLICT,
            url=same.url,
            detail=f"other bytes are served there: {same.sha256}",
        )
    rival = _rival(item.identity, served.values()) if item.identity else None
    if rival is not None and rival.identity is not None:
        return Verdict(
            status=DeliveryStatus.CONFLICT,
            url=rival.url,
            detail=f"{rival.identity.version} is served as build {rival.identity.build}: "
            "raise the version, or the build number",
        )
    return Verdict(status=DeliveryStatus.MISSING)


def _rival(identity: ChannelIdentity, served: Iterable[Served]) -> Served | None:
    for other in served:
        theirs = other.identity
        if (
            theirs is not None
            and (theirs.name, theirs.subdir) == (identity.name, identity.subdir)
            and _same_version(theirs.version, identity.version)
            and theirs.build != identity.build
            and theirs.number >= identity.number
        ):
            return other
    return None


def _same_version(one: str, other: str) -> bool:
    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other
