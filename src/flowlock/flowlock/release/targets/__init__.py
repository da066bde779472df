"""Where packages are published: one module a kind of target, one line a kind below."""

from collections.abc import Callable, Mapping

from flowlock.errors import FlowlockError, nearest
from flowlock.names import TARGET_FORMS
from flowlock.release.targets.directory import Directory
from flowlock.release.targets.gitea import gitea
from flowlock.release.targets.github import github
from flowlock.release.targets.prefix import prefix
from flowlock.release.targets.protocol import Context, PublishTarget
from flowlock.release.targets.quetz import quetz
from flowlock.release.targets.registry import ContainerRegistry
from flowlock.release.targets.s3 import S3

KINDS: dict[str, Callable[[str, Context], PublishTarget]] = {
    "directory": Directory,
    "gitea": gitea,
    "github": github,
    "oci": ContainerRegistry,
    "prefix": prefix,
    "quetz": quetz,
    "s3": S3,
}


def make(text: str, named: Mapping[str, str], context: Context) -> PublishTarget:
    """Return the target that `kind:location` describes, or that flowlock.toml has under that name."""
    described = named.get(text, text)
    # In Actions, of GitHub and Gitea alike, the repository is the one that the job runs for.
    repository = context.environ.get("GITHUB_REPOSITORY", "")
    if described == "github":
        described = f"github:{repository}"
    elif described == "gitea":
        described = f"gitea:{context.environ.get('GITHUB_SERVER_URL', '')}/{repository}"
    kind, colon, location = described.partition(":")
    if kind not in KINDS or not colon:
        choices = [*named, *KINDS]
        raise FlowlockError(
            f"`{text}` is not a target",
            code="FL801",
            hint=nearest(kind, choices)
            or f"write one of {', '.join(TARGET_FORMS.values())}, or a name of [targets] in flowlock.toml",
        )
    return KINDS[kind](location, context)
