"""A location with a lock: compiled, built, locked for real users, and refused when it is outgrown."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from checkout import Outcome
from flowlock import workspace
from flowlock.edges import git as revisions
from flowlock.edges.files import sha256_of
from flowlock.lock.lockfile import document
from flowlock.release.reviewed import reviewed_locks
from small import SETTINGS, Small, git
from unit.lock.universe import FORGE, channel, package

LOCATION = """
[location]
name = "services"
workflows = ["hello"]

[location.schedules.hello_daily]
workflow = "hello"
cron = "0 6 * * *"
"""
SPEC = """id: hello
workflow:
  - name: Load the table
    id: table
    task: load_table
"""
RELEASE = "https://example.org/small"
CORE = version("flowlock-core")


def flowlock(root: Path, *arguments: str | Path) -> Outcome:
    """Run a command in the profile of real users, without the network."""
    command = [sys.executable, "-m", "flowlock", "--offline", *map(str, arguments)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return Outcome(code=done.returncode, out=done.stdout, err=done.stderr)


def forge(folder: Path, *without: str) -> Path:
    """Write metadata of all that a location and its environments need, less some packages."""
    everything = [
        package("python", "3.12.0"),
        package("pytest", "8.3.0", "python"),
        package("dagster", "1.13.27", "python"),
        package("dagster-webserver", "1.13.27", "dagster ==1.13.27"),
        package("flowlock-core", CORE, "python >=3.11"),
        package("flowlock-dagster", CORE, "dagster >=1.13,<1.14", f"flowlock-core >={CORE}"),
    ]
    channel(folder, FORGE, [entry for entry in everything if entry["name"] not in without])
    return folder


@pytest.fixture
def located(small: Small) -> Small:
    """A workspace with a workflow and a location, compiled and built."""
    settings = SETTINGS.replace("[channels]", "service = false\n[channels]") + LOCATION
    (small.root / "flowlock.toml").write_text(settings)
    (small.root / "examples/hello").mkdir(parents=True)
    (small.root / "examples/hello/spec.yaml").write_text(SPEC)
    small.share_packages()
    compiled = flowlock(small.root, "compile")
    assert compiled.code == 0, compiled.err
    small.build()
    return small


def pinned(lock: Path, environment: str) -> dict[str, str]:
    """Return the URL of each package that a lock pins for an environment."""
    read = document.read(lock.read_text(), lock.name)
    return {record.name: record.url for name, _, record in read.records() if name == environment}


def test_a_location_is_built_and_locked_as_a_workflow_is(located: Small, tmp_path: Path) -> None:
    root = located.root
    lock = root / "locations/services/flowlock-services-location/pixi.lock"
    absent = flowlock(root, "lock", "--check")
    assert absent.code == 1
    assert "services" in absent.out + absent.err
    made = flowlock(root, "lock", "--repodata", f"{FORGE}={forge(tmp_path / 'forge')}")
    assert made.code == 0, made.err
    (artifact,) = located.state.channel.glob("noarch/flowlock-services-location-*.conda")
    default = pinned(lock, "default")
    assert default["flowlock-services-location"] == f"{RELEASE}/noarch/{artifact.name}"
    assert sha256_of(artifact) in lock.read_text()
    assert {"dagster", "flowlock-dagster", "flowlock-hello-workflow"} <= default.keys()
    assert pinned(lock, "dev").keys() - default.keys() == {"dagster-webserver"}
    assert pinned(lock, "test").keys() - default.keys() == {"pytest"}
    assert flowlock(root, "lock", "--check").code == 0


def test_a_lock_that_the_definitions_have_outgrown_is_refused(located: Small, tmp_path: Path) -> None:
    root = located.root
    metadata = f"{FORGE}={forge(tmp_path / 'forge')}"
    assert flowlock(root, "lock", "--repodata", metadata).code == 0
    settings = root / "flowlock.toml"
    settings.write_text(settings.read_text().replace("0 6 * * *", "30 6 * * *"))
    assert flowlock(root, "compile").code == 0
    stale = flowlock(root, "lock", "--check")
    assert stale.code == 1
    assert "flowlock-services-location is pinned to" in stale.out
    check = flowlock(root, "location", "check")
    assert check.code == 1
    assert "FL714" in check.err
    located.build()
    assert flowlock(root, "lock").code == 0
    assert flowlock(root, "lock", "--check").code == 0


def test_a_location_without_a_solution_leaves_no_lock(located: Small, tmp_path: Path) -> None:
    metadata = f"{FORGE}={forge(tmp_path / 'forge', 'dagster-webserver')}"
    done = flowlock(located.root, "lock", "services", "--repodata", metadata)
    assert done.code == 1
    assert "dagster-webserver" in done.err
    assert not list(located.root.glob("locations/*/*/pixi.lock"))


def test_a_release_wants_the_lock_of_a_location_that_is_not_declared_without(located: Small) -> None:
    git(located.root, "add", "-A")
    git(located.root, "-c", "user.name=T", "-c", "user.email=t@example.org", "commit", "-qm", "All")
    commit = revisions.head(located.root).commit
    locks = reviewed_locks(workspace.load(located.root), commit)
    missing = [problem for problem in locks.problems if "services" in problem.message]
    assert [problem.code for problem in missing] == ["FL829"]
    assert "under [location] in flowlock.toml" in str(missing[0].hint)


def test_a_location_cannot_have_the_name_of_a_workflow(located: Small) -> None:
    settings = located.root / "flowlock.toml"
    settings.write_text(settings.read_text().replace('"services"', '"hello"'))
    done = flowlock(located.root, "compile", "hello")
    assert done.code == 1
    assert "FL303" in done.err
    assert "a workflow has the name `hello`, too" in done.err
