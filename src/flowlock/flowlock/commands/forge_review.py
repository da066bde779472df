"""What a forge requires before anything reaches the main branch, by the APIs of GitHub and Gitea."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from flowlock.edges.forge import Forge, ForgeRepository
from flowlock.edges.forge_client import ForgeClient, ForgeObject, connect
from flowlock.edges.http_client import SHUT, HttpClient
from flowlock.edges.retry_policy import DEFAULT_RETRY_POLICY, RetryPolicy
from flowlock.release.targets.client import REFUSALS


@dataclass(frozen=True, kw_only=True, slots=True)
class Protection:
    """What is required of the main branch.

    `approvals` is how many, `refuses_pushes` whether a push needs a pull request. None is what the token
    does not show.
    """

    branch: str
    approvals: int | None = None
    owners: bool | None = None
    stale: bool | None = None
    refuses_pushes: bool | None = None
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
    repository: ForgeRepository,
    environ: Mapping[str, str],
    *,
    retry_policy: RetryPolicy = DEFAULT_RETRY_POLICY,
) -> Protection:
    """Return the protection of a repository's main branch."""
    forge = connect(repository, environ, refusals=REFUSALS, retry_policy=retry_policy)
    branch = forge.get(_Repository, forge.url, "to show the repository", "a repository").default_branch
    return _of_github(forge, branch) if repository.forge is Forge.GITHUB else _of_gitea(forge, branch)


def _of_github(forge: ForgeClient[HttpClient], branch: str) -> Protection:
    """Combine rulesets, which everyone can read who can read the repository, with the older protection.

    The latter is shown to administrators only; that there is none is another 404 than that it is not shown.
    """
    url = f"{forge.url}/rules/branches/{branch}"
    rules = forge.get(list[_RulesetRule], url, "to list rules", "a list of rules")
    url = f"{forge.url}/branches/{branch}/protection"
    answer = forge.answer(url, "to show the branch protection", also=SHUT)
    older = _ClassicProtection()
    if answer.ok:
        older = forge.client.read(_ClassicProtection, answer, "a branch protection")
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
        refuses_pushes=bool(reviews),
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
        refuses_pushes=reviews is not None and protection.enforce_admins.enabled,
        checks=protection.required_status_checks is not None,
    )


def _stricter(one: Protection, other: Protection) -> Protection:
    """Return what both protections require together, as GitHub applies them."""
    return Protection(
        branch=one.branch,
        approvals=max(one.approvals or 0, other.approvals or 0),
        owners=one.owners or other.owners,
        stale=one.stale or other.stale,
        refuses_pushes=one.refuses_pushes or other.refuses_pushes,
        checks=one.checks or other.checks,
    )


def _certain(required: Protection) -> Protection:
    """Return what is required at least, where not everything is shown: what is absent may be hidden."""
    return Protection(
        branch=required.branch,
        approvals=required.approvals or None,
        owners=required.owners or None,
        stale=required.stale or None,
        refuses_pushes=required.refuses_pushes or None,
        checks=required.checks or None,
    )


def _of_gitea(forge: ForgeClient[HttpClient], branch: str) -> Protection:
    """Read the rule of the branch, which is shown to administrators; else what the branch itself says."""
    url = f"{forge.url}/branch_protections"
    answer = forge.answer(url, "to list branch protections", also=SHUT)
    if not answer.ok:
        url = f"{forge.url}/branches/{branch}"
        shown = forge.get(_GiteaBranch, url, "to show the branch", "a branch")
        return Protection(branch=branch, approvals=shown.required_approvals, checks=shown.enable_status_check)
    rules = forge.client.read(list[_GiteaRule], answer, "a list of branch protections")
    # The rules are in the order of their priority.
    for rule in rules:
        if fnmatchcase(branch, rule.rule_name):
            return Protection(
                branch=branch,
                approvals=rule.required_approvals,
                owners=rule.block_on_official_review_requests,
                stale=rule.dismiss_stale_approvals,
                refuses_pushes=not rule.enable_push,
                checks=rule.enable_status_check,
            )
    return Protection(
        branch=branch, approvals=0, owners=False, stale=False, refuses_pushes=False, checks=False
    )
