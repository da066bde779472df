"""What to publish, in which order, and what a target already has. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from packaging.version import InvalidVersion, Version

from flowlock.conda.artifact import Artifact
from flowlock.errors import FlowlockError, Problem
from flowlock.release.targets.artifact import Item
from flowlock.release.targets.protocol import DeliveryStatus, Served

RAISE = "raise the version, or the build number"


@dataclass(frozen=True, kw_only=True, slots=True)
class PinnedBuild:
    """A build that the tag stands for; it has no sha256 if no lock pins it, and its identity is all there is.

    `workflow` is whether it is a workflow's own package: these go last, when all that they need is there.
    """

    artifact: Artifact
    workflow: bool
    where: str


def admit(items: Sequence[Item], pins: Sequence[PinnedBuild]) -> list[Problem]:
    """Compare each file with the pins: every file is pinned, with its bytes, and no pin is missing."""
    unmatched = {pin.artifact.file: pin for pin in pins}
    problems = []
    for item in items:
        pin = unmatched.pop(item.file, None)
        if pin is None:
            problems.append(
                Problem(
                    code="FL822",
                    message=f"no lock in this tag pins {item.file}",
                    hint="publish only packages built from the source of "
                    "the tag; remove the file from the folder",
                )
            )
        elif pin.artifact.sha256 not in (None, item.sha256):
            problems.append(
                Problem(
                    code="FL823",
                    message=f"{item.file} has the sha256 {item.sha256}, but "
                    f"{pin.where} pins {pin.artifact.sha256}",
                    hint="build the source of the tag again; if the bytes "
                    "still differ, run `flowlock sync --check`",
                )
            )
    problems += [
        Problem(
            code="FL824",
            message=f"{pin.artifact.file}, which {pin.where} pins, is missing",
            hint="run `flowlock build --output DIR` at the tag and publish that folder",
        )
        for pin in unmatched.values()
    ]
    return problems


def dependencies(items: Sequence[Item], workflows: Iterable[str]) -> dict[str, set[str]]:
    """Return by place the places that must be served before: dependencies, and for workflows all the rest."""
    last = set(workflows)
    by_name: dict[str, set[str]] = {}
    for item in items:
        if item.artifact:
            by_name.setdefault(item.artifact.name, set()).add(item.place)
    rest = {item.place for item in items if item.file not in last}
    graph: dict[str, set[str]] = {}
    for item in items:
        before = set[str]().union(*(by_name.get(name, set()) for name in item.depends))
        graph[item.place] = (before | rest if item.file in last else before) - {item.place}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise FlowlockError(
            f"the packages have a circular dependency: {' → '.join(error.args[1])}", code="FL825"
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
                status=DeliveryStatus.PRESENT, url=same.url, detail="the build that was published first"
            )
        if item.replaceable:
            return Verdict(status=DeliveryStatus.MISSING, detail="replaces an earlier one of this draft")
        return Verdict(
            status=DeliveryStatus.CONFLICT,
            url=same.url,
            detail=f"the server has different bytes: {same.sha256}",
        )
    for other in served.values():
        if item.artifact and other.artifact and _are_rivals(item.artifact, other.artifact):
            detail = f"{other.artifact.version} is already served as build {other.artifact.build}: " + RAISE
            return Verdict(status=DeliveryStatus.CONFLICT, url=other.url, detail=detail)
    return Verdict(status=DeliveryStatus.MISSING)


def _are_rivals(ours: Artifact, theirs: Artifact) -> bool:
    """Return whether users who ask for our version would get theirs, or either."""
    return (
        (theirs.name, theirs.subdir) == (ours.name, ours.subdir)
        and _same_version(theirs.version, ours.version)
        and theirs.build != ours.build
        and theirs.number >= ours.number
    )


def _same_version(first: str, second: str) -> bool:
    try:
        return Version(first) == Version(second)
    except InvalidVersion:
        return first == second
