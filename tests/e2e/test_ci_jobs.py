"""The jobs of CI, run here step by step: each in a clean checkout, with no more than it is granted."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from checkout import Checkout
from flowlock import workspace
from flowlock.conda import platforms
from flowlock.edges.state_folder import StateFolder
from repository import Repository, link_tree, own_git, pushed
from servers import actions
from servers.actions import Event, Runner
from servers.github import GitHub
from servers.loopback import answering
from servers.prefix_dev import PrefixDev
from shared import ROOT, once

RIGHT_TO_PUSH, MINTED = "ghs-may-write-contents", "minted-for-this-job"


@dataclass(frozen=True, kw_only=True)
class World:
    """What publishing meets: the channel's server, and GitHub."""

    channel: PrefixDev
    channel_url: str
    github: GitHub
    github_url: str

    def served(self, name: str) -> dict[str, str]:
        """Return file → sha256 of what the channel has."""
        stored = self.channel.channels[name].items()
        return {place.rpartition("/")[2]: hashlib.sha256(data).hexdigest() for place, data in stored}


@pytest.fixture
def world() -> Iterator[World]:
    identities = {"identity-for-prefix.dev": MINTED}
    channel = PrefixDev(tokens=set(), identity_tokens=identities, channels={"flowlock": {}, "birds": {}})
    github = GitHub(token=RIGHT_TO_PUSH)
    with ExitStack() as stack:
        urls = [stack.enter_context(answering(server.answer)) for server in (channel, github)]
        yield World(channel=channel, channel_url=urls[0], github=github, github_url=urls[1])


@pytest.fixture(scope="session")
def uv_cache() -> str:
    """Where wheels are kept on this machine: asked before a test has a home directory of its own."""
    uv = Path(sys.executable).with_name("uv")
    return subprocess.run([uv, "cache", "dir"], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def runner(
    uv_cache: str, account: Path, tmp_path: Path, world: World
) -> Callable[[Repository, Event], Runner]:
    """Make runners with what GitHub gives: a token, and an identity for jobs that may ask for one."""

    def make(repository: Repository, event: Event) -> Runner:
        def prepare(folder: Path) -> None:
            link_tree(repository.state.base_channels, StateFolder.of(folder).base_channels)
            # `make dev` then installs the packages of the checkout only.
            if (folder / "Makefile").is_file():
                link_tree(Path(sys.prefix), folder / ".venv")
                if (ROOT / "uv.lock").is_file():
                    shutil.copy(ROOT / "uv.lock", folder)

        (tmp_path / "jobs").mkdir()
        dropped = ("VIRTUAL_ENV", "PYTHONPATH", "GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME")
        kept = {name: value for name, value in os.environ.items() if name not in dropped}
        return Runner(
            remote=repository.remote,
            folder=tmp_path / "jobs",
            event=event,
            environ={
                **kept,
                "PATH": actions.programs(tmp_path / "programs"),
                "UV_CACHE_DIR": uv_cache,
                "FLOWLOCK_PROFILE": "embedded",
                "GITHUB_ACTIONS": "true",
                "GITHUB_REPOSITORY": "octo/flow",
                "GITHUB_API_URL": world.github_url,
            },
            prepare=prepare,
            token=RIGHT_TO_PUSH,
            identity={
                "ACTIONS_ID_TOKEN_REQUEST_URL": f"{world.channel_url}/actions/token",
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "actions-request-token",
            },
        )

    return make


def test_examples_are_built_once_handed_over_and_run_from_their_locks(
    repository: Repository, runner: Callable[[Repository, Event], Runner]
) -> None:
    document = actions.read(ROOT / ".github/workflows/examples.yml")
    run = runner(repository, Event())
    run.run(document, "build")
    matrix = run.matrix(document, "workflow")
    read = workspace.load(repository.root)
    workflows = [found.name for found in read.workflow_list]
    assert matrix == [{"workflow": name} for name in workflows]
    done = run.run(document, "workflow", matrix[workflows.index("penguins")])
    count = len(list(repository.root.glob("recipes/**/recipe.yaml"))) + len(read.generated)
    assert f"{count} current in the channel" in done.log
    assert "penguins" in done.log


def test_a_tag_is_built_verified_and_published_and_by_hand_only_told(
    repository: Repository, runner: Callable[[Repository, Event], Runner], world: World
) -> None:
    aim_at(repository, f"{world.channel_url}/flowlock")
    repository.git("tag", "-a", "-m", "Release", "v0.1.0")
    repository.git("push", "-q", "origin", "main", "v0.1.0")
    published(ROOT / ".github/workflows/publish.yml", runner, repository, world, "v0.1.0")
    names = {file.rsplit("-", 2)[0] for file in world.served("flowlock")}
    assert names >= {"flowlock", "flowlock-core", "flowlock-penguins-workflow"}


def aim_at(repository: Repository, url: str) -> None:
    """Let the target `channel` of flowlock.toml be a server on this machine."""
    settings = repository.root / "flowlock.toml"
    text = settings.read_text()
    release = workspace.load(repository.root).release_channel
    settings.unlink()
    settings.write_text(text.replace(f'channel = "prefix:{release}"', f'channel = "prefix:{url}"'))
    assert workspace.load(repository.root).targets == {"channel": f"prefix:{url}"}
    repository.git("commit", "-qam", "Publish on this machine")


def published(
    path: Path,
    runner: Callable[[Repository, Event], Runner],
    repository: Repository,
    world: World,
    tag: str,
) -> Runner:
    """Run publish.yml for a tag that was pushed, after a dry run by hand, and see what is served."""
    document = actions.read(path)
    run = runner(repository, Event(ref=f"refs/tags/{tag}"))
    run.run(document, "build")
    built = {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in (run.folder.parent / "artifacts/artifacts").glob("*/*.conda")
    }
    assert built
    by_hand = replace(run, event=Event(name="workflow_dispatch", inputs={"tag": tag, "dry-run": True}))
    told = by_hand.run(document, "publish")
    assert "missing" in told.log
    assert not world.channel.writes
    assert not world.github.writes
    done = run.run(document, "publish")
    assert set(done.ran) - set(told.ran)
    (channel,) = (name for name, stored in world.channel.channels.items() if stored)
    # What is declared without a lock is built, and left out of what is published.
    read = workspace.load(repository.root)
    unlocked = {one.distribution for one in read.generated if read.unlocked_reason(one) is not None}
    built = {file: digest for file, digest in built.items() if file.rsplit("-", 2)[0] not in unlocked}
    assert world.served(channel) == built
    (release,) = world.github.releases.values()
    assert (release["tag_name"], release["draft"]) == (tag, False)
    assert built.items() <= dict(world.github.writes).items()
    return run


@pytest.fixture
def birds(
    synced: Checkout, tmp_path: Path, account: Path, tmp_path_factory: pytest.TempPathFactory
) -> Repository:
    """A new workspace, synced, with a lock for users, and pushed."""
    root = tmp_path / "my workspäce/birds"
    link_tree(once(tmp_path_factory, "birds", lambda folder: new_workspace(folder, synced)) / "birds", root)
    own_git(root)
    return pushed(root, tmp_path / "birds.git", "A new workspace")


def new_workspace(folder: Path, synced: Checkout) -> None:
    """Make the workspace `birds` in a folder, on a conda-forge that has what the embedded base has."""
    assert Checkout(root=folder).flowlock("init", "birds").code == 0
    new = Checkout(root=folder / "birds")
    settings = new.root / "flowlock.toml"
    text = settings.read_text().replace('others = ["https://prefix.dev/flowlock", ', "others = [")
    settings.write_text(re.sub(r"platforms = .*", f'platforms = ["{platforms.current()}"]', text, count=1))
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=new.root, check=True)
    subprocess.run(["git", "add", "."], cwd=new.root, check=True)
    link_tree(synced.state.base_channels, new.state.base_channels)
    done = new.flowlock("sync")
    assert done.code == 0, done.err
    write_snapshot(new.root, folder / "snapshot")
    done = new.flowlock("--profile", "conda-forge", "--offline", "lock", "--repodata", folder / "snapshot")
    assert done.code == 0, done.err


def write_snapshot(root: Path, folder: Path) -> None:
    """Write the embedded base's metadata as conda-forge's, with a pytest, which tests of workflows need."""
    for subdir in ("noarch", platforms.current()):
        source = StateFolder.of(root).running_base / subdir / "repodata.json"
        document = json.loads(source.read_text())
        document["info"]["base_url"] = f"https://conda.anaconda.org/conda-forge/{subdir}/"
        if subdir == "noarch":
            known = {"name": "pytest", "version": "8.0.0", "build": "0", "build_number": 0, "depends": []}
            entry = {**known, "subdir": subdir, "sha256": "0" * 64, "size": 1}
            document["packages.conda"]["pytest-8.0.0-0.conda"] = entry
        (folder / subdir).mkdir(parents=True)
        (folder / subdir / "repodata.json").write_text(json.dumps(document))


def test_the_first_tag_of_a_new_workspace_is_published(
    birds: Repository, runner: Callable[[Repository, Event], Runner], world: World
) -> None:
    aim_at(birds, f"{world.channel_url}/birds")
    birds.git("push", "-q", "origin", "main")
    birds.git("switch", "-q", "-c", "next")
    (birds.root / "changes.d/ratios.added.md").write_text("Ratios can be added.\n")
    birds.git("add", "-A")
    birds.git("commit", "-qm", "Tell of ratios")
    new = Checkout(root=birds.root)
    assert new.flowlock("release", "minor").code == 0
    birds.git("switch", "-q", "main")
    birds.git("merge", "-q", "--squash", "next")
    birds.git("commit", "-qm", "Release 0.2.0 (#1)")
    birds.git("push", "-q", "origin", "main")
    tagged = new.flowlock("release", "--tag")
    assert tagged.code == 0, tagged.err
    birds.git("push", "-q", "origin", "v0.2.0")
    path = birds.root / ".github/workflows/publish.yml"
    run = published(path, runner, birds, world, "v0.2.0")
    names = {file.rsplit("-", 2)[0] for file in world.served("birds")}
    assert names == {"birds-tasks", "flowlock-hello-workflow"}
    (release,) = world.github.releases.values()
    assert "Ratios can be added." in release["body"]
    writes = [*world.channel.writes, *world.github.writes]
    document = actions.read(path)
    assert "2 present" in run.run(document, "publish").log
    assert [*world.channel.writes, *world.github.writes] == writes
    # It has no right that it can do without.
    rights = document["jobs"]["publish"]["permissions"]
    for scope, told in (("id-token", "PREFIX_API_KEY"), ("contents", "401")):
        document["jobs"]["publish"]["permissions"] = {**rights, scope: "read"}
        with pytest.raises(AssertionError, match=told):
            run.run(document, "publish")


def test_the_examples_of_a_new_workspace_are_handed_over_and_run(
    birds: Repository, runner: Callable[[Repository, Event], Runner]
) -> None:
    document = actions.read(birds.root / ".github/workflows/examples.yml")
    run = runner(birds, Event())
    run.run(document, "build")
    assert run.matrix(document, "workflow") == [{"workflow": "hello"}]
    done = run.run(document, "workflow", {"workflow": "hello"})
    assert "2 current in the channel" in done.log


def test_every_job_of_a_new_workspaces_ci_passes(
    birds: Repository, runner: Callable[[Repository, Event], Runner]
) -> None:
    document = actions.read(birds.root / ".github/workflows/ci.yml")
    run = runner(birds, Event())
    for job in document["jobs"]:
        assert run.run(document, job, run.matrix(document, job)[0]).ran
