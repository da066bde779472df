"""`flowlock status`: what each package's source makes now, and where that build is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flowlock.builder.plan.identity import Identity
from flowlock.builder.plan.snapshot import read_snapshot
from flowlock.channel import store
from flowlock.commands import publish as command
from flowlock.commands.session import Session
from flowlock.conda.artifact import Artifact
from flowlock.edges import files
from flowlock.errors import FlowlockError
from flowlock.lock.lockfile import document
from flowlock.release import version
from flowlock.release.targets.artifact import Item
from flowlock.release.targets.protocol import PublishTarget, TargetKind
from flowlock.report.text_table import text_table


class Availability(StrEnum):
    """What a channel or a lock has of a package: this build, another of this version, or nothing of it."""

    CURRENT = "current"
    OTHER = "other"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageStatus:
    """One package: what its source makes now, and what each place has of it."""

    artifact: Artifact
    digest: str
    channel: Availability
    locks: Availability
    targets: Mapping[str, Availability]

    def as_json(self) -> Mapping[str, Any]:
        """Return the row as an object."""
        plain = {name: str(getattr(self.artifact, name)) for name in ("name", "version", "build")}
        return {
            **plain,
            "digest": self.digest,
            "channel": str(self.channel),
            "locks": str(self.locks),
            "targets": {name: str(availability) for name, availability in self.targets.items()},
        }

    def as_row(self, targets: Sequence[str]) -> list[str]:
        """Return the cells of the table, with what each target has."""
        artifact = self.artifact
        at_targets = [self.targets[name] for name in targets]
        return [artifact.name, artifact.version, artifact.build, self.channel, self.locks, *at_targets]


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusResult:
    """All packages; `notes` say what could not be asked."""

    packages: tuple[PackageStatus, ...]
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """A status is always successful."""
        return True

    def as_json(self) -> Mapping[str, Any]:
        """Return {"packages": [{name, version, build, digest, channel, locks, targets}], "notes"}."""
        return {"packages": [package.as_json() for package in self.packages], "notes": list(self.notes)}

    def as_text(self) -> str:
        """Return one table, a line per package."""
        targets = list(self.packages[0].targets) if self.packages else []
        head = ["package", "version", "build", "channel", "locks", *targets]
        rows = [package.as_row(targets) for package in self.packages]
        return "\n".join([text_table(head, rows), *self.notes])


def status(
    session: Session, to: Sequence[str] = (), environ: Mapping[str, str] | None = None
) -> StatusResult:
    """Return the build of each package and where it is present; only named targets are queried."""
    identities = read_snapshot(session.workspace).identities
    here = {entry.artifact.file for entry in store.entries(session.channel)}
    locked = _locked_files(session)
    tag = version.tag_of(version.parse(session.workspace.version))
    items = [_item(identity, session) for identity in identities.values()]
    served: dict[str, dict[str, Availability]] = {}
    notes = []
    for target in command.targets(session, tag, to, environ):
        if target.kind is TargetKind.IMAGES:
            served[target.name] = dict.fromkeys(identities, Availability.UNKNOWN)
            notes.append(
                f"{target.name} has images and no packages: "
                f"`flowlock verify --tag {tag} --to {target.name}` compares them"
            )
            continue
        try:
            served[target.name] = _at_target(target, items)
        except FlowlockError as error:
            served[target.name] = dict.fromkeys(identities, Availability.UNKNOWN)
            notes.append(f"{target.name} was not queried: {error.message}")
    rows = []
    for name, identity in sorted(identities.items()):
        row = PackageStatus(
            artifact=identity.artifact,
            digest=identity.digest,
            channel=_availability(identity.artifact.file, here, name),
            locks=_availability(identity.artifact.file, locked, name),
            targets={target: availabilities[name] for target, availabilities in served.items()},
        )
        rows.append(row)
    return StatusResult(packages=tuple(rows), notes=tuple(notes))


def _availability(file: str, present: set[str], name: str) -> Availability:
    if file in present:
        return Availability.CURRENT
    others = any(other.rsplit("-", 2)[0] == name for other in present)
    return Availability.OTHER if others else Availability.ABSENT


def _locked_files(session: Session) -> set[str]:
    """Return the workspace packages that the locks beside generated packages pin, whatever the profile."""
    own = session.workspace.release_channel
    pinned: set[str] = set()
    for generated in session.workspace.generated:
        path = generated.package / "pixi.lock"
        if path.is_file():
            shown = session.workspace.relative(path)
            records = document.read(files.read_text(path, shown), shown).records()
            pinned |= {record.file_name for _, _, record in records if record.channel == own}
    return pinned


def _item(identity: Identity, session: Session) -> Item:
    """Return an item that asks after a build by its name; it is never uploaded, so it has no bytes."""
    artifact = identity.artifact
    return Item(
        path=session.channel / artifact.path,
        file=artifact.file,
        sha256=identity.digest,
        size=0,
        artifact=artifact,
    )


def _at_target(target: PublishTarget, items: Sequence[Item]) -> dict[str, Availability]:
    present = {path.rpartition("/")[2] for path in target.served(items)}
    return {
        item.artifact.name: _availability(item.file, present, item.artifact.name)
        for item in items
        if item.artifact
    }
