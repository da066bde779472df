"""`flowlock deploy` with a real repository and remote: one line, one commit, one pull request."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from deployments import VALUES, DeployedWorkspace, deployed_workspace
from servers.gitea_pulls import GiteaPulls
from servers.github_pulls import PullRequestServer
from servers.loopback import answering

PLANTED = "planted-forge-token-7c41e9"


@dataclass(frozen=True, kw_only=True)
class Reviewed:
    """A workspace whose forge answers."""

    workspace: DeployedWorkspace
    forge: PullRequestServer


@pytest.fixture(params=["github", "gitea"])
def reviewed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Reviewed]:
    kinds = {"github": PullRequestServer, "gitea": GiteaPulls}
    forge = kinds[request.param](token=PLANTED, repository=tmp_path / "remote é.git")
    with ExitStack() as stack:
        url = stack.enter_context(answering(forge.answer))
        name = "github:octo/flow" if request.param == "github" else f"gitea:{url}/octo/flow"
        environ = {"GITHUB_API_URL": url, "GITHUB_TOKEN": PLANTED, "GITEA_TOKEN": PLANTED}
        yield Reviewed(workspace=deployed_workspace(tmp_path, environ, forge=name), forge=forge)


@pytest.fixture
def alone(tmp_path: Path) -> DeployedWorkspace:
    return deployed_workspace(tmp_path, {"GITHUB_TOKEN": "", "GH_TOKEN": ""})


def with_tag(tag: str) -> bytes:
    return VALUES.replace("1.0.0", tag).encode()


def test_a_tag_is_one_line_on_a_branch_with_a_pull_request(reviewed: Reviewed) -> None:
    workspace = reviewed.workspace
    before = workspace.state()
    done = workspace.flowlock("--json", "deploy", "services", "--tag", "1234567")
    assert done.code == 0, done.err
    document = done.document
    assert (document["status"], document["previous"], document["line"]) == ("requested", "1.0.0", 8)
    assert document["pull_request"] == "https://forge.test/octo/flow/pulls/1"
    assert workspace.deployed("deploy/services-1234567") == with_tag("1234567")
    assert workspace.deployed() == VALUES.encode()
    numbers = workspace.git(
        "diff", "--numstat", "main", "deploy/services-1234567", cwd=workspace.remote
    ).split()
    assert numbers == ["1", "1", "deploy/values.yaml"]
    # Neither the files nor the branch of the user have moved.
    assert workspace.state() == before
    (pull,) = reviewed.forge.pulls
    assert pull["title"] == "Deploy services 1234567"
    assert "ghcr.io/octo/services:1234567" in pull["body"]


def test_a_second_call_makes_no_commit_and_finds_the_pull_request(reviewed: Reviewed) -> None:
    workspace = reviewed.workspace
    assert workspace.flowlock("deploy", "services", "--tag", "1.1.0").code == 0
    before = workspace.branches()
    again = workspace.flowlock("--json", "deploy", "--tag", "1.1.0")
    assert (again.code, again.document["status"], again.document["commit"]) == (0, "requested", None)
    assert workspace.branches() == before
    assert len(reviewed.forge.pulls) == 1
    workspace.git("update-ref", "refs/heads/main", "deploy/services-1.1.0", cwd=workspace.remote)
    merged = workspace.flowlock("--json", "deploy", "--tag", "1.1.0")
    assert merged.document["status"] == "current"
    assert len(reviewed.forge.pulls) == 1


def test_a_pull_request_that_was_opened_after_all_is_found(reviewed: Reviewed) -> None:
    reviewed.forge.late_faults.append(502)
    done = reviewed.workspace.flowlock("--json", "deploy", "services", "--tag", "1.1.0")
    assert done.code == 0, done.err
    assert done.document["pull_request"].endswith("/pulls/1")
    assert len(reviewed.forge.pulls) == 1


def test_a_pull_request_that_somebody_else_has_opened_is_found(reviewed: Reviewed) -> None:
    assert reviewed.workspace.flowlock("deploy", "services", "--tag", "1.1.0").code == 0
    reviewed.forge.hidden = 1
    done = reviewed.workspace.flowlock("--json", "deploy", "services", "--tag", "1.1.0")
    assert done.code == 0, done.err
    assert done.document["pull_request"].endswith("/pulls/1")


def test_one_among_many_pull_requests_is_found(reviewed: Reviewed) -> None:
    for number in range(5):
        assert reviewed.workspace.flowlock("deploy", "services", "--tag", f"1.{number}.1").code == 0
    done = reviewed.workspace.flowlock("--json", "deploy", "services", "--tag", "1.3.1")
    assert done.document["pull_request"].endswith("/pulls/4")


@pytest.mark.parametrize("status", [401, 403, 404, 499])
def test_a_forge_that_refuses_is_asked_before_anything_is_pushed(reviewed: Reviewed, status: int) -> None:
    before = reviewed.workspace.branches()
    reviewed.forge.faults.append(status)
    done = reviewed.workspace.flowlock("deploy", "services", "--tag", "1.1.0")
    assert done.code == 1
    assert "FL948" in done.err
    assert str(status) in done.err
    assert reviewed.workspace.branches() == before


def test_the_branch_of_a_deployment_that_was_merged_once_is_made_again(reviewed: Reviewed) -> None:
    workspace = reviewed.workspace
    for tag in ("1.1.0", "1.2.0"):
        assert workspace.flowlock("deploy", "services", "--tag", tag).code == 0
        workspace.git("update-ref", "refs/heads/main", f"deploy/services-{tag}", cwd=workspace.remote)
        reviewed.forge.pulls[-1]["state"] = "closed"
    done = workspace.flowlock("--json", "deploy", "services", "--tag", "1.1.0")
    assert done.code == 0, done.err
    assert done.document["commit"]
    assert len(reviewed.forge.pulls) == 3
    assert workspace.deployed("deploy/services-1.1.0") == with_tag("1.1.0")
    diff = workspace.git("diff", "--numstat", "main", "deploy/services-1.1.0", cwd=workspace.remote)
    assert diff.split()[:2] == ["1", "1"]


def test_a_branch_of_others_is_not_touched(reviewed: Reviewed) -> None:
    workspace = reviewed.workspace
    (workspace.root / "other").write_text("x")
    workspace.git("switch", "-qc", "deploy/services-1.1.0")
    workspace.git("add", "-A")
    workspace.git("commit", "-qm", "Something else")
    workspace.git("push", "-q", "origin", "deploy/services-1.1.0")
    before = workspace.branches()
    done = workspace.flowlock("deploy", "services", "--tag", "1.1.0")
    assert done.code == 1
    assert "FL953" in done.err
    assert workspace.branches() == before


def test_planted_credentials_are_found_nowhere(reviewed: Reviewed) -> None:
    workspace = reviewed.workspace
    reviewed.forge.faults += [403]
    outputs = [
        workspace.flowlock("-v", "deploy", "services", "--tag", "1.1.0"),
        workspace.flowlock("--json", "-v", "deploy", "services", "--tag", "1.1.0"),
        workspace.flowlock("deploy", "rollback", "services"),
    ]
    # The server quotes what it was sent.
    outputs.append(
        workspace.flowlock("deploy", "services", "--tag", "1.2.0", GITHUB_TOKEN=f"{PLANTED}-wrong")
    )
    outputs.append(workspace.flowlock("deploy", "services", "--tag", "1.3.0", GITEA_TOKEN=f"{PLANTED}-wrong"))
    assert [outcome.code for outcome in outputs[:2]] == [1, 0]
    assert 1 in {outcome.code for outcome in outputs[3:]}
    assert not [outcome for outcome in outputs if PLANTED in outcome.out + outcome.err]
    assert PLANTED not in str(reviewed.forge.pulls)
    objects = subprocess.run(
        ["git", "cat-file", "--batch-all-objects", "--batch"],
        cwd=workspace.remote,
        check=True,
        capture_output=True,
    ).stdout
    assert b"Deploy services 1.1.0" in objects
    assert PLANTED.encode() not in objects
    kept = [path for path in workspace.root.rglob("*") if path.is_file()]
    assert not [path for path in kept if PLANTED.encode() in path.read_bytes()]


def test_a_direct_commit_is_on_the_branch_that_is_deployed(alone: DeployedWorkspace) -> None:
    before = alone.state()
    done = alone.flowlock("--json", "deploy", "services", "--tag", "1e10", "--direct")
    assert (done.code, done.document["status"]) == (0, "committed"), done.err
    assert alone.deployed() == with_tag("1e10")
    assert alone.branches() == {"main": done.document["commit"]}
    assert alone.state() == before
    again = alone.flowlock("--json", "deploy", "services", "--tag", "1e10", "--direct")
    assert again.document["status"] == "current"
    assert alone.branches() == {"main": done.document["commit"]}


def test_a_commit_that_another_has_pushed_meanwhile_stays(alone: DeployedWorkspace, tmp_path: Path) -> None:
    other = tmp_path / "other"
    alone.git("clone", "-q", str(alone.remote), str(other))
    (other / "README.md").write_text("theirs")
    alone.git("add", "-A", cwd=other)
    alone.git("commit", "-qm", "Theirs", cwd=other)
    alone.git("push", "-q", "origin", "main", cwd=other)
    assert alone.flowlock("deploy", "services", "--tag", "1.1.0", "--direct").code == 0
    assert alone.git("log", "--format=%s", "main", cwd=alone.remote).splitlines() == [
        "Deploy services 1.1.0",
        "Theirs",
        "All",
    ]


@pytest.mark.parametrize("direct", [True, False])
def test_a_dry_run_prints_the_diff_and_changes_nothing(alone: DeployedWorkspace, *, direct: bool) -> None:
    before, branches = alone.state(), alone.branches()
    more = ("--direct",) if direct else ()
    done = alone.flowlock("deploy", "services", "--tag", "1.1.0", "--dry-run", *more)
    assert done.code == 0, done.err
    assert '-        tag: "1.0.0"  # flowlock deploy writes this' in done.out
    assert '+        tag: "1.1.0"  # flowlock deploy writes this' in done.out
    assert (alone.state(), alone.branches()) == (before, branches)


def test_line_ends_and_a_byte_order_mark_are_committed_as_they_were(tmp_path: Path) -> None:
    values = b"\xef\xbb\xbf" + VALUES.replace("\n", "\r\n").encode()
    workspace = deployed_workspace(tmp_path, {}, values=values)
    assert workspace.flowlock("deploy", "--tag", "0x10", "--direct").code == 0
    assert workspace.deployed() == values.replace(b"1.0.0", b"0x10")


def test_a_rollback_restores_the_last_good_tag_and_then_the_one_before(alone: DeployedWorkspace) -> None:
    for tag in ("1.1.0", "1.2.0"):
        assert alone.flowlock("deploy", "services", "--tag", tag, "--direct").code == 0
    shown = alone.flowlock("deploy", "rollback", "services", "--dry-run")
    assert "1.2.0 → 1.1.0" in shown.out
    first = alone.flowlock("--json", "deploy", "rollback", "services", "--direct")
    assert (first.code, first.document["tag"]) == (0, "1.1.0"), first.err
    second = alone.flowlock("--json", "deploy", "rollback", "services", "--direct")
    assert second.document["tag"] == "1.0.0"
    assert alone.deployed() == VALUES.encode()
    none = alone.flowlock("deploy", "rollback", "services", "--direct")
    assert none.code == 1
    assert "FL949" in none.err
    # A tag that was taken back is good again once it is deployed again.
    assert alone.flowlock("deploy", "services", "--tag", "1.2.0", "--direct").code == 0
    assert alone.flowlock("deploy", "services", "--tag", "1.3.0", "--direct").code == 0
    assert alone.flowlock("--json", "deploy", "rollback", "--direct").document["tag"] == "1.2.0"


def test_a_rollback_is_reviewed_as_any_other_deployment(reviewed: Reviewed) -> None:
    assert reviewed.workspace.flowlock("deploy", "services", "--tag", "1.1.0", "--direct").code == 0
    done = reviewed.workspace.flowlock("--json", "deploy", "rollback", "services")
    assert (done.code, done.document["status"]) == (0, "requested"), done.err
    assert reviewed.forge.pulls[-1]["title"] == "Roll services back to 1.0.0"


def refused(workspace: DeployedWorkspace, code: str, *arguments: str) -> str:
    """Run a deployment that must fail with a code, a hint, and without any change."""
    before, branches = workspace.state(), workspace.branches()
    done = workspace.flowlock("deploy", *arguments)
    assert done.code == 1, done.err
    assert code in done.err
    assert "hint:" in done.err
    assert "Traceback" not in done.err
    assert (workspace.state(), workspace.branches()) == (before, branches)
    return done.err


def test_bad_input_is_refused_with_its_code_and_nothing_changes(alone: DeployedWorkspace) -> None:
    direct = ("--tag", "1.1.0", "--direct")
    assert "did you mean `services`" in refused(alone, "FL952", "service", *direct)
    refused(alone, "FL944", "services", "--tag", "latest", "--direct")
    refused(alone, "FL945", "services", *direct, "--values", "absent.yaml")
    refused(alone, "FL941", "services", *direct, "--image", "ghcr.io/octo/other")
    refused(alone, "FL941", "services", *direct, "--key", "image.tag")
    refused(alone, "FL940", "services", *direct, "--values", "flowlock.toml")
    refused(alone, "FL946", "services", *direct, "--branch", "production")
    refused(alone, "FL810", "services", "--tag", "1.1.0")
    alone.values.write_text(VALUES + "# edited\n")
    assert "deploy/values.yaml" in refused(alone, "FL945", "services", *direct)


def test_a_folder_without_a_remote_or_a_repository_is_named(alone: DeployedWorkspace, tmp_path: Path) -> None:
    outside = tmp_path / "elsewhere.yaml"
    outside.write_text(VALUES)
    refused(alone, "FL021", "services", "--tag", "1.1.0", "--values", str(outside), "--direct")
    alone.git("remote", "set-url", "origin", str(tmp_path / "gone.git"))
    refused(alone, "FL946", "services", "--tag", "1.1.0", "--direct")
    alone.git("remote", "remove", "origin")
    refused(alone, "FL946", "services", "--tag", "1.1.0", "--direct")
    # What would be committed can be seen without one.
    assert alone.flowlock("deploy", "services", "--tag", "1.1.0", "--dry-run").code == 0


def test_a_push_that_is_rejected_says_why_and_leaves_everything(alone: DeployedWorkspace) -> None:
    hook = alone.remote / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'main is protected: open a pull request' >&2\nexit 1\n")
    hook.chmod(0o755)
    told = refused(alone, "FL947", "services", "--tag", "1.1.0", "--direct")
    assert "main is protected" in told
    assert "pre-receive hook declined" in told


def test_a_manifest_in_another_repository_is_committed_there(
    alone: DeployedWorkspace, tmp_path: Path
) -> None:
    other = deployed_workspace(tmp_path / "platform", {})
    before = alone.branches()
    done = alone.flowlock(
        "--json", "deploy", "services", "--tag", "1.1.0", "--values", other.values, "--direct"
    )
    assert done.code == 0, done.err
    assert other.deployed() == with_tag("1.1.0")
    assert alone.branches() == before
