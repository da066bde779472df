"""A deployment: its options, what they leave to flowlock.toml, and where its manifest is committed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flowlock.deploy.image_places import read_manifest, select
from flowlock.documents.deploy_table import DeployTable
from flowlock.edges import files, git, git_branches
from flowlock.errors import FlowlockError, nearest
from flowlock.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class DeployOptions:
    """What the command line says of a deployment; what it leaves out, flowlock.toml has."""

    name: str | None = None
    image: str | None = None
    file: Path | None = None
    key: str | None = None
    branch: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """A deployment with everything filled in; `file` is absolute, `branch` may be empty."""

    name: str
    table: DeployTable
    image: str
    file: Path
    key: str
    branch: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CommittedManifest:
    """The repository that a deployment's file is in, and the file's path there."""

    root: Path
    path: str


def deployment(workspace: Workspace, options: DeployOptions) -> Deployment:
    """Return the deployment of a name, or the only one; a FlowlockError says what is not known of it."""
    name, table = declared(workspace, options.name)
    image = options.image or table.image
    file = options.file
    if file is None and table.file:
        file = workspace.root / table.file
    if file is None or not image:
        raise FlowlockError(
            f"the deployment {name} has no {'file' if image else 'image'}",
            code="FL952",
            hint=f"set `image` and `file` under [deploy.{name}] in flowlock.toml, or --image and --values",
        )
    return Deployment(
        name=name,
        table=table,
        image=image,
        file=file.absolute(),
        key=table.key if options.key is None else options.key,
        branch=options.branch or table.branch,
    )


def declared(workspace: Workspace, name: str | None) -> tuple[str, DeployTable]:
    """Return the name of a deployment and what flowlock.toml says of it, which may be nothing."""
    known = name or _only(workspace)
    table = workspace.deployments.get(known)
    if table is None:
        _require_known(workspace, known)
        table = DeployTable()
    return known, table


def names(workspace: Workspace) -> Sequence[str]:
    """Return what can be deployed: what flowlock.toml names, the location, and the workflows."""
    known = [*workspace.deployments]
    if workspace.location is not None:
        known.append(workspace.location.name)
    known += [workflow.name for workflow in workspace.workflow_list]
    return list(dict.fromkeys(known))


def manifests(deployment: Deployment) -> CommittedManifest:
    """Return where the file of a deployment is; one that is not committed as it is, is refused."""
    if not deployment.file.is_file():
        raise FlowlockError(
            f"{deployment.file} does not exist",
            code="FL945",
            hint=f"correct --values, or `file` under [deploy.{deployment.name}] in flowlock.toml",
        )
    resolved = deployment.file.resolve()
    root = git_branches.top_level(resolved.parent)
    path = resolved.relative_to(root.resolve()).as_posix()
    if path in git.dirty(root):
        raise FlowlockError(
            f"{path} has changes that are not committed",
            code="FL945",
            hint="commit them or take them back: flowlock deploys what is committed",
            kept="the file, unchanged",
        )
    return CommittedManifest(root=root, path=path)


def written_tag(deployment: Deployment) -> str:
    """Return the tag that the file has in the working tree."""
    text = files.read_text(deployment.file, deployment.file.name)
    place = select(read_manifest(text, deployment.file.name), image=deployment.image, key=deployment.key)
    return place.tag


def _only(workspace: Workspace) -> str:
    several = list(workspace.deployments)
    if len(several) == 1:
        return several[0]
    if not several and workspace.location is not None:
        return workspace.location.name
    listed = ", ".join(names(workspace)) or "none"
    raise FlowlockError(
        "several things can be deployed" if several else "flowlock.toml has no deployment",
        code="FL952",
        hint=f"name one: {listed}",
    )


def _require_known(workspace: Workspace, name: str) -> None:
    known = names(workspace)
    if name not in known:
        raise FlowlockError(
            f"`{name}` is neither the location nor a workflow, and has no table [deploy.{name}]",
            code="FL952",
            hint=nearest(name, known) or f"what can be deployed: {', '.join(known) or 'nothing'}",
        )
