"""`flowlock doctor --forge`: whether one person other than the author has to approve what reaches main."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from flowlock import workspace
from flowlock.commands.doctor import Diagnosis, Finding, examine
from flowlock.commands.forge_review import Protection, protection_of
from flowlock.edges import git
from flowlock.edges.forge import Forge, ForgeRepository
from flowlock.edges.retry_policy import DEFAULT_RETRY_POLICY, RetryPolicy
from flowlock.errors import FlowlockError

_UNREAD = "cannot be checked with this token"
_REMEDIES = {
    Forge.GITHUB: "use a token with `administration: read` on the repository",
    Forge.GITEA: "use a token with `read:repository` of a user who administers the repository",
}
_SETTINGS = {
    Forge.GITHUB: "Settings → Rules → Rulesets",
    Forge.GITEA: "Settings → Branches → Branch protection",
}


def examine_with_forge(
    folder: Path,
    *,
    environ: Mapping[str, str] | None = None,
    retry_policy: RetryPolicy = DEFAULT_RETRY_POLICY,
) -> Diagnosis:
    """Look at the machine, and at the protection of the main branch at the workspace's forge."""
    variables = os.environ if environ is None else environ
    findings = _examine_forge(folder, variables, retry_policy)
    return Diagnosis(findings=(*examine(folder).findings, *findings))


def _examine_forge(folder: Path, environ: Mapping[str, str], retry_policy: RetryPolicy) -> list[Finding]:
    repository = _repository_of(folder)
    if repository is None:
        return [
            Finding(
                name="forge",
                found="cannot be checked: neither [targets] nor a remote of git names a repository",
                good=False,
                needed=False,
                remedy='add `forge = "gitea:https://HOST/OWNER/REPO"` (or github:OWNER/REPO) to [targets]',
            )
        ]
    try:
        protection = protection_of(repository, environ, retry_policy=retry_policy)
    except FlowlockError as error:
        problem = error.problems[0]
        found = f"cannot be checked: {problem.message}"
        return [Finding(name="forge", found=found, good=False, needed=False, remedy=problem.hint)]
    first = Finding(name="forge", found=f"{repository}, branch {protection.branch}", good=True)
    remedy, settings = _REMEDIES[repository.forge], _SETTINGS[repository.forge]
    return [first, *_review_findings(protection, unread=remedy, settings=settings)]


def _repository_of(folder: Path) -> ForgeRepository | None:
    """Return the repository that a publish target names, else the one of the first remote."""
    try:
        targets = dict(workspace.load(workspace.find(folder)).targets)
    except FlowlockError:
        targets = {}
    for target in targets.values():
        repository = ForgeRepository.parse(target)
        if repository is not None:
            return repository
    return ForgeRepository.of_remote(git.remote_url(folder))


class _ReviewRule(NamedTuple):
    """A rule that should be on: the name of its finding, what on and off mean, and how to turn it on."""

    name: str
    on: str
    off: str
    remedy: str
    needed: bool = False


_REFUSED = _ReviewRule(
    "direct pushes", "refused", "possible without a pull request", "refuse them, for administrators too", True
)
_OWNERS = _ReviewRule(
    "code owners",
    "have to approve",
    "do not have to approve",
    "require the review of those whom CODEOWNERS names",
)
_STALE = _ReviewRule(
    "outdated approvals",
    "are dismissed by new commits",
    "stay after new commits",
    "dismiss approvals when commits are added",
)
_CHECKS = _ReviewRule(
    "status checks", "have to pass", "do not have to pass", "require the checks of ci.yml and examples.yml"
)


def _review_findings(protection: Protection, *, unread: str, settings: str) -> Iterator[Finding]:
    """Yield a finding for each rule; without an approval, or with direct pushes, nobody has to review."""
    approvals = protection.approvals
    if approvals is None:
        yield Finding(name="review", found=_UNREAD, good=False, needed=False, remedy=unread)
    else:
        yield Finding(
            name="review",
            found=f"{approvals} approval(s) before a merge",
            good=approvals > 0,
            remedy=f"require one approval ({settings})",
        )
    for rule, value in (
        (_REFUSED, protection.refuses_pushes),
        (_OWNERS, protection.owners),
        (_STALE, protection.stale),
        (_CHECKS, protection.checks),
    ):
        yield _finding(rule, value=value, unread=unread, settings=settings)


def _finding(rule: _ReviewRule, *, value: bool | None, unread: str, settings: str) -> Finding:
    if value is None:
        return Finding(name=rule.name, found=_UNREAD, good=False, needed=False, remedy=unread)
    return Finding(
        name=rule.name,
        found=rule.on if value else rule.off,
        good=value,
        needed=rule.needed,
        remedy=f"{rule.remedy} ({settings})",
    )
