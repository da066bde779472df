"""`flowlock doctor --forge`: what protects the main branch, at stand-ins for GitHub and Gitea."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from flowlock.commands.doctor import Finding
from flowlock.commands.doctor_forge import examine_with_forge
from flowlock.commands.init import init
from servers.gitea import Gitea
from servers.loopback import Request, Response, answering, as_json
from servers.venues import GITEA_TOKEN, GITHUB_TOKEN, QUICK

NAMES = ("review", "direct pushes", "code owners", "outdated approvals", "status checks")
STRICT = {
    "rule_name": "main",
    "required_approvals": 1,
    "enable_push": False,
    "enable_status_check": True,
    "block_on_official_review_requests": True,
    "dismiss_stale_approvals": True,
}


def workspace_with(folder: Path, target: str) -> Path:
    init(folder / "birds")
    settings = folder / "birds/flowlock.toml"
    settings.write_text(settings.read_text().replace("[targets]\n", f'[targets]\nforge = "{target}"\n'))
    return folder / "birds"


def examined(folder: Path, environ: Mapping[str, str]) -> tuple[bool, dict[str, Finding]]:
    """Return whether the doctor is content, and its findings about the forge."""
    diagnosis = examine_with_forge(folder, environ=environ, retry_policy=QUICK)
    findings = {finding.name: finding for finding in diagnosis.findings}
    return diagnosis.ok, {name: findings[name] for name in ("forge", *NAMES) if name in findings}


def at_gitea(state: Gitea, folder: Path) -> tuple[bool, dict[str, Finding]]:
    with answering(state.answer) as url:
        root = workspace_with(folder, f"gitea:{url}/octo/flow")
        return examined(root, {"GITEA_TOKEN": GITEA_TOKEN})


def test_a_branch_of_gitea_that_is_protected_is_good(tmp_path: Path) -> None:
    patterns = [{**STRICT, "rule_name": "release/*", "required_approvals": 0}, {**STRICT, "rule_name": "ma*"}]
    good, findings = at_gitea(Gitea(token=GITEA_TOKEN, protections=patterns), tmp_path)
    assert good
    assert all(finding.good for finding in findings.values())
    assert "branch main" in findings["forge"].found


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"required_approvals": 0}, "review"),
        ({"enable_push": True}, "direct pushes"),
        ({"block_on_official_review_requests": False}, "code owners"),
        ({"dismiss_stale_approvals": False}, "outdated approvals"),
        ({"enable_status_check": False}, "status checks"),
    ],
)
def test_each_rule_that_gitea_lacks_is_named(change: dict[str, Any], name: str, tmp_path: Path) -> None:
    good, findings = at_gitea(Gitea(token=GITEA_TOKEN, protections=[{**STRICT, **change}]), tmp_path)
    assert [finding.name for finding in findings.values() if not finding.good] == [name]
    assert "Branch protection" in (findings[name].remedy or "")
    # Without a review, or around it, the rest does not help.
    assert good == (name not in {"review", "direct pushes"})


def test_a_branch_without_protection_fails(tmp_path: Path) -> None:
    good, findings = at_gitea(Gitea(token=GITEA_TOKEN), tmp_path)
    assert not good
    assert not [name for name in NAMES if findings[name].good]


def test_a_token_of_gitea_without_administration_shows_only_what_the_branch_says(tmp_path: Path) -> None:
    state = Gitea(token=GITEA_TOKEN, protections=[STRICT], is_admin=False)
    good, findings = at_gitea(state, tmp_path)
    assert good
    assert findings["review"].good
    assert findings["status checks"].good
    for name in ("direct pushes", "code owners", "outdated approvals"):
        assert "cannot be checked" in findings[name].found
        assert "administers" in (findings[name].remedy or "")


RULES = [
    {"type": "deletion"},
    {"type": "required_status_checks", "parameters": {"strict_required_status_checks_policy": True}},
    {
        "type": "pull_request",
        "parameters": {
            "required_approving_review_count": 1,
            "require_code_owner_review": True,
            "dismiss_stale_reviews_on_push": True,
        },
    },
]
CLASSIC = {
    "required_pull_request_reviews": {
        "required_approving_review_count": 2,
        "require_code_owner_reviews": True,
        "dismiss_stale_reviews": True,
    },
    "required_status_checks": {"strict": True, "contexts": ["CI"]},
    "enforce_admins": {"enabled": True},
}
HIDDEN = as_json(404, {"message": "Not Found"})
UNPROTECTED = as_json(404, {"message": "Branch not protected"})


def at_github(
    rules: list[dict[str, Any]], protection: Response, folder: Path
) -> tuple[bool, dict[str, Finding]]:
    answers = {
        "/repos/octo/flow": as_json(200, {"default_branch": "main"}),
        "/repos/octo/flow/rules/branches/main": as_json(200, rules),
        "/repos/octo/flow/branches/main/protection": protection,
    }

    def answer(request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {GITHUB_TOKEN}":
            return as_json(401, {"message": "Bad credentials"})
        return answers[request.path]

    with answering(answer) as url:
        root = workspace_with(folder, "github:octo/flow")
        return examined(root, {"GITHUB_TOKEN": GITHUB_TOKEN, "GITHUB_API_URL": url})


@pytest.mark.parametrize(
    ("rules", "protection"),
    [(RULES, HIDDEN), (RULES, UNPROTECTED), ([], as_json(200, CLASSIC)), (RULES, as_json(200, {}))],
    ids=["rules", "only rules", "older protection", "both"],
)
def test_a_branch_of_github_is_protected_by_rules_or_by_the_older_protection(
    rules: list[dict[str, Any]], protection: Response, tmp_path: Path
) -> None:
    good, findings = at_github(rules, protection, tmp_path)
    assert good
    assert all(finding.good for finding in findings.values()), findings


def test_administrators_who_may_push_past_the_older_protection_are_said(tmp_path: Path) -> None:
    lax = {**CLASSIC, "enforce_admins": {"enabled": False}}
    good, findings = at_github([], as_json(200, lax), tmp_path)
    assert not good
    assert [name for name in NAMES if not findings[name].good] == ["direct pushes"]


def test_what_github_hides_is_not_taken_for_absent(tmp_path: Path) -> None:
    good, findings = at_github([], HIDDEN, tmp_path)
    assert good
    assert all("cannot be checked" in findings[name].found for name in NAMES)
    good, findings = at_github([], UNPROTECTED, tmp_path / "unprotected")
    assert not good
    assert findings["review"].found.startswith("0 ")


def test_without_a_token_or_a_forge_the_doctor_says_so(tmp_path: Path) -> None:
    good, findings = examined(workspace_with(tmp_path, "github:octo/flow"), {})
    assert good
    assert "no credential" in findings["forge"].found
    subprocess.run(["git", "init", "-q", tmp_path / "plain"], check=True)
    _, findings = examined(tmp_path / "plain", {})
    assert "names a repository" in findings["forge"].found


def test_without_a_target_the_forge_is_that_of_the_remote(tmp_path: Path) -> None:
    with answering(Gitea(token=GITEA_TOKEN).answer) as url:
        subprocess.run(["git", "init", "-q", tmp_path], check=True)
        subprocess.run(["git", "remote", "add", "origin", f"{url}/octo/flow.git"], cwd=tmp_path, check=True)
        _, findings = examined(tmp_path, {"GITEA_TOKEN": GITEA_TOKEN})
    assert findings["forge"].found == f"gitea:{url}/octo/flow, branch main"
