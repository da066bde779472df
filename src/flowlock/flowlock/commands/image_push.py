"""`flowlock image push`: build the image of a workflow, and push it under the tag of its commit."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from flowlock.commands import image as images
from flowlock.commands.session import Session
from flowlock.edges import git, memo
from flowlock.edges.registry import ImageName, ImageRepository
from flowlock.edges.registry_login import login
from flowlock.errors import UsageError
from flowlock.image import push, tags
from flowlock.image.push import PushOutcome, PushStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class PushResult:
    """An image at a registry: what became of it, and what its tag stands for there."""

    workflow: str
    address: ImageName
    digest: str
    outcome: PushOutcome

    @property
    def ok(self) -> bool:
        """Whether the tag stands for the image."""
        return self.outcome.status is not PushStatus.CONFLICT

    def as_json(self) -> Mapping[str, Any]:
        """Return {"name", "image", "digest", "status", "served", "sent", "sent_bytes", "mounted"}."""
        return {
            "name": self.workflow,
            "image": str(self.address),
            "digest": self.digest,
            "status": str(self.outcome.status),
            "served": self.outcome.digest,
            "sent": self.outcome.sent,
            "sent_bytes": self.outcome.sent_bytes,
            "mounted": self.outcome.mounted,
        }

    def as_text(self) -> str:
        """Return a line with the address by digest, which names these bytes whatever happens to the tag."""
        by_digest = replace(self.address, digest=self.digest)
        if self.ok:
            sent = f"{self.outcome.sent} blobs sent, {self.outcome.sent_bytes / 1e6:.1f} MB"
            return f"{self.outcome.status} {by_digest} ({sent}, {self.outcome.mounted} mounted)"
        return (
            f"{self.outcome.status} {self.address}: the registry has {self.outcome.digest} under this tag, "
            f"not {self.digest}; tags are not moved: release a new version"
        )


def push_image(
    session: Session, name: str | None, options: images.ImageOptions, *, to: str, tag: str | None
) -> PushResult:
    """Build the image of a workflow unless it is current, and push it; see `push.push`."""
    chosen = _address(to, tag)
    root = session.workspace.root
    commit = git.clean_commit(root)
    version = session.workspace.version
    release = version if commit and git.tag_commit(root, f"v{version}") == commit else ""
    address = replace(chosen, tag=tags.tag_of(commit, release, tag or chosen.tag or None))
    repository = ImageRepository(
        address, login(address.host, os.environ, variables=True), offline=session.offline
    )
    repository.check()
    (built,) = images.build_images(session, [_workflow(session, name)], options).images
    layout = built.image.layout
    with session.exclusive(), session.progress.stage("push") as stage:
        file = session.workspace.state.pushed_blobs
        pushed = memo.read(file, dict[str, dict[str, str]]) or {}
        known = pushed.setdefault(address.host, {})
        try:
            outcome = push.push(layout, repository, address.tag, known=known, progress=session.progress)
        finally:
            memo.write(file, pushed)
        stage.status, stage.detail = str(outcome.status), str(address)
    return PushResult(workflow=built.workflow, address=address, digest=layout.image.digest, outcome=outcome)


def _address(to: str, tag: str | None) -> ImageName:
    name = ImageName.parse(to)
    if name.digest or (name.tag and tag and name.tag != tag):
        raise UsageError(f"`{to}` names another image than --tag", code="FL002", hint="leave the tag out")
    return name


def _workflow(session: Session, name: str | None) -> str:
    """Return the workflow or location to push: the named one, or the only one."""
    names = [generated.name for generated in session.workspace.generated]
    if name is not None:
        return session.workspace.generated_named(name).name
    if len(names) == 1:
        return names[0]
    raise UsageError(
        "the workspace has several images, and a repository has those of one workflow or location",
        code="FL002",
        hint=f"name one of them: {', '.join(names)}",
    )
