"""`flowlock workflow`: what changes, what does not, and what is refused without a change."""

import subprocess
import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from flowlock import workspace
from flowlock.commands.check import check
from flowlock.commands.compile import compile_workflows
from flowlock.commands.init import init
from flowlock.commands.new_location import new_location
from flowlock.commands.workflow_life import LifeResult, new_version, remove, rename
from flowlock.edges import files
from flowlock.errors import FlowlockError
from flowlock.report.reporter import Format, Silent
from flowlock.workspace import Workspace

SCHEDULE = """
# In the morning.
[location.schedules.early]
workflow = "hello"
cron = "0 6 * * *"
"""


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    root = tmp_path / "a b é" / "birds"
    init(root)
    # It shows the workflow.
    (root / "README.md").write_text("A workspace.\n")
    new_location(workspace.load(root), "rivers")
    compile_workflows(workspace.load(root), [], check=False, progress=Silent())
    git(root, "init", "-q")
    return committed(root)


def git(root: Path, *arguments: str) -> None:
    options = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    subprocess.run(["git", *options, *arguments], cwd=root, check=True)


def committed(root: Path) -> Workspace:
    git(root, "add", "-A")
    git(root, "commit", "-qm", "All")
    return workspace.load(root)


def tree(space: Workspace) -> dict[str, bytes]:
    paths = [path for path in space.root.rglob("*") if path.is_file()]
    kept = [path for path in paths if not {".git", ".flowlock", "__pycache__"} & set(path.parts)]
    return {path.relative_to(space.root).as_posix(): path.read_bytes() for path in kept}


def settings(space: Workspace) -> Any:
    return tomllib.loads((space.root / "flowlock.toml").read_text())["location"]


def version(
    space: Workspace, name: str = "hello", *, replacing: bool = False, dry_run: bool = False
) -> LifeResult:
    return new_version(space, name, replacing=replacing, url=None, dry_run=dry_run, progress=Silent())


def renamed(space: Workspace, new: str, *, dry_run: bool = False) -> LifeResult:
    return rename(space, "hello", new, url=None, dry_run=dry_run, progress=Silent())


def removed(
    space: Workspace, *, for_good: bool = False, with_schedules: bool = False, dry_run: bool = False
) -> LifeResult:
    return remove(space, "hello", for_good=for_good, with_schedules=with_schedules, url=None, dry_run=dry_run)


def sound(space: Workspace) -> None:
    """Check and compile everything that is there now."""
    fresh = workspace.load(space.root)
    found = check(fresh, [], form=Format.TEXT, progress=Silent(), strict=True)
    assert found.ok, found.as_text()
    assert compile_workflows(fresh, [], check=False, progress=Silent()).ok


def add(space: Workspace, path: str, text: str) -> Workspace:
    file = space.root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text((file.read_text() if file.exists() else "") + text)
    return committed(space.root)


def problems(space: Workspace, call: Callable[[], LifeResult]) -> list[tuple[str, str]]:
    before = tree(space)
    with pytest.raises(FlowlockError) as error:
        call()
    assert tree(space) == before
    return [(each.code, f"{each.location}: {each.message}") for each in error.value.problems]


def test_a_version_is_a_job_beside_the_old_one(space: Workspace) -> None:
    before = tree(space)
    result = version(space)
    assert "examples/hello-ver-2/spec.yaml" in result.made
    assert settings(space)["workflows"] == ["hello", "hello-ver-2"]
    spec = yaml.safe_load((space.workflows / "hello-ver-2/spec.yaml").read_text())
    assert spec["id"] == "hello_ver_2"
    after = tree(space)
    assert {path for path in before if before[path] != after[path]} == {"flowlock.toml"}
    sound(space)
    (definitions,) = space.root.glob("locations/rivers/*-location/*/definitions.py")
    assert "flowlock_hello_ver_2_workflow.workflow:hello_ver_2" in definitions.read_text()
    assert 'flowlock_hello_workflow.workflow:hello"' in definitions.read_text()
    version(workspace.load(space.root))
    assert settings(space)["workflows"] == ["hello", "hello-ver-2", "hello-ver-3"]


def test_a_version_that_replaces_the_old_one_takes_its_schedules(space: Workspace) -> None:
    space = add(space, "flowlock.toml", SCHEDULE)
    version(space, replacing=True)
    assert settings(space)["workflows"] == ["hello-ver-2"]
    assert '# In the morning.\n[location.schedules.early]\nworkflow = "hello-ver-2"' in (
        (space.root / "flowlock.toml").read_text()
    )
    assert (space.workflows / "hello/spec.yaml").is_file()
    sound(space)


def test_a_version_whose_command_was_killed_is_finished_by_the_next_one(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (space.root / "flowlock.toml").read_text()
    version(space)
    wanted = tree(space)
    # As a kill between both writes leaves it.
    (space.root / "flowlock.toml").write_text(before)
    version(workspace.load(space.root))
    assert tree(space) == wanted


def test_a_renamed_workflow_is_sound_and_leaves_nothing_of_the_old_name(space: Workspace) -> None:
    space = add(space, "flowlock.toml", SCHEDULE)
    result = renamed(space, "greeting")
    assert not (space.workflows / "hello").exists()
    assert "examples/hello/flowlock-hello-workflow/pyproject.toml" in result.deleted
    assert settings(space)["workflows"] == ["greeting"]
    sound(space)
    for path in ("spec.yaml", "params.yaml", "test-cases.yaml", "trips.csv"):
        assert (space.workflows / "greeting" / path).is_file()


def test_a_rename_whose_command_was_killed_is_finished_by_the_next_one(space: Workspace) -> None:
    kept = tree(space)
    renamed(space, "greeting")
    wanted = tree(space)
    for path, data in kept.items():
        if path.startswith("examples/hello/") or path == "flowlock.toml":
            files.write_bytes(space.root / path, data)
    renamed(workspace.load(space.root), "greeting")
    assert tree(space) == wanted


def test_a_removed_workflow_stays_in_the_workspace(space: Workspace) -> None:
    before = tree(space)
    result = removed(space)
    assert settings(space)["workflows"] == []
    assert {path for path, data in tree(space).items() if before[path] != data} == {"flowlock.toml"}
    assert result.following == ("flowlock compile rivers",)
    sound(space)


def test_a_workflow_that_is_removed_for_good_leaves_nothing(space: Workspace) -> None:
    space = add(space, "flowlock.toml", SCHEDULE)
    removed(space, for_good=True, with_schedules=True)
    left = tree(space)
    assert not [path for path in left if path.startswith("examples/hello")]
    assert b"hello" not in left["flowlock.toml"]
    sound(space)


def test_a_dry_run_says_what_would_change_and_changes_nothing(space: Workspace) -> None:
    before = tree(space)
    shown = [
        version(space, dry_run=True),
        renamed(space, "greeting", dry_run=True),
        removed(space, dry_run=True),
        removed(space, for_good=True, dry_run=True),
    ]
    assert tree(space) == before
    texts = [each.as_text() for each in shown]
    assert '+workflows = ["hello", "hello-ver-2"]' in texts[0]
    assert "new      examples/greeting/spec.yaml" in texts[1]
    assert '-workflows = ["hello"]' in texts[2]
    assert "deleted  examples/hello/spec.yaml" in texts[3]
    assert all(text.startswith("would have ") for text in texts)


def test_a_schedule_is_named_with_its_line_and_nothing_is_removed(space: Workspace) -> None:
    space = add(space, "flowlock.toml", SCHEDULE)
    line = (space.root / "flowlock.toml").read_text().splitlines().index('workflow = "hello"') + 1
    for for_good in (False, True):
        ((code, text),) = problems(space, partial(removed, space, for_good=for_good))
        assert code == "FL961"
        assert f"flowlock.toml:{line}" in text


def test_every_other_reference_is_named(space: Workspace) -> None:
    jobs = 'import dagster as dg\nx = dg.ScheduleDefinition(job_name="hello", cron_schedule="0 6 * * *")\n'
    space = add(space, "locations/rivers/rivers-jobs/rivers_jobs/more.py", jobs)
    ((code, text),) = problems(space, lambda: removed(space))
    assert (code, "rivers_jobs/more.py:2" in text) == ("FL961", True)
    space = add(space, "docs/index.md", "See [hello](../examples/hello).\n")
    space = add(space, "tests/test_more.py", "import flowlock_hello_workflow\n")
    space = add(space, "changes.d/hello.added.md", "The workflow `examples/hello`.\n")
    for call in (partial(removed, space, for_good=True), partial(renamed, space, "greeting")):
        found = problems(space, call)
        assert {code for code, _ in found} == {"FL961"}
        text = "\n".join(text for _, text in found)
        for place in ("docs/index.md:1", "tests/test_more.py:1", "rivers_jobs/more.py:2"):
            assert place in text
        assert "changes.d" not in text
    # The package stays: what imports it may stay, too.
    assert len(problems(space, lambda: removed(space))) == 1


def test_names_that_are_taken_or_not_valid_are_refused(space: Workspace) -> None:
    version(space)
    space = committed(space.root)
    (other,) = (space.workflows / "hello-ver-2/spec.yaml",)
    other.write_text(f"{other.read_text()}# Changed.\n")
    space = committed(space.root)
    assert problems(space, lambda: renamed(space, "hello-ver-2"))[0][0] == "FL349"
    assert problems(space, lambda: renamed(space, "hello"))[0][0] == "FL349"
    assert problems(space, lambda: renamed(space, "1st"))[0][0] == "FL346"
    assert problems(space, lambda: renamed(space, "load_table"))[0][0] == "FL346"


def test_what_git_could_not_give_back_is_not_deleted(space: Workspace) -> None:
    (space.workflows / "hello/notes.txt").write_text("kept")
    ((code, text),) = problems(space, lambda: removed(space, for_good=True))
    assert (code, "examples/hello/notes.txt" in text) == ("FL967", True)
    renamed(space, "greeting")
    assert (space.workflows / "greeting/notes.txt").read_text() == "kept"


def test_what_git_ignores_is_neither_deleted_nor_left_behind(space: Workspace) -> None:
    space = add(space, ".gitignore", "private.csv\n")
    (space.workflows / "hello/private.csv").write_text("Ada")
    (space.workflows / "hello/__pycache__").mkdir()
    (space.workflows / "hello/__pycache__/a.pyc").write_text("")
    for call in (partial(removed, space, for_good=True), partial(renamed, space, "greeting")):
        ((code, text),) = problems(space, call)
        assert (code, "examples/hello/private.csv" in text, "pyc" in text) == ("FL967", True, False)


def test_a_package_that_was_changed_by_hand_is_not_deleted(space: Workspace) -> None:
    (module,) = (space.workflows / "hello").glob("*/*/workflow.py")
    module.write_text(f"{module.read_text()}# By hand.\n")
    space = committed(space.root)
    for call in (partial(removed, space, for_good=True), partial(renamed, space, "greeting")):
        assert problems(space, call)[0][0] == "FL203"


def test_a_workflow_that_is_in_no_location_cannot_be_taken_out_of_it(space: Workspace) -> None:
    removed(space)
    space = committed(space.root)
    assert problems(space, lambda: removed(space))[0][0] == "FL966"
    assert problems(space, lambda: version(space, replacing=True))[0][0] == "FL966"


def test_a_file_that_cannot_be_written_leaves_nothing_half_done(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = files.write_text

    def full(path: Path, text: str) -> None:
        if path.name == "flowlock.toml":
            raise OSError(28, "No space left on device", str(path))
        write(path, text)

    monkeypatch.setattr(files, "write_text", full)
    before = tree(space)
    for call in (partial(version, space), partial(renamed, space, "greeting")):
        with pytest.raises(OSError, match="No space"):
            call()
        assert tree(space) == before
