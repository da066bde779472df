"""Registered tasks, and describing them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from flowlock_core import registry
from flowlock_core.errors import WorkflowError


def install(folder: Path, distribution: str, entry_points: dict[str, str]) -> None:
    """Put a distribution's metadata in a folder, as an installer would."""
    info = folder / f"{distribution}-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1\n")
    lines = [f"{name} = {target}" for name, target in entry_points.items()]
    (info / "entry_points.txt").write_text("\n".join(["[flowlock.tasks]", *lines, ""]))


def describe(*arguments: str, path: Path) -> subprocess.CompletedProcess[str]:
    """Run the command with a folder of modules on its path."""
    return subprocess.run(
        [sys.executable, "-m", "flowlock_core.command.describe", *arguments],
        check=False,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(path)},
    )


def test_our_own_tasks_are_known_and_load() -> None:
    known = registry.entry_points()
    assert known["load_table"].distribution == "flowlock-core"
    assert {known[name].load().name for name in known} == set(known)


def test_a_task_is_resolved_by_its_name() -> None:
    assert registry.resolve("load_table").tags == ("io",)


def test_an_unknown_task_gets_a_suggestion() -> None:
    with pytest.raises(WorkflowError) as caught:
        registry.resolve("load_tabel")
    assert caught.value.problems[0].hint == "did you mean `load_table`?"


def test_a_name_that_two_distributions_register_is_an_error_that_names_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "first", {"same_task": "one:same_task"})
    install(tmp_path, "second", {"same_task": "two:same_task"})
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(
        WorkflowError, match=r"`same_task` is registered by " r"both first .* and second"
    ) as caught:
        registry.entry_points()
    assert "two:same_task" in caught.value.message


def test_describe_prints_one_document_whatever_modules_print(tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text(
        "import os\nfrom flowlock_core.task import task\nprint('hello')\nos.system('echo from a process')\n"
        "@task\ndef loud(a: int) -> int:\n    'Say.'\n    return a\n"
    )
    points = tmp_path / "points.json"
    points.write_text(json.dumps({"dist": {"loud": "loud:loud"}}))
    done = describe("--entry-points", str(points), path=tmp_path)
    document = json.loads(done.stdout)
    assert [task["name"] for task in document["tasks"]] == ["loud"]
    assert document["errors"] == []
    assert "hello" in done.stderr
    assert "from a process" in done.stderr


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import nowhere_to_be_found", "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("raise SystemExit('bye')", "SystemExit: bye"),
        ("def broken(): ...", "TypeError: broken:broken is not a task"),
        ("x = 1", "AttributeError: "),
        ("def broken(:", "SyntaxError: "),
    ],
)
def test_a_task_that_cannot_be_imported_is_told_and_the_others_described(
    tmp_path: Path, source: str, message: str
) -> None:
    (tmp_path / "broken.py").write_text(source)
    points = tmp_path / "points.json"
    tasks = {"broken": "broken:broken", "never": "flowlock_core.tasks.skip:never"}
    points.write_text(json.dumps({"dist": tasks}))
    done = describe("--entry-points", str(points), path=tmp_path)
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert [task["name"] for task in document["tasks"]] == ["never"]
    [error] = document["errors"]
    assert (error["distribution"], error["task"]) == ("dist", "broken")
    assert error["message"].startswith(message)
