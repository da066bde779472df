"""Publish what a tag stands for: ordered stages, each of which may be skipped with a reason."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path

from flowlock.errors import FlowlockError, UsageError, nearest
from flowlock.release import ledger, publish_plan
from flowlock.release.compare import compare
from flowlock.release.outcome import FINE, ArtifactOutcome, PublishResult, TargetOutcome
from flowlock.release.publish_plan import PinnedBuild, Verdict
from flowlock.release.targets import artifact
from flowlock.release.targets.artifact import Item
from flowlock.release.targets.protocol import Delivery, DeliveryStatus, PublishTarget, Served, TargetKind
from flowlock.release.targets.registry import image_problem, read_image
from flowlock.release.upload import upload
from flowlock.release.wheels import wheels
from flowlock.report.reporter import Progress


class PublishStage(StrEnum):
    """The stages by name, in order; see STAGES."""

    ADMIT = "admit"
    CREDENTIALS = "credentials"
    COMPARE = "compare"
    UPLOAD = "upload"
    CONFIRM = "confirm"
    RECORD = "record"
    RELEASE = "release"


# The others cannot be skipped: without them something unreviewed, or nothing, would be published.
OPTIONAL = (PublishStage.CONFIRM, PublishStage.RELEASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Publication:
    """What to publish, where and how.

    `images` are OCI layouts in folders named by packages, for registries. `state` is the folder that keeps
    the tag's ledger and wheels; `wheels` are the names of the packages that a release carries as wheels, too;
    `deadline` is how many seconds a channel may take until its index lists
    what was uploaded.
    """

    tag: str
    commit: str
    files: Sequence[Path]
    pins: Sequence[PinnedBuild]
    targets: Sequence[PublishTarget]
    state: Path
    wheels: frozenset[str] = frozenset()
    images: Sequence[Path] = ()
    dry_run: bool = False
    skip: frozenset[PublishStage] = frozenset()
    jobs: int = 16
    deadline: float = 300.0
    poll: float = 2.0


@dataclass(kw_only=True, slots=True)
class _Run:
    """What the stages pass to each other."""

    job: Publication
    progress: Progress
    items: list[Item] = field(default_factory=list)
    wheels: list[Item] = field(default_factory=list)
    images: list[Item] = field(default_factory=list)
    graph: dict[str, set[str]] = field(default_factory=dict)
    verdicts: dict[str, dict[str, Verdict]] = field(default_factory=dict)
    deliveries: dict[str, dict[str, Delivery]] = field(default_factory=dict)
    unfinished: dict[str, str] = field(default_factory=dict)
    attached: list[Item] = field(default_factory=list)
    recorded: bool = False

    def meant_for(self, target: PublishTarget) -> list[Item]:
        """Return the packages, for a release the wheels too, and for a registry the images."""
        match target.kind:
            case TargetKind.CHANNEL:
                return self.items
            case TargetKind.IMAGES:
                return self.images
            case TargetKind.RELEASE:
                return [*self.items, *self.wheels]

    def serving(self) -> list[PublishTarget]:
        """Return the targets that serve at once what they get: all but releases, which wait for them."""
        return [target for target in self.job.targets if target.kind is not TargetKind.RELEASE]

    def of_kind(self, kind: TargetKind) -> list[PublishTarget]:
        return [target for target in self.job.targets if target.kind is kind]

    def lacking(self) -> list[str]:
        """Return the channels and registries that do not serve everything."""
        lacking = []
        for target in self.serving():
            statuses = {delivery.status for delivery in self.deliveries.get(target.name, {}).values()}
            if target.name in self.unfinished or not statuses.issubset(FINE):
                lacking.append(target.name)
        return lacking


def publish(job: Publication, progress: Progress) -> PublishResult:
    """Go through the stages in order and return the outcome of each artifact at each target.

    What is wrong before anything was changed is a FlowlockError; after that, failures are results. Whatever
    ends a publish that uploads, its ledger is written.
    """
    run = _Run(job=job, progress=progress)
    try:
        for stage, action in STAGES:
            with progress.stage(stage) as line:
                reason = _reason_to_skip(stage, run)
                if reason:
                    line.status, line.detail = "skipped", reason
                else:
                    line.detail = action(run)
    finally:
        if run.deliveries and not run.recorded:
            _record(run)
    return _result(run)


def stages(names: Sequence[str]) -> frozenset[PublishStage]:
    """Return the stages to skip by their names; one that is unknown or needed is a usage error."""
    for name in names:
        if name not in OPTIONAL:
            optional = ", ".join(OPTIONAL)
            why = "cannot be skipped" if name in list(PublishStage) else "is not a stage"
            raise UsageError(
                f"`{name}` {why}",
                code="FL802",
                hint=nearest(name, OPTIONAL) or f"the stages that can be skipped are {optional}",
            )
    return frozenset(PublishStage(name) for name in names)


def _admit(run: _Run) -> str:
    """Read each file and compare it with the pins, before any server is contacted."""
    run.items = [artifact.read(path) for path in run.job.files]
    problems = publish_plan.admit(run.items, run.job.pins)
    if problems:
        raise FlowlockError(
            f"{len(problems)} file(s) differ from the pins of {run.job.tag}",
            problems=problems,
            kept="nothing was published",
        )
    run.graph = publish_plan.dependencies(
        run.items, [pin.artifact.file for pin in run.job.pins if pin.workflow]
    )
    run.images = _admitted_images(run.job)
    run.wheels = wheels(run.items, run.job.wheels, run.job.state / "wheels")
    size = sum(item.size for item in run.items)
    return f"{len(run.items)} packages of {run.job.tag}, {size / 1e6:.1f} MB, all as pinned"


def _admitted_images(job: Publication) -> list[Item]:
    """Return the images, each of which must be of the tag's commit."""
    problems = [problem for folder in job.images if (problem := image_problem(folder, job.commit))]
    if problems:
        raise FlowlockError(
            f"{len(problems)} image(s) are not of {job.tag}", problems=problems, kept="nothing was published"
        )
    return [read_image(folder) for folder in job.images]


def _credentials(run: _Run) -> str:
    """Find every credential and reach every target, before anything slow."""
    errors = [error for target in run.job.targets if (error := _fault(target.check))]
    if errors:
        raise FlowlockError(
            f"{len(errors)} target(s) are not ready for publishing",
            problems=[problem for error in errors for problem in error.problems],
            kept="nothing was published",
        )
    return ", ".join(target.name for target in run.job.targets)


def _fault(action: Callable[[], None]) -> FlowlockError | None:
    try:
        action()
    except FlowlockError as error:
        return error
    return None


def _compare(run: _Run) -> str:
    """Ask each target what it has already, and read the bytes of what it states to have."""
    for target in run.job.targets:
        run.verdicts[target.name] = compare(target, run.meant_for(target), jobs=run.job.jobs)
    verdicts = [verdict.status for by_item in run.verdicts.values() for verdict in by_item.values()]
    counts = {
        status: verdicts.count(status)
        for status in (DeliveryStatus.MISSING, DeliveryStatus.PRESENT, DeliveryStatus.CONFLICT)
    }
    return ", ".join(f"{count} {status}" for status, count in counts.items())


def _upload(run: _Run) -> str:
    """Bring what is missing to each channel and registry, and index channels."""
    for target in run.serving():
        _deliver(run, target, run.meant_for(target))
        fault = _fault(target.complete)
        if fault is not None:
            run.unfinished[target.name] = fault.message
    return _counted(run, run.serving())


def _deliver(run: _Run, target: PublishTarget, items: Sequence[Item]) -> dict[str, Delivery]:
    """Upload what is missing; each outcome is kept immediately, for the ledger of an interrupted run."""
    deliveries = run.deliveries.setdefault(target.name, {})
    upload(
        target,
        items,
        run.graph,
        run.verdicts[target.name],
        done=deliveries,
        jobs=run.job.jobs,
        progress=run.progress,
    )
    return deliveries


def _counted(run: _Run, targets: Sequence[PublishTarget]) -> str:
    names = {target.name for target in targets}
    statuses = [delivery.status for name in names for delivery in run.deliveries.get(name, {}).values()]
    return (
        ", ".join(f"{statuses.count(s)} {s}" for s in DeliveryStatus if statuses.count(s)) or "nothing to do"
    )


def _confirm(run: _Run) -> str:
    """Wait until each channel and registry lists everything, and read back what was uploaded."""
    for target in run.serving():
        fault = _fault(partial(_confirm_target, run, target))
        if fault is not None:
            run.unfinished[target.name] = f"the upload cannot be confirmed: {fault.message}"
    return _counted(run, run.serving())


def _confirm_target(run: _Run, target: PublishTarget) -> None:
    deliveries = run.deliveries[target.name]
    items = run.meant_for(target)
    waiting = {item.place: item for item in items if deliveries[item.place].status in FINE}
    until = time.monotonic() + run.job.deadline
    while waiting:
        served = target.served(list(waiting.values()))
        for place in waiting.keys() & served.keys():
            _judge_index(run, target, waiting.pop(place), served)
        if not waiting or time.monotonic() > until:
            break
        run.progress.working(f"{target.name}: waiting for {len(waiting)} files to appear in the index")
        time.sleep(run.job.poll)
    for place in waiting:
        detail = f"uploaded, but not in the index after {run.job.deadline:.0f} s"
        deliveries[place] = Delivery(status=DeliveryStatus.FAILED, detail=detail)
    _read_back(run, target, items)


def _judge_index(run: _Run, target: PublishTarget, item: Item, served: Mapping[str, Served]) -> None:
    verdict = publish_plan.judge(item, served)
    if verdict.status is DeliveryStatus.CONFLICT:
        run.deliveries[target.name][item.place] = Delivery(
            status=DeliveryStatus.CONFLICT, url=verdict.url, detail=verdict.detail
        )


def _read_back(run: _Run, target: PublishTarget, items: Sequence[Item]) -> None:
    """Compare the bytes that are served for what was uploaded just now with what was sent."""
    deliveries = run.deliveries[target.name]
    fresh = [item for item in items if deliveries[item.place].status is DeliveryStatus.UPLOADED]
    with ThreadPoolExecutor(max_workers=run.job.jobs) as pool:
        for item, served in zip(fresh, pool.map(partial(_digest, target), fresh), strict=True):
            if served != item.sha256:
                detail = f"the target accepted {item.sha256} but serves {served or 'nothing'}"
                deliveries[item.place] = Delivery(status=DeliveryStatus.CONFLICT, detail=detail)


def _digest(target: PublishTarget, item: Item) -> str | None:
    try:
        return target.digest(item)
    except FlowlockError as error:
        return f"an unreadable file ({error.message})"


def _record(run: _Run) -> str:
    """Write the ledger and the digests beside the workspace; the release takes both as assets."""
    run.recorded = True
    entries = ledger.read(run.job.state / ledger.FILE, tag=run.job.tag, commit=run.job.commit)
    now = datetime.now(UTC)
    for target in run.serving():
        deliveries = run.deliveries.get(target.name, {})
        items = [item for item in run.meant_for(target) if item.place in deliveries]
        served = [
            (item, deliveries[item.place].url) for item in items if deliveries[item.place].status in FINE
        ]
        entries = entries.with_served(target.name, served, now)
    ledger_file, sums_file = ledger.write(entries, [*run.items, *run.wheels], run.job.state)
    run.attached = [artifact.plain(ledger_file, replaceable=True), artifact.plain(sums_file)]
    return f"{len(entries.entries)} entries in {ledger_file.name}"


def _release(run: _Run) -> str:
    """Fill each release, and make it public when it has everything."""
    for target in run.of_kind(TargetKind.RELEASE):
        items = [*run.meant_for(target), *run.attached]
        fault = _fault(partial(_release_to, run, target, items))
        if fault is not None:
            run.unfinished[target.name] = fault.message
    return _counted(run, run.of_kind(TargetKind.RELEASE))


def _release_to(run: _Run, target: PublishTarget, items: Sequence[Item]) -> None:
    before = run.verdicts[target.name]
    read = {place for place, verdict in before.items() if verdict.status is DeliveryStatus.PRESENT}
    run.verdicts[target.name] = compare(target, items, jobs=run.job.jobs, already_read=read)
    deliveries = _deliver(run, target, items)
    _read_back(run, target, items)
    if any(delivery.status not in FINE for delivery in deliveries.values()):
        run.unfinished[target.name] = "it stays a draft until it is complete"
        return
    target.complete()


STAGES: tuple[tuple[PublishStage, Callable[[_Run], str]], ...] = (
    # What is published was pinned in a reviewed commit: nothing below runs for any other file.
    (PublishStage.ADMIT, _admit),
    (PublishStage.CREDENTIALS, _credentials),
    # From here on a rerun finds what an earlier run did.
    (PublishStage.COMPARE, _compare),
    (PublishStage.UPLOAD, _upload),
    # A release is announced when users can install it, so channels and registries are asked first.
    (PublishStage.CONFIRM, _confirm),
    (PublishStage.RECORD, _record),
    (PublishStage.RELEASE, _release),
)
CHANGING = (PublishStage.UPLOAD, PublishStage.CONFIRM, PublishStage.RECORD, PublishStage.RELEASE)


def _reason_to_skip(stage: PublishStage, run: _Run) -> str | None:
    """Return why a stage is left out, None for one that runs."""
    if run.job.dry_run and stage in CHANGING:
        return "dry run"
    if stage in run.job.skip:
        return "as requested"
    if stage in {PublishStage.UPLOAD, PublishStage.CONFIRM} and not run.serving():
        return "the targets include no channel"
    if stage is PublishStage.RELEASE:
        if not run.of_kind(TargetKind.RELEASE):
            return "the targets include no release"
        if lacking := run.lacking():
            return f"waiting until {', '.join(lacking)} serves everything"
    return None


def _result(run: _Run) -> PublishResult:
    return PublishResult(
        tag=run.job.tag,
        targets=tuple(_target_outcome(run, target) for target in run.job.targets),
        dry_run=run.job.dry_run,
    )


def _target_outcome(run: _Run, target: PublishTarget) -> TargetOutcome:
    deliveries: Mapping[str, Delivery | Verdict] = (
        run.deliveries.get(target.name) or run.verdicts[target.name]
    )
    items = {item.place: item for item in [*run.items, *run.wheels, *run.images, *run.attached]}
    held = not run.job.dry_run and target.name not in run.deliveries
    if held:
        why = "skipped" if PublishStage.RELEASE in run.job.skip else "a channel does not serve everything yet"
        deliveries = {
            place: verdict
            if verdict.status is not DeliveryStatus.MISSING
            else Delivery(status=DeliveryStatus.FAILED, detail=f"not attempted: {why}")
            for place, verdict in deliveries.items()
        }
    artifacts = []
    for place, delivery in deliveries.items():
        item = items[place]
        outcome = ArtifactOutcome(
            file=item.file, sha256=item.sha256, status=delivery.status, detail=delivery.detail
        )
        artifacts.append(outcome)
    return TargetOutcome(
        target=target.name,
        artifacts=tuple(artifacts),
        detail=run.unfinished.get(target.name, ""),
    )
