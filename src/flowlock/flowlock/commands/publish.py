"""`flowlock publish`, `verify` and their targets, put together from a session."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from flowlock.builder.plan.snapshot import read_snapshot
from flowlock.commands import build_apart, pins, verify
from flowlock.commands import release as prepare
from flowlock.commands.session import Session
from flowlock.commands.verify import VerifyResult
from flowlock.edges import files, git
from flowlock.edges.retry_policy import DEFAULT_RETRY_POLICY, RetryPolicy
from flowlock.errors import FlowlockError
from flowlock.release import changelog, publish, reviewed, version
from flowlock.release.outcome import PublishResult
from flowlock.release.targets import artifact, make
from flowlock.release.targets.protocol import Context, PublishTarget


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishOptions:
    """The options of `flowlock publish`; without `source` the packages are built first."""

    tag: str
    to: Sequence[str]
    source: Path | None = None
    dry_run: bool = False
    skip: Sequence[str] = ()
    jobs: int = 16
    deadline: float = 300.0
    retry_policy: RetryPolicy = DEFAULT_RETRY_POLICY


def publish_tag(
    session: Session, options: PublishOptions, environ: Mapping[str, str] | None = None
) -> PublishResult:
    """Publish what a tag stands for to targets; see `publish.publish` for the stages."""
    skipped = publish.stages(options.skip)
    destinations = targets(
        session, options.tag, options.to, environ, retry_policy=options.retry_policy, jobs=options.jobs
    )
    snapshot = read_snapshot(session.workspace)
    problems = [*verify.tag_problems(session, options.tag), *verify.source_problems(snapshot, options.tag)]
    if problems:
        raise FlowlockError(
            f"{options.tag} cannot be published", problems=problems, kept="nothing was published"
        )
    head = git.head(session.workspace.root)
    locked = pins.read(session, snapshot, head.commit)
    for line in reviewed.lines(locked.left_out):
        session.progress.note(line)
    if locked.problems:
        raise FlowlockError(
            "the locks do not match the sources", problems=locked.problems, kept="nothing was published"
        )
    with session.temporaries(), TemporaryDirectory(prefix="publish-") as folder:
        source = options.source or build_apart.packages(session, Path(folder) / "built")
        images = build_apart.images(session, destinations, Path(folder) / "images", source=options.source)
        job = publish.Publication(
            tag=options.tag,
            commit=head.commit,
            files=artifact.find(source, without=locked.unpublished),
            pins=locked.pins,
            targets=destinations,
            state=session.workspace.state.published(options.tag),
            wheels=session.workspace.package_names,
            images=images,
            dry_run=options.dry_run,
            skip=skipped,
            jobs=options.jobs,
            deadline=options.deadline,
        )
        result = publish.publish(job, session.progress)
    return replace(result, left_out=locked.left_out)


def verify_tag(
    session: Session,
    tag: str,
    *,
    to: Sequence[str] = (),
    source: Path | None = None,
    deadline: float = 300.0,
    environ: Mapping[str, str] | None = None,
) -> VerifyResult:
    """Compare a tag with everything that must equal it; `to` names targets that should serve it already."""
    destinations = targets(session, tag, to, environ)
    return verify.verify(session, tag, source=source, targets=destinations, deadline=deadline)


def targets(
    session: Session,
    tag: str,
    names: Sequence[str],
    environ: Mapping[str, str] | None,
    *,
    retry_policy: RetryPolicy = DEFAULT_RETRY_POLICY,
    jobs: int = 16,
) -> list[PublishTarget]:
    """Return the targets that were named, by `kind:location` or by their names in flowlock.toml."""
    parsed = version.version_of(tag)
    context = Context(
        root=session.workspace.root,
        tag=tag,
        prerelease=parsed.is_prerelease,
        commit=git.tag_commit(session.workspace.root, tag) or "",
        notes=_notes(session, str(parsed), prerelease=parsed.is_prerelease),
        connections=jobs,
        retry_policy=retry_policy,
        environ=os.environ if environ is None else environ,
    )
    return [make(name, session.workspace.targets, context) for name in dict.fromkeys(names)]


def _notes(session: Session, name: str, *, prerelease: bool) -> str:
    """Return what the changelog says of a version; a candidate's changes are still fragments."""
    if prerelease:
        section = prepare.section(session.workspace, name, session.workspace.epoch)
        return changelog.notes(section, name)
    path = session.workspace.root / prepare.CHANGELOG
    return changelog.notes(files.read_text(path, prepare.CHANGELOG), name) if path.is_file() else ""
