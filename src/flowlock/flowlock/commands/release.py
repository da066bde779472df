"""`flowlock release VERSION`: bump, sync, changelog, one commit; all of it, or nothing."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from packaging.version import Version

from flowlock import workspace
from flowlock.commands import sync
from flowlock.commands.session import Session
from flowlock.edges import files, git
from flowlock.edges.state_folder import StateFolder
from flowlock.errors import FlowlockError, Problem, shortened
from flowlock.release import changelog, reviewed, version
from flowlock.release.reviewed import UnlockedWorkflow
from flowlock.workspace import Workspace

FRAGMENTS = "changes.d"
CHANGELOG = "CHANGELOG.md"
SHOWN = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class ReleaseResult:
    """A release that was prepared: its commit, or with `dry_run` the diff that it would be."""

    version: str
    tag: str
    branch: str
    commit: str | None
    diff: str
    left_out: tuple[UnlockedWorkflow, ...] = ()

    @property
    def ok(self) -> bool:
        """A release that cannot be prepared is an error, so this is always true."""
        return True

    def as_json(self) -> Mapping[str, Any]:
        """Return {"version", "tag", "branch", "commit", "diff", "left_out"}; no commit after a dry run."""
        names = ("version", "tag", "branch", "commit", "diff")
        left_out = [workflow.as_json() for workflow in self.left_out]
        return {**{name: getattr(self, name) for name in names}, "left_out": left_out}

    def as_text(self) -> str:
        """Return what was done, what is left out, and the next commands; for a dry run the diff."""
        left_out = reviewed.lines(self.left_out)
        if self.commit is None:
            would = f"would commit this on {self.branch} as release {self.version}"
            return "\n".join([self.diff, *left_out, would])
        done = f"committed release {self.version} on {self.branch} ({self.commit[:10]})"
        following = (
            f"next: push the branch and have it reviewed and merged, then run `flowlock release --tag` "
            f"on the merged branch to create {self.tag}"
        )
        return "\n".join([*left_out, done, following])


def release(
    session: Session, wanted: str, *, pre: bool = False, dry_run: bool = False, now: datetime | None = None
) -> ReleaseResult:
    """Prepare a release on the branch that is checked out.

    Everything happens in a separate checkout, to which the branch is fast-forwarded at the end: until then
    neither tree nor refs change, whatever fails, and there is nothing to undo.
    """
    root, moment = session.workspace.root, now or datetime.now(UTC)
    head = git.head(root)
    new = version.following(version.parse(session.workspace.version), wanted, pre=pre)
    tag = version.tag_of(new)
    branch = _check(session, head, tag)
    epoch = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    session.progress.note(f"{session.workspace.version} → {new}, epoch {epoch:%Y-%m-%d}, tag {tag}")
    with session.exclusive(), _checkout(session, head.commit) as folder:
        _write(workspace.load(folder), new, epoch)
        raised = workspace.load(folder, offline=session.offline)
        done = sync.sync(replace(session, workspace=raised), check=False, dry_run=False, jobs=None)
        if not done.ok:
            raise FlowlockError(
                "the workspace of the release cannot be synced", code="FL836", detail=done.as_text()
            )
        commit = git.commit_all(folder, f"Release {new}")
        diff = git.diff(root, head.commit, to=commit)
        if not dry_run:
            git.fast_forward(root, commit)
    return ReleaseResult(
        version=str(new),
        tag=tag,
        branch=branch,
        commit=None if dry_run else commit,
        diff=diff,
        left_out=reviewed.left_out(session.workspace),
    )


def _check(session: Session, head: git.Head, tag: str) -> str:
    """Refuse a release that could not be made or found again; return the branch. All faults at once."""
    root = session.workspace.root
    problems = []
    if changed := git.dirty(root):
        problems.append(
            Problem(
                code="FL840",
                message=f"there are uncommitted changes: {shortened(changed, SHOWN)}",
                hint="commit or stash them, then run the command again",
            )
        )
    if head.branch is None:
        problems.append(
            Problem(code="FL841", message="no branch is checked out", hint="`git switch -c release`")
        )
    if git.tag_commit(root, tag) is not None:
        problems.append(
            Problem(code="FL842", message=f"the tag {tag} already exists", hint="choose a greater version")
        )
    problems += _remote_problems(session, tag)
    problems += reviewed.reviewed_locks(session.workspace, head.commit).problems
    if problems or head.branch is None:
        raise FlowlockError("the release cannot be made", problems=problems, kept="all files, unchanged")
    return head.branch


def _remote_problems(session: Session, tag: str) -> Iterator[Problem]:
    for remote in [] if session.offline else git.remotes(session.workspace.root)[:1]:
        try:
            taken = git.remote_tag(session.workspace.root, remote, tag)
        except FlowlockError:
            session.progress.note(
                f"{remote} cannot be reached, so flowlock cannot check whether it already has {tag}"
            )
            continue
        if taken is not None:
            yield Problem(
                code="FL842",
                message=f"{remote} already has the tag {tag}",
                hint="run `git fetch --tags` and choose a greater version",
            )


@contextmanager
def _checkout(session: Session, commit: str) -> Iterator[Path]:
    """Yield a checkout of a commit with the workspace's caches; it is removed afterwards."""
    root, state = session.workspace.root, session.workspace.state
    folder = state.release_checkout
    git.remove_worktree(root, folder)
    try:
        git.add_worktree(root, folder, commit)
        for ours, copy in zip(state.reusable, StateFolder.of(folder).reusable, strict=True):
            if ours.exists():
                # Hard links: all writers below .flowlock write a new file and rename it.
                shutil.copytree(ours, copy, copy_function=_link, symlinks=True)
        yield folder
    finally:
        git.remove_worktree(root, folder)


def _link(source: str, target: str) -> None:
    files.link(Path(source), Path(target))


def _write(current: Workspace, new: Version, epoch: datetime) -> None:
    """Write the new version wherever one stands, and turn the fragments into the changelog."""
    for path, text in _texts(current, new, epoch).items():
        files.write_text(path, text)
    if not new.is_prerelease:
        for path in _fragments(current):
            path.unlink()


def _texts(current: Workspace, new: Version, epoch: datetime) -> dict[Path, str]:
    def old(path: Path) -> str:
        return files.read_text(path, current.relative(path))

    toml = current.root / workspace.FILE
    texts = {toml: version.bump_workspace(old(toml), new, epoch)}
    for package in current.packages:
        recipe, project = package.recipe, package.project_file
        texts[recipe] = version.bump_recipe(old(recipe), new, current.relative(recipe))
        if project.is_file():
            texts[project] = version.bump_pyproject(old(project), new, current.relative(project))
    # The final version lists the changes of its candidates again, with later ones.
    if not new.is_prerelease:
        path = current.root / CHANGELOG
        section_text = section(current, str(new), epoch)
        texts[path] = changelog.with_section(old(path) if path.is_file() else "", section_text)
    return texts


def section(current: Workspace, name: str, day: datetime) -> str:
    """Return the changelog's section of a version from the fragments that are there now."""
    fragments = {path.name: files.read_text(path, current.relative(path)) for path in _fragments(current)}
    return changelog.section(fragments, name, day.date(), folder=FRAGMENTS)


def _fragments(current: Workspace) -> list[Path]:
    folder = current.root / FRAGMENTS
    return sorted(path for path in folder.glob("*") if path.is_file() and path.name != changelog.README)
