"""A build that has nothing to do: what it does without, and what makes the next one look again."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from checkout import Checkout
from flowlock.edges import memo
from idle import edited, idle, repeated
from small import Small

BUILD = ("--profile", "conda-forge", "build")
# Runs a command, and prints which modules it imported.
MODULES = """
import sys
from flowlock.cli import main
code = main(sys.argv[1:])
print(*sorted(sys.modules), sep="\\n")
sys.exit(code)
"""


@pytest.fixture
def kept(small: Small) -> Checkout:
    """A workspace of two packages that are built without any environment."""
    small.add_data("one", "one")
    small.add_data("two", "two")
    return Checkout(root=small.root)


def test_the_last_result_is_repeated_while_nothing_changes(kept: Checkout) -> None:
    first = kept.flowlock(*BUILD)
    assert "built" in first.out
    done = idle(kept, *BUILD)
    assert done.out == first.out.replace("built  (new)", "current")
    document = kept.flowlock("--json", *BUILD).document
    (kept.state.last_outcomes / "build.json").unlink()
    assert kept.flowlock("--json", *BUILD).document == document
    assert [package["status"] for package in document["packages"]] == ["current"] * 2


def test_an_idle_build_imports_neither_the_builder_nor_the_lock(kept: Checkout) -> None:
    def imported() -> set[str]:
        command = [sys.executable, "-c", MODULES, "-q", "-C", str(kept.root), "build"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        modules = done.stdout.split()
        return {".".join(module.split(".")[:2]) for module in modules if module.startswith("flowlock.")}

    of_a_build = {"flowlock.builder", "flowlock.channel", "flowlock.compile", "flowlock.recipe"}
    assert imported() >= of_a_build
    for _ in range(2):
        imported()
    assert not imported() & {*of_a_build, "flowlock.base", "flowlock.running", "flowlock.tasks"}


@pytest.mark.parametrize("options", [("--no-tests",), ("one",), ("--offline",)])
def test_other_options_look_again(kept: Checkout, options: tuple[str, ...]) -> None:
    idle(kept, *BUILD)
    assert not repeated(kept.flowlock("-v", *BUILD, *options))
    assert repeated(kept.flowlock("-v", *BUILD, *options))


@pytest.mark.parametrize("options", [("--dry-run",), ("--verify",), ("--output", "elsewhere")])
def test_what_is_more_than_a_build_is_done_each_time(kept: Checkout, options: tuple[str, ...]) -> None:
    idle(kept, *BUILD)
    for _ in range(3):
        done = kept.flowlock("-v", *BUILD, *options)
        assert done.code == 0, done.err
        assert not repeated(done)
    assert (kept.root / "elsewhere").exists() is ("--output" in options)


CHANGES: dict[str, Callable[[Checkout], object]] = {
    "an edit": lambda c: edited(c, "src/one/data.txt", b"one", b"uno"),
    "a recipe": lambda c: edited(c, "recipes/one/recipe.yaml", b'"1.0"', b'"1.1"'),
    "a setting": lambda c: edited(c, "flowlock.toml", b"2026-11-01", b"2026-11-02"),
    "a file that git does not track": lambda c: (c.root / "src/two/more.txt").write_text("more"),
    "a file that is gone": lambda c: (c.root / "src/two/pyproject.toml").unlink(),
    "a damaged artifact": lambda c: next(c.state.channel.rglob("one-*.conda")).write_bytes(b""),
    "a damaged outcome": lambda c: (c.state.last_outcomes / "build.json").write_text("{}"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_looked_at(kept: Checkout, change: str) -> None:
    idle(kept, *BUILD)
    CHANGES[change](kept)
    done = kept.flowlock("-v", *BUILD)
    assert done.code == 0, done.err
    assert not repeated(done)
    assert "(" in done.out or "damaged" in change


def test_a_state_folder_that_git_does_not_ignore_is_not_a_source(kept: Checkout) -> None:
    (kept.root / ".gitignore").unlink()
    idle(kept, *BUILD)


def test_an_outcome_of_another_shape_counts_as_absent(kept: Checkout) -> None:
    idle(kept, *BUILD)
    path = kept.state.last_outcomes / "build.json"
    content = json.loads(path.read_bytes())["content"]
    for name in content:
        memo.write(path, {**content, name: 7})
        done = kept.flowlock("-v", *BUILD)
        assert done.code == 0, done.err
        assert not repeated(done)


def test_what_runs_and_services_write_is_no_change(kept: Checkout) -> None:
    idle(kept, *BUILD)
    for folder in (kept.state.results("one"), kept.state.served_runs("one"), kept.state.logs):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "written.json").write_text("{}")
    assert repeated(kept.flowlock("-v", *BUILD))


def test_another_link_to_an_installed_file_is_no_change(kept: Checkout, tmp_path: Path) -> None:
    installed, cache = tmp_path / "installed", tmp_path / "cache"
    for folder in (installed, cache):
        folder.mkdir()
    module = installed / "module.py"
    module.write_text("")
    os.link(module, cache / "first.py")

    def build() -> bool:
        done = kept.flowlock("-v", *BUILD, PYTHONPATH=str(installed))
        assert done.code == 0, done.err
        return repeated(done)

    assert any(build() for _ in range(4))
    os.link(module, cache / "second.py")
    assert build()
    module.write_text("changed = 1\n")
    assert not build()
