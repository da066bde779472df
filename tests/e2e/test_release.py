"""A release from edit to user: prepared, merged, tagged, built in a clean clone, published, run."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flowlock.builder.plan.snapshot import read_snapshot
from flowlock.commands import publish as command
from flowlock.commands import release as prepare
from flowlock.commands import sync, verify
from flowlock.commands.build_stage import BuildSettings, build_named
from flowlock.commands.publish import PublishOptions
from flowlock.commands.session import BASE_URL
from flowlock.conda import platforms
from flowlock.edges import git
from flowlock.errors import FlowlockError
from flowlock.release.outcome import PublishResult
from flowlock.release.targets.protocol import DeliveryStatus
from flowlock.report.reporter import Silent
from flowlock.running import environment as env
from repository import Repository
from servers import real, venues

NOW = datetime(2026, 12, 1, 15, 30, tzinfo=UTC)


def edit(repository: Repository) -> None:
    """Change a task and tell users of it, on a branch."""
    repository.git("switch", "-q", "-c", "next")
    module = repository.root / "src/flowlock-ext-tabular/flowlock_ext_tabular/__init__.py"
    content = module.read_text()
    module.unlink()
    module.write_text(content + "\n# Better than before.\n")
    fragment = repository.root / "changes.d/better.changed.md"
    fragment.write_text("Charts are better\nthan before.\n")
    repository.git("add", "-A")
    repository.git("commit", "-qm", "Better charts")


def statuses(result: PublishResult) -> set[DeliveryStatus]:
    return {artifact.status for target in result.targets for artifact in target.artifacts}


def test_a_release_goes_from_an_edit_to_a_user_and_its_locks_hold_before_and_after(
    repository: Repository, tmp_path: Path, quetz_server: real.Running
) -> None:
    edit(repository)
    done = prepare.release(repository.session, "minor", now=NOW)
    assert (done.version, done.tag, done.branch) == ("0.2.0", "v0.2.0", "next")
    assert git.dirty(repository.root) == []
    told = (repository.root / "CHANGELOG.md").read_text()
    assert "## 0.2.0 (2026-12-01)" in told
    assert "- Charts are better than before.\n" in told
    assert [path.name for path in (repository.root / "changes.d").iterdir()] == ["README.md"]
    sync.sync(repository.session, check=False, dry_run=False, jobs=None)
    before = {path: path.read_bytes() for path in repository.root.glob("examples/*/*/pixi.lock")}
    assert len(before) == len(repository.session.workspace.workflow_list)

    # The branch is reviewed and squashed on main, which moves its commits but not its tree.
    repository.git("switch", "-q", "main")
    repository.git("merge", "-q", "--squash", "next")
    repository.git("commit", "-qm", "Release 0.2.0 (#7)")
    repository.git("push", "-q", "origin", "main")
    tagged = verify.tag(repository.session)
    assert repository.git("cat-file", "-t", tagged.tag) == "tag"
    repository.git("push", "-q", "origin", tagged.tag)

    clone = repository.clone(tmp_path / "a clöne")
    sync.sync(clone.session, check=False, dry_run=False, jobs=None)
    artifacts = tmp_path / "artifacts"
    build_named(clone.session, (), BuildSettings(output=artifacts))
    checked = command.verify_tag(clone.session, "v0.2.0", source=artifacts)
    assert checked.ok, checked.as_text()

    published = tmp_path / "published"
    with venues.quetz(quetz_server) as venue:
        options = PublishOptions(
            tag="v0.2.0",
            to=[f"directory:{published}", venue.target],
            source=artifacts,
            retry_policy=venues.QUICK,
        )
        first = command.publish_tag(clone.session, options, venue.environ)
        assert first.ok, first.as_text()
        assert statuses(first) == {DeliveryStatus.UPLOADED}
        again = command.publish_tag(clone.session, options, venue.environ)
        assert statuses(again) == {DeliveryStatus.PRESENT}
        served = command.verify_tag(
            clone.session, "v0.2.0", to=options.to, source=artifacts, environ=venue.environ
        )
        assert served.ok, served.as_text()
        base = clone.session.mirrors()[BASE_URL]
        solved_and_run([str(venue.server), base.as_uri()], tmp_path / "fresh", clone)

    assert {path: path.read_bytes() for path in before} == before
    installed_by_lock(clone, published, tmp_path)


def installed_by_lock(clone: Repository, published: Path, tmp_path: Path) -> None:
    """Install what the lock pins from the published channel, and run it."""
    session = clone.session
    workflow = session.workspace.workflow("penguins")
    mirrors = {session.workspace.release_channel: published, BASE_URL: session.mirrors()[BASE_URL]}
    places = env.EnvironmentFolders(
        home=tmp_path / "envs",
        cache=tmp_path / "packages",
        bytecode=tmp_path / "bytecode",
        artifacts=tmp_path / "none",
        archives=tmp_path / "archives",
        mirrors=mirrors,
        unserved=[BASE_URL],
    )
    with env.installed(
        session.lock_file(workflow),
        "default",
        platforms.current(),
        places=places,
        progress=Silent(),
    ) as made:
        ran(made.bin, clone, tmp_path / "by lock")


def solved_and_run(channels: list[str], prefix: Path, clone: Repository) -> None:
    """Solve and install the workflow from channels as a user does, and run it."""
    script = """
import asyncio, os, sys, rattler
async def main():
    records = await rattler.solve(
        sources=sys.argv[2:], specs=["flowlock-penguins-workflow ==0.2.0"], platforms=["linux-64", "noarch"],
        virtual_packages=rattler.VirtualPackage.detect(),
    )
    await rattler.install(records, target_prefix=sys.argv[1], show_progress=False)
asyncio.run(main())
# The engine's threads may crash an interpreter that ends while they do.
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", script, prefix, *channels], check=True)
    ran(prefix / "bin", clone, prefix.parent / "solved")


def ran(bin_folder: Path, clone: Repository, results: Path) -> None:
    params = clone.root / "examples/penguins/params.yaml"
    program = str(bin_folder / "flowlock-penguins-workflow")
    argv = [program, "run", "--params", str(params), "--results", str(results)]
    environment = {"PATH": f"{bin_folder}:/usr/bin:/bin", "HOME": str(results.parent)}
    done = subprocess.run(argv, check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert json.loads((results / "result.json").read_text())


def test_a_dry_run_shows_the_diff_and_leaves_everything_even_without_the_remote(
    repository: Repository,
) -> None:
    edit(repository)
    repository.git("remote", "set-url", "origin", str(repository.remote.with_name("gone.git")))
    before = repository.committed()
    notes: list[str] = []
    session = replace(repository.session, progress=Noting(notes))
    done = prepare.release(session, "1.0.0", dry_run=True, now=NOW)
    assert any("cannot be reached" in note for note in notes)
    assert done.commit is None
    assert '+version = "1.0.0"' in done.diff
    assert "+epoch = 2026-12-01T00:00:00Z" in done.diff
    assert repository.committed() == before
    assert not repository.state.release_checkout.exists()


@pytest.mark.parametrize(
    ("spoil", "wanted", "code", "words"),
    [
        (lambda r: (r.root / "new.txt").write_text("x"), "minor", "FL840", "new.txt"),
        (lambda r: r.git("switch", "-q", "--detach"), "minor", "FL841", "no branch"),
        (lambda r: r.git("tag", "v0.2.0"), "minor", "FL842", "v0.2.0"),
        (lambda r: r.git("push", "-q", "origin", "HEAD:refs/tags/v0.2.0"), "minor", "FL842", "origin"),
        (lambda _: None, "0.0.9", "FL832", "not greater"),
        (lambda _: None, "0.1.0", "FL832", "not greater"),
        (lambda _: None, "one", "FL831", "not a version"),
        (lambda _: None, "1.0.0.post1", "FL831", "not a version"),
        (
            lambda r: (
                (r.root / "changes.d/x.removed.md").write_text("x"),
                r.git("add", "-A"),
                r.git("commit", "-qm", "x"),
            ),
            "minor",
            "FL835",
            "not a kind of change",
        ),
    ],
)
def test_a_release_that_cannot_be_made_says_why_and_changes_nothing(
    repository: Repository, spoil: Callable[[Repository], object], wanted: str, code: str, words: str
) -> None:
    spoil(repository)
    before = repository.committed()
    with pytest.raises(FlowlockError) as caught:
        prepare.release(repository.session, wanted, now=NOW)
    (problem,) = caught.value.problems
    assert problem.code == code
    assert words in problem.message
    assert repository.committed() == before
    assert len(repository.git("worktree", "list").splitlines()) == 1


def test_a_tag_is_refused_that_is_not_on_main_not_checked_out_or_moved(repository: Repository) -> None:
    repository.git("switch", "-q", "-c", "aside")
    repository.git("commit", "-q", "--allow-empty", "-m", "aside")
    with pytest.raises(FlowlockError) as caught:
        verify.tag(repository.session)
    assert [problem.code for problem in caught.value.problems] == ["FL845"]
    repository.git("tag", "v0.1.0")
    repository.git("push", "-q", "origin", "v0.1.0")
    assert [p.code for p in verify.tag_problems(repository.session, "v0.1.0")] == ["FL845"]
    repository.git("switch", "-q", "main")
    assert [p.code for p in verify.tag_problems(repository.session, "v0.1.0")] == ["FL844", "FL845"]
    repository.git("tag", "-f", "v0.1.0")
    assert [p.code for p in verify.tag_problems(repository.session, "v0.1.0")] == ["FL847"]
    assert [p.code for p in verify.tag_problems(repository.session, "v9.9.9")] == ["FL843"]
    with pytest.raises(FlowlockError, match="release tag"):
        list(verify.tag_problems(repository.session, "release-one"))


def test_versions_that_disagree_with_the_tag_are_named_one_by_one(repository: Repository) -> None:
    place = repository.session.workspace
    found = list(verify.source_problems(read_snapshot(repository.session.workspace), "v0.2.0"))
    assert {problem.code for problem in found} == {"FL846"}
    disagreeing = [problem.message.partition(" has the version ")[0] for problem in found]
    ours = [one.name for one in place.packages] + [one.distribution for one in place.generated]
    assert sorted(disagreeing) == sorted(["flowlock.toml", *ours])


def test_a_release_that_is_killed_leaves_everything_and_the_next_one_is_made(repository: Repository) -> None:
    edit(repository)
    before = repository.committed()
    work = repository.state.release_checkout
    command_line = [sys.executable, "-m", "flowlock", "--profile", "embedded", "release", "minor"]
    with subprocess.Popen(command_line, cwd=repository.root, stderr=subprocess.DEVNULL) as process:
        while not (work / "CHANGELOG.md").exists() and process.poll() is None:
            time.sleep(0.01)
        process.kill()
        assert process.wait() < 0
    assert work.exists()
    assert repository.committed() == before
    done = prepare.release(repository.session, "minor", now=NOW)
    assert done.commit == repository.git("rev-parse", "HEAD")
    assert git.dirty(repository.root) == []
    assert not work.exists()


@pytest.fixture
def without_lock(repository: Repository) -> Repository:
    """A tagged repository in which the lock of the penguins was never committed."""
    repository.git("rm", "-q", "examples/penguins/flowlock-penguins-workflow/pixi.lock")
    repository.git("commit", "-qm", "No lock")
    repository.git("push", "-q", "origin", "main")
    return repository


def test_no_release_command_goes_on_without_the_lock_of_a_workflow(
    without_lock: Repository, tmp_path: Path
) -> None:
    session = without_lock.session
    refused: list[FlowlockError] = []
    for command_of_release in (
        lambda: prepare.release(session, "minor", now=NOW),
        lambda: verify.tag(session),
    ):
        with pytest.raises(FlowlockError) as caught:
            command_of_release()
        refused.append(caught.value)
    without_lock.git("tag", "v0.1.0")
    found = command.verify_tag(session, "v0.1.0")
    assert [problem.code for problem in found.problems] == ["FL829"]
    target = f"directory:{tmp_path / 'published'}"
    with pytest.raises(FlowlockError) as caught:
        command.publish_tag(session, PublishOptions(tag="v0.1.0", to=[target]))
    refused.append(caught.value)
    assert [[problem.code for problem in error.problems] for error in refused] == [["FL829"]] * 3
    assert all("penguins" in error.problems[0].message for error in refused)
    assert not (tmp_path / "published").exists()


def test_a_workflow_that_is_declared_without_a_lock_is_named_and_not_published(
    without_lock: Repository, tmp_path: Path
) -> None:
    toml = without_lock.root / "flowlock.toml"
    text = toml.read_text()
    toml.unlink()
    toml.write_text(f'{text}\n[workflows.penguins]\nlocked = false\nreason = "a demonstration"\n')
    without_lock.git("commit", "-qam", "Declare it")
    without_lock.git("push", "-q", "origin", "main")
    tagged = verify.tag(without_lock.session)
    # The location of this repository is declared without a lock, too.
    assert [one.workflow for one in tagged.left_out] == ["penguins", "services"]
    assert "a demonstration" in tagged.as_text()
    notes: list[str] = []
    session = replace(without_lock.session, progress=Noting(notes))
    target = f"directory:{tmp_path / 'published'}"
    done = command.publish_tag(session, PublishOptions(tag=tagged.tag, to=[target]))
    assert done.ok, done.as_text()
    left_out = [one["package"] for one in done.as_json()["left_out"]]
    assert left_out[0] == "flowlock-penguins-workflow"
    assert len(left_out) == len(tagged.left_out)
    assert any("a demonstration" in note for note in notes)
    served = {path.name.rsplit("-", 2)[0] for path in (tmp_path / "published").rglob("*.conda")}
    assert "flowlock-weather-workflow" in served
    assert "flowlock-penguins-workflow" not in served
    checked = command.verify_tag(session, tagged.tag, to=[target])
    assert checked.ok, checked.as_text()
    assert "a demonstration" in checked.as_text()


class Noting(Silent):
    """Progress that keeps its notes."""

    def __init__(self, notes: list[str]) -> None:
        self._notes = notes

    def note(self, text: str) -> None:
        self._notes.append(text)
