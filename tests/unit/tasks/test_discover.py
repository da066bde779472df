"""Tasks are found in sources and installed packages, described once, and refusals in them are told."""

import json
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

import pytest

from flowlock import workspace
from flowlock.commands import tasks as task_commands
from flowlock.commands.init import init
from flowlock.commands.schema import spec_schema_of
from flowlock.edges import memo, process
from flowlock.edges.state_folder import StateFolder
from flowlock.errors import FlowlockError
from flowlock.tasks import discover
from flowlock.tasks.unregistered import registration
from flowlock_core.parameters.literals import LiteralCheck

TODAY = datetime(2026, 11, 1, tzinfo=UTC)
MODULE = Path("src/space-tasks/space_tasks/ratios.py")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("made é") / "space"
    init(root, today=TODAY)
    subprocess.run(["git", "init", "-q", root], check=True)
    discover.signatures(workspace.load(root), [])
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "space")
    return tmp_path / "space"


@pytest.fixture
def described(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Count the processes that describe tasks."""
    started: list[str] = []
    run = process.run

    def counting(argv: object, **options: object) -> object:
        if "flowlock_core.command.describe" in str(argv):
            started.append(str(argv))
        return run(argv, **options)  # type: ignore[arg-type]  # passed through as it came

    monkeypatch.setattr(process, "run", counting)
    return started


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_the_source_is_the_truth_and_nothing_need_be_installed(root: Path) -> None:
    (task,) = discover.signatures(workspace.load(root), []).named("add_ratio")
    assert task.distribution == "space-tasks"
    assert [one.name for one in task.parameters if one.wired] == ["df"]


def kept(root: Path) -> set[str]:
    return {path.name for path in StateFolder.of(root).signatures.glob("space-tasks-*")}


def test_kept_signatures_are_used_until_the_source_changes(root: Path, described: list[str]) -> None:
    space = workspace.load(root)
    before = kept(root)
    discover.signatures(space, [])
    own = [one for one in described if "space" in one]
    change(root / MODULE, '"Numerator"', '"Dividend"')
    (task,) = discover.signatures(space, []).named("add_ratio")
    assert task.parameters[1].title == "Dividend"
    assert len(kept(root)) == 1
    assert kept(root) != before
    assert not own


def test_the_kept_document_stands_for_the_package(root: Path) -> None:
    (path,) = StateFolder.of(root).signatures.glob("space-tasks-*")
    document = memo.read(path, dict[str, Any])
    assert document is not None
    document["tasks"][0]["title"] = "From the kept document"
    memo.write(path, document)
    (task,) = discover.signatures(workspace.load(root), []).named("add_ratio")
    assert task.title == "From the kept document"


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"tasks": []}', "\0"])
def test_a_damaged_document_counts_as_absent(root: Path, damage: str) -> None:
    (path,) = StateFolder.of(root).signatures.glob("space-tasks-*")
    path.write_text(damage)
    assert discover.signatures(workspace.load(root), []).named("add_ratio")
    assert discover.kept_description(path, ("tasks", "errors"))


def test_a_package_that_cannot_be_imported_is_told_with_its_own_message(root: Path) -> None:
    change(root / MODULE, "from pydantic import Field", "import absent_module")
    catalog = discover.signatures(workspace.load(root), [])
    (refusal,) = catalog.broken["add_ratio"]
    assert refusal.distribution == "space-tasks"
    assert "No module named 'absent_module'" in refusal.message
    assert not catalog.named("add_ratio")
    assert catalog.named("load_table")
    listed = task_commands.tasks(workspace.load(root))
    assert not listed.ok
    assert "absent_module" in listed.as_text()


def test_a_fault_is_not_kept_since_its_cause_may_lie_outside(root: Path) -> None:
    change(root / MODULE, "from pydantic import Field", "import absent_module\nfrom pydantic import Field")
    assert discover.signatures(workspace.load(root), []).broken
    (root / "src/space-tasks/absent_module.py").write_text("")
    # The new file changes the digest; what matters is that the import is tried again.
    assert not discover.signatures(workspace.load(root), []).broken


@pytest.mark.parametrize("ending", ["raise SystemExit(3)", "raise ValueError('line one\\nline two')"])
def test_a_module_that_gives_up_is_a_fault_of_its_task(root: Path, ending: str) -> None:
    (root / MODULE).write_text(ending + "\n")
    (refusal,) = discover.signatures(workspace.load(root), []).broken["add_ratio"]
    assert "\n" not in refusal.message


def test_a_module_that_ends_the_process_is_an_error_of_ours(root: Path) -> None:
    (root / MODULE).write_text("import os\nos._exit(5)\n")
    with pytest.raises(FlowlockError, match="exit code 5") as raised:
        discover.signatures(workspace.load(root), [])
    assert raised.value.problems[0].code == "FL202"


def test_a_task_that_is_no_task_is_told(root: Path) -> None:
    change(root / MODULE, "@task\n", "")
    (refusal,) = discover.signatures(workspace.load(root), []).broken["add_ratio"]
    assert "is not a task" in refusal.message


def test_what_a_module_prints_is_no_signature(root: Path) -> None:
    path = root / MODULE
    path.write_text('print(\'{"tasks": [], "errors": []}\')\n' + path.read_text())
    assert discover.signatures(workspace.load(root), []).named("add_ratio")


def test_modules_are_described_without_the_secrets_of_the_environment(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_TOKEN", "secret")
    path = root / MODULE
    path.write_text('import os\nassert "MY_TOKEN" not in os.environ\n' + path.read_text())
    assert not discover.signatures(workspace.load(root), []).broken


def test_a_file_in_the_current_folder_is_not_imported(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pydantic.py").write_text("raise SystemExit(1)")
    monkeypatch.chdir(tmp_path)
    change(root / MODULE, '"Numerator"', '"Dividend"')
    assert not discover.signatures(workspace.load(root), []).broken


def test_two_packages_with_one_name_are_both_known(root: Path) -> None:
    shutil.copytree(root / "src/space-tasks", root / "src/other-tasks")
    (root / "src/other-tasks/space_tasks").rename(root / "src/other-tasks/other_tasks")
    change(root / "src/other-tasks/pyproject.toml", "space", "other")
    shutil.copytree(root / "recipes/space-tasks", root / "recipes/other-tasks")
    found = discover.signatures(workspace.load(root), []).named("add_ratio")
    assert [one.distribution for one in found] == ["other-tasks", "space-tasks"]
    with pytest.raises(FlowlockError) as raised:
        task_commands.tasks(workspace.load(root), "add_ratio")
    assert "other_tasks.ratios.add_ratio" in str(raised.value.problems[0].hint)
    one = task_commands.tasks(workspace.load(root), "other-tasks.add_ratio")
    assert one.as_json()["distribution"] == "other-tasks"


def test_one_task_is_shown_with_its_schemas(root: Path) -> None:
    shown = task_commands.tasks(workspace.load(root), "add_ratio")
    assert shown.as_json()["parameters"][1]["schema"]["type"] == "string"
    assert "per: float = 1" in shown.as_text()
    with pytest.raises(FlowlockError) as raised:
        task_commands.tasks(workspace.load(root), "add_ratoi")
    assert raised.value.problems[0].hint == "did you mean `add_ratio`?"


def test_the_schema_for_editors_knows_the_workspace_s_own_tasks(root: Path) -> None:
    document = json.loads(spec_schema_of(workspace.load(root)).as_text())
    tasks = document["$defs"]["step"]["properties"]["task"]["anyOf"]
    assert {"add_ratio", "load_table"} <= {one.get("const") for one in tasks}


def test_a_literal_is_asked_once_and_again_when_the_source_changes(root: Path, described: list[str]) -> None:
    space = workspace.load(root)
    check = LiteralCheck.of("add_ratio", "numerator", 3)

    def refusals() -> list[str]:
        catalog = discover.signatures(space, [], checks=[check])
        (task,) = catalog.named("add_ratio")
        return [refusal.message for refusal in catalog.refusals(task, check)]

    assert refusals() == ["expected a string, not 3"]
    assert len(described) == 1
    assert refusals() == ["expected a string, not 3"]
    assert len(described) == 1
    change(root / MODULE, "numerator: Annotated[str,", "numerator: Annotated[int,")
    assert not refusals()
    assert len(described) == 2


def test_the_workspace_has_its_packages_without_tasks_and_their_versions(root: Path) -> None:
    folder = root / "src/space-data"
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[project]\nname = "space-data"\nversion = "0.3.0"\n')
    shutil.copytree(root / "recipes/space-tasks", root / "recipes/space-data")
    catalog = discover.signatures(workspace.load(root), [])
    assert "space-data" in catalog.distributions
    assert catalog.own_versions["space-data"] == "0.3.0"


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"literals": [{}]}', '{"literals": [1]}'])
def test_damaged_answers_count_as_absent(root: Path, damage: str) -> None:
    space = workspace.load(root)
    check = LiteralCheck.of("add_ratio", "numerator", 3)
    discover.signatures(space, [], checks=[check])
    (path,) = (root / ".flowlock/signatures").glob("space-tasks-*.literals.json")
    path.write_text(damage)
    catalog = discover.signatures(space, [], checks=[check])
    assert catalog.refusals(catalog.named("add_ratio")[0], check)


@pytest.mark.parametrize(
    "origin", ["", "x", "[]", "[" * 200_000, '{"dir_info": 5}', '{"dir_info": {"editable": true}}']
)
def test_an_origin_that_cannot_be_read_is_not_an_editable_one(origin: str, tmp_path: Path) -> None:
    info = tmp_path / "birds-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: birds\nVersion: 1\n")
    (info / "RECORD").write_text("birds.py,,\n")
    plain = discover._installed_identity(Distribution.at(info))
    (info / "direct_url.json").write_text(origin)
    assert discover._installed_identity(Distribution.at(info)) == plain


def test_a_function_that_no_package_registers_is_named_with_the_line_that_registers_it(root: Path) -> None:
    project = "src/space-tasks/pyproject.toml"
    (line,) = [line for line in (root / project).read_text().splitlines() if "ratios:" in line]
    name = line.partition(" = ")[0]
    change(root / project, f"{line}\n", "")
    # It neither defines the function nor stops the search.
    (root / MODULE).with_name("broken.py").write_text(f"def {name}(:\n")
    with pytest.raises(FlowlockError) as raised:
        task_commands.tasks(workspace.load(root), name)
    assert raised.value.problems[0].code == "FL130"
    assert raised.value.hint == (
        f"{MODULE} defines it: register it with `{line}` "
        f'in [project.entry-points."flowlock.tasks"] of {project}'
    )


@pytest.mark.parametrize("name", ["absent", "pandas", "not a name", "_private("])
def test_a_name_that_no_package_defines_has_no_registration(root: Path, name: str) -> None:
    assert registration(workspace.load(root), name) is None
