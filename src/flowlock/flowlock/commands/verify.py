"""`flowlock verify`, `flowlock release --tag`: tag = recipes = pyprojects = locks = built = served bytes."""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, assert_never

from flowlock.builder.plan.snapshot import WorkspaceSnapshot, read_snapshot
from flowlock.commands import build_apart, pins
from flowlock.commands.build_stage import BuildSettings, build_named
from flowlock.commands.recipe import recipe_problems
from flowlock.commands.session import Session
from flowlock.edges import git
from flowlock.errors import FlowlockError, Problem
from flowlock.release import publish_plan, reviewed, version
from flowlock.release.reviewed import UnlockedWorkflow
from flowlock.release.targets import artifact
from flowlock.release.targets.artifact import Item
from flowlock.release.targets.protocol import PublishTarget, Served, TargetKind
from flowlock.release.targets.registry import read_image
from flowlock.release.wheels import wheels


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifyResult:
    """Each mismatch between what a tag says, what is built, and what is served."""

    tag: str
    problems: tuple[Problem, ...]
    verified: tuple[str, ...]
    left_out: tuple[UnlockedWorkflow, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything agrees."""
        return not self.problems

    def as_json(self) -> Mapping[str, Any]:
        """Return {"ok", "tag", "verified", "left_out", "problems"}; verified are sentences."""
        return {
            "ok": self.ok,
            "tag": self.tag,
            "verified": list(self.verified),
            "left_out": [workflow.as_json() for workflow in self.left_out],
            "problems": [problem.as_json() for problem in self.problems],
        }

    def as_text(self) -> str:
        """Return a line per mismatch; if there is none, what was compared; then what is left out."""
        if self.ok:
            compared = [f"{self.tag}: {sentence}" for sentence in self.verified]
        else:
            compared = [f"{problem.code} {problem.message}" for problem in self.problems]
        return "\n".join([*compared, *reviewed.lines(self.left_out)])


@dataclass(frozen=True, kw_only=True, slots=True)
class TagResult:
    """A tag that was made."""

    tag: str
    commit: str
    left_out: tuple[UnlockedWorkflow, ...] = ()

    @property
    def ok(self) -> bool:
        """A tag that cannot be made is an error, so this is always true."""
        return True

    def as_json(self) -> Mapping[str, Any]:
        """Return {"tag", "commit", "left_out"}."""
        left_out = [workflow.as_json() for workflow in self.left_out]
        return {"tag": self.tag, "commit": self.commit, "left_out": left_out}

    def as_text(self) -> str:
        """Return what was made, what is left out, and the next command."""
        tagged = f"tagged {self.commit[:10]} as {self.tag}; next: `git push origin {self.tag}` to publish it"
        return "\n".join([*reviewed.lines(self.left_out), tagged])


def verify(
    session: Session,
    tag: str,
    *,
    source: Path | None = None,
    targets: Sequence[PublishTarget] = (),
    deadline: float = 300.0,
    poll: float = 2.0,
) -> VerifyResult:
    """Compare a tag with recipes, pyprojects, locks and built bytes, and with what targets serve.

    The bytes are those in `source`, else what is built here now. Targets get `deadline` seconds to serve
    everything; their bytes are read, not only their indices.
    """
    problems = [*tag_problems(session, tag)]
    root = session.workspace.root
    snapshot = read_snapshot(session.workspace)
    locked = pins.read(session, snapshot, git.tag_commit(root, tag) or git.head(root).commit)
    problems += [*source_problems(snapshot, tag), *locked.problems]
    verified = [f"{len(locked.pins)} packages have the same version in recipes, pyprojects and locks"]
    if not problems:
        items = [artifact.read(path) for path in built(session, source, locked.unpublished)]
        problems += publish_plan.admit(items, locked.pins)
        verified.append(f"{len(items)} files have the bytes that the locks pin")
        compared = targets if not problems else ()
        with session.temporaries(), TemporaryDirectory(prefix="verify-") as folder:
            images = build_apart.images(session, compared, Path(folder), source=source)
            image_items = [read_image(layout) for layout in images]
            for target in compared:
                promised = _promised(session, tag, target, items, image_items)
                problems += _served_problems(session, target, promised, deadline=deadline, poll=poll)
                verified.append(f"{target.name} serves the same bytes")
    return VerifyResult(tag=tag, problems=tuple(problems), verified=tuple(verified), left_out=locked.left_out)


def tag(session: Session, name: str | None = None) -> TagResult:
    """Make the annotated tag of the version that is checked out, if everything agrees and is on main."""
    root = session.workspace.root
    wanted = version.tag_of(version.parse(session.workspace.version))
    head = git.head(root)
    problems = [*_place_problems(session, head)]
    if git.tag_commit(root, wanted) is not None or name not in {None, wanted}:
        problems.append(
            Problem(
                code="FL842",
                message=f"the tag {wanted} already exists",
                hint="`flowlock release` raises the version",
            )
        )
    snapshot = read_snapshot(session.workspace)
    locked = pins.read(session, snapshot, head.commit)
    problems += [*source_problems(snapshot, wanted), *locked.problems]
    if not problems:
        items = [artifact.read(path) for path in built(session, None, locked.unpublished)]
        problems += publish_plan.admit(items, locked.pins)
    if problems:
        raise FlowlockError(f"{wanted} cannot be tagged", problems=problems, kept="all files, unchanged")
    git.make_tag(root, wanted, f"Release {session.workspace.version}", head.commit)
    return TagResult(tag=wanted, commit=head.commit, left_out=locked.left_out)


def tag_problems(session: Session, name: str) -> Iterator[Problem]:
    """Yield the problems of a tag: absent, not checked out, moved, or not on the main branch."""
    root = session.workspace.root
    version.version_of(name)
    commit, head = git.tag_commit(root, name), git.head(root)
    if commit is None:
        yield Problem(code="FL843", message=f"tag {name} does not exist", hint="`git fetch --tags`")
        return
    if commit != head.commit:
        yield Problem(
            code="FL844",
            message=f"{name} is {commit[:10]}, but {head.commit[:10]} is checked out",
            hint=f"`git switch --detach {name}`",
        )
    yield from _moved(session, name, commit)
    branch = main_branch(root)
    if branch is not None and not git.contains(root, branch, commit):
        yield Problem(
            code="FL845",
            message=f"{name} is not on {branch}",
            hint="merge the release first, then tag what was merged",
        )
    if changed := git.dirty(root):
        yield Problem(code="FL840", message=f"there are uncommitted changes: {', '.join(changed[:5])}")


def main_branch(root: Path) -> str | None:
    """Return the branch that releases lie on: the remote's default one, else the local `main`."""
    branches = set(git.branches(root))
    remote = [f"{remote}/{name}" for remote in git.remotes(root) for name in ("HEAD", "main", "master")]
    for candidate in (*remote, "main", "master"):
        if candidate in branches:
            return candidate
    return None


def source_problems(snapshot: WorkspaceSnapshot, name: str) -> Iterator[Problem]:
    """Yield each recipe and pyproject whose version is not the tag's, or that disagree with each other."""
    workspace = snapshot.workspace
    wanted = str(version.version_of(name))
    if workspace.version != wanted:
        yield Problem(
            code="FL846", message=f"flowlock.toml has the version {workspace.version}, but {name} is {wanted}"
        )
    released = {package.name for package in workspace.packages}
    released |= {generated.distribution for generated in workspace.generated}
    for package, target in snapshot.targets.items():
        # What is vendored keeps the version that its makers gave it.
        if package in released and target.recipe.version != wanted:
            yield Problem(
                code="FL846",
                message=f"{package} has the version {target.recipe.version}, but {name} is {wanted}",
                hint="`flowlock release` raises all versions together",
            )
    yield from recipe_problems(workspace)


def built(session: Session, source: Path | None, unpublished: Collection[str]) -> list[Path]:
    """Return the artifacts of a folder but for packages that are not published.

    If no folder is named, build, and return those of the local channel.
    """
    if source is None:
        build_named(session, (), BuildSettings())
    return artifact.find(source or session.channel, without=unpublished)


def _place_problems(session: Session, head: git.Head) -> Iterator[Problem]:
    root = session.workspace.root
    if changed := git.dirty(root):
        yield Problem(code="FL840", message=f"there are uncommitted changes: {', '.join(changed[:5])}")
    branch = main_branch(root)
    if branch is None or not git.contains(root, branch, head.commit):
        yield Problem(
            code="FL845",
            message=f"the checked-out commit is not on {branch or 'a main branch'}",
            hint="merge the release, `git switch main && git pull`, then tag",
        )


def _moved(session: Session, name: str, commit: str) -> Iterator[Problem]:
    for remote in [] if session.offline else git.remotes(session.workspace.root)[:1]:
        try:
            theirs = git.remote_tag(session.workspace.root, remote, name)
        except FlowlockError:
            session.progress.note(f"{remote} cannot be reached, so its tag {name} was not compared")
            continue
        if theirs is not None and theirs != commit:
            yield Problem(
                code="FL847",
                message=f"{name} is {commit[:10]} here but {theirs[:10]} at {remote}: the tag was moved",
                hint=f"run `git fetch --tags --force`, then check what {name} pointed to before",
            )


def _promised(
    session: Session, tag: str, target: PublishTarget, items: Sequence[Item], images: Sequence[Item]
) -> Sequence[Item]:
    """Return what a target is to serve: the packages, for a release their wheels too, or the images."""
    match target.kind:
        case TargetKind.CHANNEL:
            return items
        case TargetKind.IMAGES:
            return images
        case TargetKind.RELEASE:
            workspace = session.workspace
            made = wheels(items, workspace.package_names, workspace.state.published(tag) / "wheels")
            return [*items, *made]
        case unknown:
            assert_never(unknown)


def _served_problems(
    session: Session, target: PublishTarget, items: Sequence[Item], *, deadline: float, poll: float
) -> Iterator[Problem]:
    """Yield what a target does not serve, or serves with other bytes, once the deadline has passed."""
    served = _awaited(session, target, items, deadline=deadline, poll=poll)
    for item in items:
        if item.place not in served:
            yield Problem(code="FL848", message=f"{target.name} does not serve {item.file}")
            continue
        # Both the index and the bytes are compared with the pin: either may be wrong alone.
        for digest in dict.fromkeys((served[item.place].sha256, target.digest(item) or "nothing")):
            if digest != item.sha256:
                expected = "the lock pins" if item.artifact else "what was built has"
                message = (
                    f"{target.name} serves {item.file} with the sha256 {digest}, but {expected} {item.sha256}"
                )
                yield Problem(code="FL849", message=message)


def _awaited(
    session: Session, target: PublishTarget, items: Sequence[Item], *, deadline: float, poll: float
) -> Mapping[str, Served]:
    """Return what a target serves once it serves all items, or when the deadline has passed."""
    until = time.monotonic() + deadline
    while True:
        served = target.served(items)
        waiting = [item for item in items if item.place not in served]
        if not waiting or time.monotonic() > until:
            return served
        session.progress.working(f"{target.name}: waiting for {len(waiting)} files")
        time.sleep(poll)
