"""What a workspace's locks pin of its own packages, and what its sources say these are."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flowlock.builder.plan import stale
from flowlock.builder.plan.identity import Identity
from flowlock.commands.session import Session
from flowlock.edges import files
from flowlock.errors import FlowlockError, Problem
from flowlock.lock.lockfile import document
from flowlock.names import Sha256
from flowlock.release.plan import Pin


@dataclass(frozen=True, kw_only=True, slots=True)
class Pins:
    """One pin for each package that a tag publishes, and where locks and sources disagree."""

    pins: tuple[Pin, ...]
    problems: tuple[Problem, ...]


def read(session: Session) -> Pins:
    """Return what all workflows' locks pin; packages that none pins (a toolchain) go by their identity."""
    identities = stale.identities(session.workspace)
    workflows = {str(workflow.distribution) for workflow in session.workspace.workflow_list}
    found: dict[str, Pin] = {}
    problems: list[Problem] = []
    for shown, name, pin in _locked(session):
        known = found.setdefault(name, pin)
        if (known.file, known.sha256) != (pin.file, pin.sha256):
            problems.append(_problem("FL826", f"{shown} pins {pin.file}, {known.where} pins {known.file}"))
        now = identities.get(name)
        if now is None:
            problems.append(_problem("FL827", f"{shown} pins {pin.file}, which this workspace does not make"))
        elif now.file != pin.file:
            problems.append(_problem("FL828", f"{shown} pins {pin.file}, the source makes {now.file}"))
    for name, identity in identities.items():
        found.setdefault(name, _unpinned(identity))
    pins = tuple(
        Pin(
            file=pin.file,
            subdir=pin.subdir,
            sha256=pin.sha256,
            workflow=name in workflows,
            where=pin.where,
        )
        for name, pin in sorted(found.items())
    )
    return Pins(pins=pins, problems=tuple(dict.fromkeys(problems)))


def lock_files(session: Session) -> list[Path]:
    """Return the locks that count: the committed ones; where there are none, the profile's own."""
    workflows = session.workspace.workflow_list
    committed = [workflow.package / "pixi.lock" for workflow in workflows]
    present = [path for path in committed if path.is_file()]
    return present or [path for path in map(session.lock_file, workflows) if path.is_file()]


def _locked(session: Session) -> Iterator[tuple[str, str, Pin]]:
    """Yield (lock, package, pin) for each record of the release channel."""
    paths = lock_files(session)
    if not paths:
        raise FlowlockError(
            "no workflow has a lock, so nothing says what was reviewed",
            code="FL829",
            hint="run `flowlock sync` and commit the locks",
        )
    for path in paths:
        shown = session.workspace.relative(path)
        lock = document.read(files.read_text(path, shown), shown)
        for _, _, record in lock.records():
            if record.channel == session.workspace.release_channel:
                pin = Pin(
                    file=record.file_name, subdir=record.subdir, sha256=Sha256(record.sha256), where=shown
                )
                yield shown, record.name, pin


def _unpinned(identity: Identity) -> Pin:
    return Pin(file=identity.file, subdir=identity.subdir, sha256=None, where="the source, by its identity,")


def _problem(code: str, message: str) -> Problem:
    return Problem(code=code, message=message, hint="run `flowlock sync` and commit the locks")
