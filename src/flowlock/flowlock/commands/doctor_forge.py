"""`flowlock doctor --forge`: whether one person other than the author has to approve what reaches main."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from flowlock import workspace
from flowlock.commands.doctor import Diagnosis, Finding, examine
from flowlock.commands.forge_review import Protection, protection_of
from flowlock.edges import git
from flowlock.edges.retry_policy import DEFAULT_RETRY_POLICY, RetryPolicy
from flowlock.errors import FlowlockError

_NAMED = re.compile(r"github:[\w.-]+/[\w.-]+|gitea:https?://(?:(?!/api/packages/).)+/[\w.-]+/[\w.-]+/?")
_REMOTE = re.compile(
    r"(?:(?P<scheme>https?)://(?:[^@/]+@)?|ssh://(?:[^@/]+@)?|[\w.-]+@)(?P<host>[\w.-]+(?::\d+(?=/))?)[:/]"
    r"(?P<repository>[\w.-]+/[\w.-]+?)(?:\.git)?/?"
)
_UNREAD = "cannot be checked with this token"
_REMEDIES = {
    "github": "use a token with `administration: read` on the repository",
    "gitea": "use a token with `read:repository` of a user who administers the repository",
}
_SETTINGS = {
    "github": "Settings → Rules → Rulesets",
    "gitea": "Settings → Branches → Branch protection",
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
    forge = forge_of(folder)
    if forge is None:
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
        protection = protection_of(forge, environ, retry_policy=retry_policy)
    except FlowlockError as error:
        problem = error.problems[0]
        found = f"cannot be checked: {problem.message}"
        return [Finding(name="forge", found=found, good=False, needed=False, remedy=problem.hint)]
    kind = forge.partition(":")[0]
    first = Finding(name="forge", found=f"{forge}, branch {protection.branch}", good=True)
    return [first, *review_findings(protection, unread=_REMEDIES[kind], settings=_SETTINGS[kind])]


def forge_of(folder: Path) -> str | None:
    """Return the repository that a publish target names, else the one of the first remote."""
    try:
        targets = dict(workspace.load(workspace.find(folder)).targets)
    except FlowlockError:
        targets = {}
    for target in targets.values():
        if _NAMED.fullmatch(target):
            return target
    match = _REMOTE.fullmatch(git.remote_url(folder))
    if match is None:
        return None
    if match["host"] == "github.com":
        return f"github:{match['repository']}"
    return f"gitea:{match['scheme'] or 'https'}://{match['host']}/{match['repository']}"


@dataclass(frozen=True, kw_only=True, slots=True)
class _ReviewRule:
    """A rule that is on or off: the name of its finding, and what both mean."""

    name: str
    on: str
    off: str
    good: bool
    needed: bool
    remedy: str


_PUSHES = _ReviewRule(
    name="direct pushes",
    on="possible without a pull request",
    off="refused",
    good=False,
    needed=True,
    remedy="refuse them, for administrators too",
)
_OWNERS = _ReviewRule(
    name="code owners",
    on="have to approve",
    off="do not have to approve",
    good=True,
    needed=False,
    remedy="require the review of those whom CODEOWNERS names",
)
_STALE = _ReviewRule(
    name="outdated approvals",
    on="are dismissed by new commits",
    off="stay after new commits",
    good=True,
    needed=False,
    remedy="dismiss approvals when commits are added",
)
_CHECKS = _ReviewRule(
    name="status checks",
    on="have to pass",
    off="do not have to pass",
    good=True,
    needed=False,
    remedy="require the checks of ci.yml and examples.yml",
)


def review_findings(protection: Protection, *, unread: str, settings: str) -> Iterator[Finding]:
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
        (_PUSHES, protection.pushes),
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
        good=value is rule.good,
        needed=rule.needed,
        remedy=f"{rule.remedy} ({settings})",
    )
