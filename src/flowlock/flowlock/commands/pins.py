"""What a commit's locks pin of the workspace's own packages, and what its sources make."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain

from flowlock.builder.plan.identity import Identity
from flowlock.builder.plan.snapshot import WorkspaceSnapshot
from flowlock.commands.session import Session
from flowlock.conda.artifact import Artifact
from flowlock.conda.records import Record
from flowlock.errors import FlowlockError, Location, Problem
from flowlock.lock.lockfile import document
from flowlock.names import Sha256
from flowlock.release.publish_plan import PinnedBuild
from flowlock.release.reviewed import UnlockedWorkflow, reviewed_locks

HINT = "run `flowlock sync` and commit the locks"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pins:
    """One pin for each package that a tag publishes, and where the locks do not match the sources."""

    pins: tuple[PinnedBuild, ...]
    problems: tuple[Problem, ...]
    left_out: tuple[UnlockedWorkflow, ...] = ()

    @property
    def unpublished(self) -> frozenset[str]:
        """The packages of the workflows that are left out."""
        return _unpublished(self.left_out)


def read(session: Session, snapshot: WorkspaceSnapshot, commit: str) -> Pins:
    """Return what the locks of all workflows pin in a commit.

    A package that no lock pins (a toolchain) is pinned by its identity. A workflow's own lock has to pin the
    workflow's package: otherwise nothing says which bytes of it were reviewed.
    """
    locks = reviewed_locks(session.workspace, commit)
    identities = snapshot.identities
    unpublished = _unpublished(locks.left_out)
    workflows = _published_workflows(session, unpublished)
    problems = list(locks.problems)
    pins: dict[str, PinnedBuild] = {}
    for name, pin in _locked(session, locks.texts):
        first = pins.setdefault(name, replace(pin, workflow=name in workflows))
        if first.artifact != pin.artifact:
            problems.append(
                _problem(
                    "FL826",
                    f"{pin.where} pins {pin.artifact.file}, but {first.where} pins {first.artifact.file}",
                )
            )
        problems += _disagreements(pin, identities.get(name))
    for name, lock in workflows.items():
        if lock in locks.texts and name not in pins:
            problems.append(_problem("FL829", f"{lock} does not pin {name}, so the package was not reviewed"))
    for name, identity in identities.items():
        if name not in unpublished:
            where, artifact = "the source, by its identity,", identity.artifact
            pins.setdefault(name, PinnedBuild(artifact=artifact, where=where, workflow=name in workflows))
    return Pins(
        pins=tuple(pins[name] for name in sorted(pins)),
        problems=tuple(dict.fromkeys(problems)),
        left_out=locks.left_out,
    )


def _unpublished(left_out: Iterable[UnlockedWorkflow]) -> frozenset[str]:
    return frozenset(chain.from_iterable(workflow.packages for workflow in left_out))


def _published_workflows(session: Session, unpublished: Collection[str]) -> dict[str, str]:
    """Return the path of each workflow's lock by the name of its package."""
    workspace = session.workspace
    return {
        str(generated.distribution): workspace.relative(generated.package / "pixi.lock")
        for generated in workspace.generated
        if generated.distribution not in unpublished
    }


def _locked(session: Session, texts: Mapping[str, str]) -> Iterator[tuple[str, PinnedBuild]]:
    """Yield package and pin of each record of the release channel."""
    for path, text in texts.items():
        for _, _, record in document.read(text, path).records():
            if record.channel == session.workspace.release_channel:
                yield record.name, _pin(record, path)


def _pin(record: Record, path: str) -> PinnedBuild:
    try:
        sha256 = Sha256(record.sha256)
    except ValueError as error:
        raise FlowlockError(
            f"{path} pins {record.file_name} without a sha256",
            code="FL829",
            location=Location(file=path),
            hint=HINT,
        ) from error
    artifact = Artifact(
        name=record.name,
        version=record.version,
        build=record.build,
        number=record.build_number,
        subdir=record.subdir,
        sha256=sha256,
    )
    if artifact.file != record.file_name:
        raise FlowlockError(
            f"{path} pins {record.file_name} as {artifact.file}",
            code="FL828",
            location=Location(file=path),
            hint=HINT,
        )
    return PinnedBuild(artifact=artifact, where=path, workflow=False)


def _disagreements(pin: PinnedBuild, identity: Identity | None) -> Iterator[Problem]:
    if identity is None:
        yield _problem("FL827", f"{pin.where} pins {pin.artifact.file}, which this workspace does not build")
    elif identity.artifact.file != pin.artifact.file:
        current = identity.artifact.file
        yield _problem("FL828", f"{pin.where} pins {pin.artifact.file}, but the source produces {current}")


def _problem(code: str, message: str) -> Problem:
    return Problem(code=code, message=message, hint=HINT)
