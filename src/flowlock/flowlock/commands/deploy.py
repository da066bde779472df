"""`flowlock deploy` and `deploy rollback`: another tag in a manifest, committed and given to review."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from flowlock.commands.deployment import CommittedManifest, Deployment, DeployOptions, deployment, manifests
from flowlock.commands.session import Session
from flowlock.deploy.history import ROLLED_BACK, DeployedTag, last_good, rolled_back_from
from flowlock.deploy.image_places import read_manifest, select
from flowlock.deploy.pull_requests import PullRequest, PullRequests, reviewing_repository
from flowlock.deploy.tag_edit import TagEdit, checked_tag, set_tag
from flowlock.edges import git, git_branches
from flowlock.edges.git_branches import LoggedCommit
from flowlock.errors import FlowlockError

# How many changes of a manifest a rollback looks back.
LOOK_BACK = 200


class DeployStatus(StrEnum):
    """How a deployment ended."""

    CURRENT = "current"
    PLANNED = "planned"
    COMMITTED = "committed"
    REQUESTED = "requested"


@dataclass(frozen=True, kw_only=True, slots=True)
class DeployResult:
    """A deployment: `current` if the branch has the tag, `planned` after a dry run.

    `committed` to the branch that is deployed, or `requested` as a pull request; without a new commit if the
    same request was there already.
    """

    name: str
    image: str
    tag: str
    previous: str
    status: DeployStatus
    file: str
    line: int
    branch: str
    diff: str = ""
    commit: str | None = None
    pull_request: str | None = None
    also: tuple[int, ...] = ()

    @property
    def ok(self) -> bool:
        """A deployment that cannot be made is an error, so this is always true."""
        return True

    def as_json(self) -> Mapping[str, Any]:
        """Return everything by name; "also" are the lines of aliases that change, too."""
        return {
            "name": self.name,
            "image": self.image,
            "tag": self.tag,
            "previous": self.previous,
            "status": str(self.status),
            "file": self.file,
            "line": self.line,
            "branch": self.branch,
            "commit": self.commit,
            "pull_request": self.pull_request,
            "also": list(self.also),
            "diff": self.diff,
        }

    def as_text(self) -> str:
        """Return the diff of a dry run, or what was done and the next step."""
        change = f"{self.name}: {self.previous or 'no tag'} → {self.tag}"
        lines = [f"the aliases in line {line} change with it" for line in self.also]
        match self.status:
            case DeployStatus.CURRENT:
                return f"{self.name}: {self.file} on {self.branch} has the tag {self.tag}"
            case DeployStatus.PLANNED:
                return "\n".join([self.diff, *lines, f"would commit this: {change}"])
            case DeployStatus.COMMITTED:
                return "\n".join([*lines, f"{change}, committed on {self.branch} ({str(self.commit)[:10]})"])
            case DeployStatus.REQUESTED:
                done = f"pushed {str(self.commit)[:10]}" if self.commit else "pushed before"
                review = f"next: have {self.pull_request} reviewed and merged"
                return "\n".join([*lines, f"{change}, {done} on {self.branch}", review])


@dataclass(frozen=True, kw_only=True, slots=True)
class _Base:
    """The branch that is deployed, as the remote has it now, and the text of the manifest there."""

    manifests: CommittedManifest
    branch: str
    commit: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _TagChange:
    """A commit to be made: the edit, the paragraphs of its message, and the branch for its review."""

    edit: TagEdit
    message: Sequence[str]
    head: str


def deploy(
    session: Session, options: DeployOptions, *, tag: str, direct: bool = False, dry_run: bool = False
) -> DeployResult:
    """Commit another tag on the branch that is deployed, or on a branch for review.

    The commit is made of what the remote has. No file and no branch of the working tree changes.
    """
    target = deployment(session.workspace, options)
    checked_tag(tag)
    with session.temporaries():
        base = _base(session, target, dry_run=dry_run)
        return _carry_out(target, base, _deploying(target, base, tag), direct=direct, dry_run=dry_run)


def rollback(
    session: Session, options: DeployOptions, *, direct: bool = False, dry_run: bool = False
) -> DeployResult:
    """Restore the last tag before the present one that was not taken back, by the history of the file."""
    target = deployment(session.workspace, options)
    with session.temporaries():
        base = _base(session, target, dry_run=dry_run)
        return _carry_out(target, base, _rolling_back(target, base), direct=direct, dry_run=dry_run)


def _base(session: Session, target: Deployment, *, dry_run: bool) -> _Base:
    """Return what the remote has; a dry run without a remote, or offline, looks at what is checked out."""
    place = manifests(target)
    remote = target.table.remote
    if dry_run and (session.offline or remote not in git.remotes(place.root)):
        head = git.head(place.root)
        return _read(place, head.branch or "HEAD", head.commit)
    git_branches.require_remote(place.root, remote)
    if session.offline:
        raise FlowlockError(
            "a deployment needs the remote", code="FL946", hint="leave --offline out, or add --dry-run"
        )
    branch = target.branch or git_branches.default_branch(place.root, remote)
    commit = git_branches.fetch_branch(place.root, remote, branch)
    if commit is None:
        raise FlowlockError(
            f"{remote} has no branch `{branch}`",
            code="FL946",
            hint="correct --branch, or `branch` in flowlock.toml",
        )
    return _read(place, branch, commit)


def _read(place: CommittedManifest, branch: str, commit: str) -> _Base:
    text = git_branches.text_of(place.root, commit, place.path)
    if text is None:
        raise FlowlockError(
            f"{place.path} is not a file on {branch}",
            code="FL945",
            hint=f"commit it, and merge it into {branch}",
        )
    return _Base(manifests=place, branch=branch, commit=commit, text=text)


def _deploying(target: Deployment, base: _Base, tag: str) -> _TagChange:
    edit = set_tag(base.text, base.manifests.path, image=target.image, key=target.key, tag=tag)
    return _TagChange(
        edit=edit,
        message=(f"Deploy {target.name} {tag}", f"Image: {target.image}:{tag}"),
        head=f"deploy/{target.name}-{tag}",
    )


def _rolling_back(target: Deployment, base: _Base) -> _TagChange:
    logged = git_branches.commits_of(base.manifests.root, base.commit, base.manifests.path, LOOK_BACK)
    deployed = [entry for commit in logged if (entry := _deployed(target, base.manifests, commit))]
    tag = last_good(deployed)
    present = select(read_manifest(base.text, base.manifests.path), image=target.image, key=target.key).tag
    if tag is None:
        raise FlowlockError(
            f"the history of {base.manifests.path} has no good tag before {present}",
            code="FL949",
            hint="deploy a tag by its name; in a shallow clone, `git fetch --unshallow` gets the history",
        )
    edit = set_tag(base.text, base.manifests.path, image=target.image, key=target.key, tag=checked_tag(tag))
    message = (
        f"Roll {target.name} back to {tag}",
        f"Image: {target.image}:{tag}\n{ROLLED_BACK}{present}",
    )
    return _TagChange(edit=edit, message=message, head=f"rollback/{target.name}-{present}-to-{tag}")


def _deployed(target: Deployment, place: CommittedManifest, logged: LoggedCommit) -> DeployedTag | None:
    """Return the tag after a commit, None where the file had no such place yet."""
    text = git_branches.text_of(place.root, logged.commit, place.path)
    try:
        manifest = read_manifest(text or "", place.path)
        tag = select(manifest, image=target.image, key=target.key).tag
        checked_tag(tag)
    except FlowlockError:
        return None
    return DeployedTag(tag=tag, rolled_back=rolled_back_from(logged.message))


def _carry_out(
    target: Deployment, base: _Base, change: _TagChange, *, direct: bool, dry_run: bool
) -> DeployResult:
    edit = change.edit
    result = DeployResult(
        name=target.name,
        image=target.image,
        tag=edit.tag,
        previous=edit.place.tag,
        status=DeployStatus.CURRENT,
        file=base.manifests.path,
        line=edit.place.at.line or 1,
        branch=base.branch,
        diff=edit.diff(base.manifests.path),
        also=edit.place.shared,
    )
    if not edit.changed:
        return result
    if dry_run:
        return replace(result, status=DeployStatus.PLANNED)
    root, remote = base.manifests.root, target.table.remote
    if direct:
        commit = git_branches.commit_text(root, base.commit, base.manifests.path, edit.after, change.message)
        git_branches.push(root, remote, commit, base.branch)
        return replace(result, status=DeployStatus.COMMITTED, commit=commit)
    # Whether a pull request can be opened is known before anything is pushed.
    repository = reviewing_repository(target.table.forge, git.remote_url(root))
    requests = PullRequests(repository, os.environ)
    requests.check()
    pushed = _push_for_review(target, base, change)
    page = _request(requests, base, change)
    return replace(
        result, status=DeployStatus.REQUESTED, branch=change.head, commit=pushed, pull_request=page
    )


def _push_for_review(target: Deployment, base: _Base, change: _TagChange) -> str | None:
    """Push the change on a separate branch; return its commit, None if it was pushed before."""
    root, remote, path = base.manifests.root, target.table.remote, base.manifests.path
    tip = git_branches.fetch_branch(root, remote, change.head)
    if tip is not None:
        common = git_branches.merge_base(root, tip, base.commit)
        unmoved = bool(common) and git_branches.text_of(root, common, path) == base.text
        if unmoved and git_branches.text_of(root, tip, path) == change.edit.after:
            return None
        if git_branches.subject(root, tip) != change.message[0]:
            raise FlowlockError(
                f"{remote} has a branch {change.head} with other changes",
                code="FL953",
                hint="delete or rename that branch, then run the same command again",
                kept="the branch, unchanged",
            )
    commit = git_branches.commit_text(root, base.commit, path, change.edit.after, change.message)
    git_branches.push(root, remote, commit, change.head, instead_of=tip or "")
    return commit


def _request(requests: PullRequests, base: _Base, change: _TagChange) -> str:
    opened = requests.find(change.head, base.branch)
    if opened is not None:
        return opened
    title, *body = change.message
    return requests.open(PullRequest(head=change.head, base=base.branch, title=title, body="\n\n".join(body)))
