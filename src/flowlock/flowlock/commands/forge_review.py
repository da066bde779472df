"""What a forge requires before anything reaches the main branch, by the APIs of GitHub and Gitea."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from flowlock.edges import address, secret
from flowlock.edges.credentials import Header
from flowlock.edges.http import Answer
from flowlock.edges.retry_policy import DEFAULT_RETRY_POLICY, RetryPolicy
from flowlock.release.targets.client import FORBIDDEN, NOT_FOUND, UNAUTHENTICATED, Client
from flowlock.release.targets.forge import ForgeClient, ForgeObject
from flowlock.release.targets.gitea_release import GITEA_TOKENS
from flowlock.release.targets.github import API_VERSION, GITHUB_TOKENS
from flowlock.release.targets.protocol import Context

REFUSED = (UNAUTHENTICATED, FORBIDDEN, NOT_FOUND)


@dataclass(frozen=True, kw_only=True, slots=True)
class Protection:
    """What is required of the main branch.

    `approvals` is how many, `pushes` whether a push without a pull request is possible. None is what the
    token does not show.
    """

    branch: str
    approvals: int | None = None
    owners: bool | None = None
    stale: bool | None = None
    pushes: bool | None = None
    checks: bool | None = None


class _Repository(ForgeObject):
    default_branch: str


class _Reviews(ForgeObject):
    required_approving_review_count: int = 0
    require_code_owner_reviews: bool = False
    dismiss_stale_reviews: bool = False


class _Enabled(ForgeObject):
    enabled: bool = False


class _ClassicProtection(ForgeObject):
    """GitHub's branch protection."""

    required_pull_request_reviews: _Reviews | None = None
    required_status_checks: dict[str, Any] | None = None
    enforce_admins: _Enabled = _Enabled()


class _RuleParameters(ForgeObject):
    required_approving_review_count: int = 0
    require_code_owner_review: bool = False
    dismiss_stale_reviews_on_push: bool = False


class _RulesetRule(ForgeObject):
    """A rule of GitHub's rulesets, as it applies to a branch; the parameters are those of reviews."""

    type: str
    parameters: _RuleParameters = _RuleParameters()


class _GiteaRule(ForgeObject):
    """Gitea's branch protection; its name may be a pattern."""

    rule_name: str = ""
    required_approvals: int = 0
    enable_push: bool = False
    enable_status_check: bool = False
    block_on_official_review_requests: bool = False
    dismiss_stale_approvals: bool = False


class _GiteaBranch(ForgeObject):
    """What Gitea says of a branch to all who can read it."""

    required_approvals: int = 0
    enable_status_check: bool = False


def protection_of(
    forge: str, environ: Mapping[str, str], *, retry_policy: RetryPolicy = DEFAULT_RETRY_POLICY
) -> Protection:
    """Return the protection of the main branch of `github:OWNER/REPO` or `gitea:https://HOST/OWNER/REPO`."""
    kind, _, place = forge.partition(":")
    context = Context(root=Path(), tag="", retry_policy=retry_policy, environ=environ)
    if kind == "github":
        server = (environ.get("GITHUB_API_URL") or "https://api.github.com").rstrip("/")
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": API_VERSION}
        credential = Header(secret=secret.require(GITHUB_TOKENS, server, forge, environ))
        url, size = f"{server}/repos/{place}", "per_page"
    else:
        server, owner, repository = place.rstrip("/").rsplit("/", 2)
        headers = {"Accept": "application/json"}
        credential = Header(scheme="token ", secret=secret.require(GITEA_TOKENS, server, forge, environ))
        url, size = f"{server}/api/v1/repos/{owner}/{repository}", "limit"
    address.require_no_user_info(url, forge)
    client = ForgeClient(Client(context, forge, credential), forge, headers, size=size, rows=50)
    read = _of_github if kind == "github" else _of_gitea
    branch = client.get(_Repository, url, "to show the repository", "a repository").default_branch
    return read(client, url, branch)


def _asked(client: ForgeClient, url: str, doing: str) -> Answer:
    """Return what is at a URL, or that the token does not show it."""
    answer = client.client.send("GET", url, headers=client.headers)
    return client.client.accept(answer, doing, also=REFUSED)


def _of_github(client: ForgeClient, url: str, branch: str) -> Protection:
    """Combine rulesets, which everyone can read who can read the repository, with the older protection.

    The latter is shown to administrators only; that there is none is another 404 than that it is not shown.
    """
    rules = client.get(
        list[_RulesetRule], f"{url}/rules/branches/{branch}", "to list rules", "a list of rules"
    )
    answer = _asked(client, f"{url}/branches/{branch}/protection", "to show the branch protection")
    older = _ClassicProtection()
    if answer.ok:
        older = client.read(_ClassicProtection, answer, "a branch protection")
    required = _stricter(_of_rules(branch, rules), _of_older(branch, older))
    is_shown = answer.ok or b"Branch not protected" in answer.body
    return required if is_shown else _certain(required)


def _of_rules(branch: str, rules: Sequence[_RulesetRule]) -> Protection:
    reviews = [rule.parameters for rule in rules if rule.type == "pull_request"]
    return Protection(
        branch=branch,
        approvals=max((review.required_approving_review_count for review in reviews), default=0),
        owners=any(review.require_code_owner_review for review in reviews),
        stale=any(review.dismiss_stale_reviews_on_push for review in reviews),
        pushes=not reviews,
        checks=any(rule.type == "required_status_checks" for rule in rules),
    )


def _of_older(branch: str, protection: _ClassicProtection) -> Protection:
    reviews = protection.required_pull_request_reviews
    counted = reviews or _Reviews()
    return Protection(
        branch=branch,
        approvals=counted.required_approving_review_count,
        owners=counted.require_code_owner_reviews,
        stale=counted.dismiss_stale_reviews,
        pushes=reviews is None or not protection.enforce_admins.enabled,
        checks=protection.required_status_checks is not None,
    )


def _stricter(one: Protection, other: Protection) -> Protection:
    """Return what both protections require together, as GitHub applies them."""
    return Protection(
        branch=one.branch,
        approvals=max(one.approvals or 0, other.approvals or 0),
        owners=one.owners or other.owners,
        stale=one.stale or other.stale,
        pushes=one.pushes and other.pushes,
        checks=one.checks or other.checks,
    )


def _certain(required: Protection) -> Protection:
    """Return what is required at least, where not everything is shown: what is absent may be hidden."""
    return Protection(
        branch=required.branch,
        approvals=required.approvals or None,
        owners=required.owners or None,
        stale=required.stale or None,
        pushes=None if required.pushes else False,
        checks=required.checks or None,
    )


def _of_gitea(client: ForgeClient, url: str, branch: str) -> Protection:
    """Read the rule of the branch, which is shown to administrators; else what the branch itself says."""
    answer = _asked(client, f"{url}/branch_protections", "to list branch protections")
    if not answer.ok:
        shown = client.get(_GiteaBranch, f"{url}/branches/{branch}", "to show the branch", "a branch")
        return Protection(branch=branch, approvals=shown.required_approvals, checks=shown.enable_status_check)
    rules = client.read(list[_GiteaRule], answer, "a list of branch protections")
    # The rules are in the order of their priority.
    for rule in rules:
        if fnmatchcase(branch, rule.rule_name):
            return Protection(
                branch=branch,
                approvals=rule.required_approvals,
                owners=rule.block_on_official_review_requests,
                stale=rule.dismiss_stale_approvals,
                pushes=rule.enable_push,
                checks=rule.enable_status_check,
            )
    return Protection(branch=branch, approvals=0, owners=False, stale=False, pushes=True, checks=False)
