"""Tasks of packages that are not here: an environment is solved, installed, asked once, and kept."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from checkout import Checkout
from flowlock import workspace
from flowlock.commands import compile as command
from flowlock.commands.foreign_tasks import SolvedEnvironments
from flowlock.commands.init import init
from flowlock.commands.session import Profile, Session
from flowlock.commands.tasks import EnvironmentLookup
from flowlock.conda import platforms
from flowlock.errors import FlowlockError, Location
from flowlock.report.renderings import errors
from flowlock.report.reporter import Silent
from flowlock.running import environment as env
from flowlock.spec.facts import facts_of
from flowlock.spec.model import LocatedText, SpecRequirement
from servers.loopback import Request, Response, answering
from small import Small
from wheelhouse import make_wheel

TODAY = datetime(2026, 11, 1, tzinfo=UTC)
AT = Location(file="spec.yaml", line=3, column=11)
SPEC = """
id: borrowed
requirements:
  - {name: absent-tasks, version: ">=1", channel: conda-forge}
workflow:
  - {id: one, task: borrowed_task}
"""


def asked(name: str, version: str | None = None, channel: str | None = None) -> SpecRequirement:
    texts = [LocatedText(text, AT) if text else None for text in (name, version, channel)]
    return SpecRequirement(at=AT, name=texts[0], version=texts[1], channel=texts[2])


@contextmanager
def channels(root: Path) -> Iterator[str]:
    """Serve the files of a folder."""

    def answer(request: Request) -> Response:
        path = root / request.path.lstrip("/")
        if not path.is_file():
            return Response(status=404)
        return Response(status=200, body=path.read_bytes(), media="application/octet-stream")

    with answering(answer) as url:
        yield url


@pytest.fixture
def session(synced: Checkout, tmp_path: Path) -> Iterator[Session]:
    """A workspace elsewhere, whose further channels serve what the checkout built and made."""
    root = tmp_path / "a place é" / "space"
    init(root, today=TODAY)
    subprocess.run(["git", "init", "-q", root], check=True)
    state = synced.state.path
    base = next(path for path in synced.state.base_channels.iterdir() if (path / "noarch").is_dir())
    with channels(state) as url:
        toml = root / "flowlock.toml"
        served = [f"{url}/channel", f"{url}/base/{base.name}"]
        lines = [
            f"others = {json.dumps(served)}" if line.startswith("others = ") else line
            for line in toml.read_text().splitlines()
        ]
        toml.write_text("\n".join(lines) + "\n")
        yield Session(
            workspace=workspace.load(root),
            profile=Profile.CONDA_FORGE,
            offline=False,
            progress=Silent(),
        )


def test_a_package_is_looked_into_in_an_environment_of_its_own_and_the_answer_is_kept(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookup = SolvedEnvironments(session=session)
    found = lookup.describe([asked("flowlock-ext-tabular", ">=0.1")])
    names = {(task["distribution"], task["name"]) for task in found["tasks"]}
    assert ("flowlock-ext-tabular", "draw_bar_chart") in names
    assert not found["errors"]
    (lock,) = (session.workspace.state.path / "lookups").glob("*/pixi.lock")
    assert "flowlock-ext-tabular" in lock.read_text()
    monkeypatch.setattr(env, "installed", lambda *_a, **_k: pytest.fail("an environment was made again"))
    assert lookup.describe([asked("flowlock-ext-tabular", ">=0.1")]) == found


def test_what_no_channel_has_is_told_and_a_foreign_channel_is_not_asked(session: Session) -> None:
    lookup = SolvedEnvironments(session=session)
    with pytest.raises(FlowlockError) as raised:
        lookup.describe([asked("absent-tasks")])
    assert "absent-tasks" in str(raised.value.detail)
    manifest = lookup._manifest([asked("other-tasks", channel="https://elsewhere.example/channel")])
    (environment,) = manifest.environments
    assert all("elsewhere.example" not in channel for channel in environment.channels)
    assert [one.name for ones in environment.requirements.values() for one in ones] == ["flowlock-core"]


def test_the_reason_stands_with_the_requirement_in_the_spec(session: Session) -> None:
    space = session.workspace
    spec = space.root / "examples/borrowed/spec.yaml"
    spec.parent.mkdir()
    spec.write_text(SPEC.replace("conda-forge", space.other_channels[0]))
    sources = command.read_specs(space, [space.workflow("borrowed")])
    facts = facts_of(space)
    offline = Session(workspace=space, profile=session.profile, offline=True, progress=Silent())
    catalog = command.catalog_for(space, sources, facts, Silent(), EnvironmentLookup(session=offline))
    problems = errors(command.check_specs(sources, catalog, facts))
    (problem,) = [one for one in problems if one.code == "FL132"]
    assert "--offline does not allow" in problem.message
    assert problem.location is not None
    assert problem.location.line == 4


BORROWED = """
from flowlock_core.task import task


@task
def borrowed_task(words: str = "from elsewhere") -> str:
    \"\"\"Give words.\"\"\"
    return words
"""


def borrowed_wheel(folder: Path) -> Path:
    """Write a wheel with a task, which needs the run time."""
    return make_wheel(
        folder,
        "absent-tasks",
        "1.0",
        requires=["flowlock-core"],
        files={"absent_tasks.py": BORROWED},
        entry_points="[flowlock.tasks]\nborrowed_task = absent_tasks:borrowed_task\n",
    )


def borrowed_channel(small: Small) -> Path:
    """Build a package with a task, which needs the run time, and return the channel that holds it."""
    folder = small.add("absent-tasks", needs="flowlock-core")
    (folder / "absent_tasks" / "__init__.py").write_text(f"{BORROWED}\n\ndef main(): ...\n")
    project = folder / "pyproject.toml"
    points = '[project.entry-points."flowlock.tasks"]\nborrowed_task = "absent_tasks:borrowed_task"\n'
    project.write_text(project.read_text().replace("[tool.hatch", f"{points}[tool.hatch"))
    # The lock of the test environment names pytest, which nobody runs here.
    small.add_data("pytest")
    recipe = small.recipe("pytest")
    small.write_recipe("pytest", {**recipe, "package": {"name": "pytest", "version": "8.0"}})
    small.build()
    return small.state.channel


def test_sync_takes_a_task_package_that_only_a_channel_has_and_the_workflow_runs(
    session: Session, small: Small, tmp_path: Path
) -> None:
    root = session.workspace.root
    require_borrowed(root)
    with channels(borrowed_channel(small)) as url:
        toml = root / "flowlock.toml"
        text = toml.read_text().replace("others = [", f'others = ["{url}", ', 1)
        here = [line for line in text.splitlines() if not line.startswith("platforms = ")]
        at = here.index("[workspace]") + 1
        toml.write_text("\n".join([*here[:at], f'platforms = ["{platforms.current()}"]', *here[at:], ""]))
        space = Checkout(root=root)
        conda = ("--profile", "conda-forge")
        done = space.flowlock(*conda, "sync")
        assert done.code == 0, done.err
        lock = (root / "examples/borrowed/flowlock-borrowed-workflow/pixi.lock").read_text()
        assert f"{url}/noarch/absent-tasks-1.0-" in lock
        (root / "examples/borrowed/params.yaml").write_text("one: {words: here}\n")
        ran = space.flowlock(*conda, "run", "borrowed", "--results", tmp_path / "results")
        assert ran.code == 0, ran.err
        assert '"here"' in (tmp_path / "results" / "result.json").read_text()


def require_borrowed(root: Path) -> None:
    """Add a workflow with a task that is not here."""
    spec = root / "examples" / "borrowed" / "spec.yaml"
    spec.parent.mkdir()
    spec.write_text(SPEC.replace(", channel: conda-forge", ""))


@pytest.mark.parametrize("clean", [False, True], ids=["synced", "never-synced"])
def test_sync_brings_in_a_task_package_of_the_package_index_and_the_workflow_runs(
    checkout: Callable[[], Checkout], tmp_path: Path, *, clean: bool
) -> None:
    here = checkout()
    if clean:
        here.state.channel.unlink()
    wheel = borrowed_wheel(tmp_path / "whéels")
    require_borrowed(here.root)
    found = str(wheel.parent)
    done = here.flowlock("--json", "sync", UV_FIND_LINKS=found)
    assert done.code == 0, done.err
    done = here.flowlock("--json", "sync", UV_FIND_LINKS=found)
    assert {one["name"]: one["status"] for one in done.document["stages"]} == dict.fromkeys(
        ["compile", "base", "build", "lock", "pins"], "current"
    )
    params = tmp_path / "params.json"
    params.write_text('{"one": {"words": "here"}}')
    ran = here.flowlock(
        "run", "borrowed", "--params", params, "--results", tmp_path / "results", UV_FIND_LINKS=found
    )
    assert ran.code == 0, ran.err
    written = [path.read_text() for path in (tmp_path / "results").rglob("*.json")]
    assert any("here" in text for text in written)


def test_sync_names_the_requirement_that_no_index_has(
    checkout: Callable[[], Checkout], tmp_path: Path
) -> None:
    here = checkout()
    require_borrowed(here.root)
    before = here.channel_files()
    (tmp_path / "empty").mkdir()
    done = here.flowlock("--json", "sync", UV_FIND_LINKS=str(tmp_path / "empty"))
    assert done.code == 1
    (problem,) = [one for one in done.document["problems"] if one["code"] == "FL132"]
    assert (problem["file"], problem["line"]) == ("examples/borrowed/spec.yaml", 4)
    assert "absent-tasks was not found" in problem["message"]
    assert here.channel_files() == before
