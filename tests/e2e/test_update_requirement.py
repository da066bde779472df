"""`flowlock update-requirement` in a synced workspace: every place and every lock moves, or nothing does."""

from collections.abc import Callable
from pathlib import Path

from checkout import Checkout


def places(root: Path) -> dict[str, str]:
    paths = [root / "flowlock.toml", *root.glob("*/*/recipe.yaml"), *root.glob("src/*/pyproject.toml")]
    paths += [path for path in root.glob("examples/**/*") if path.is_file()]
    return {path.relative_to(root).as_posix(): path.read_text() for path in paths}


def test_a_requirement_moves_in_recipe_and_pyproject_and_the_locks_follow(
    checkout: Callable[[], Checkout],
) -> None:
    made = checkout()
    before = places(made.root)
    planned = made.flowlock("--json", "update-requirement", "natsort", "8.4.0", "--dry-run")
    assert planned.code == 0, planned.err
    assert places(made.root) == before
    done = made.flowlock("--json", "update-requirement", "natsort", "8.4.0")
    assert done.code == 0, done.err
    assert done.document["changes"] == planned.document["changes"]
    changed = {name for name, text in places(made.root).items() if text != before[name]}
    assert {name for name in changed if not name.endswith("pixi.lock")} == {
        "recipes/flowlock-ext-tabular/recipe.yaml",
        "src/flowlock-ext-tabular/pyproject.toml",
    }
    assert '"natsort>=8.4.0"' in places(made.root)["src/flowlock-ext-tabular/pyproject.toml"]
    assert any(name.endswith("pixi.lock") for name in changed)
    assert made.flowlock("lock", "--check").code == 0
    again = made.flowlock("update-requirement", "natsort", "8.4.0")
    assert again.code == 0, again.err
    assert "already" in again.out


def test_a_requirement_that_cannot_be_met_leaves_every_file_as_it_was(
    checkout: Callable[[], Checkout],
) -> None:
    made = checkout()
    before = places(made.root)
    for arguments, words in (
        (("flowlock-ext-tabular", "99.0"), "flowlock-ext-tabular"),
        (("absent-package", "1.0"), "FL852"),
        (("pandas", "=="), "FL851"),
    ):
        done = made.flowlock("update-requirement", *arguments)
        assert done.code == 1, done.out
        assert words in done.err
        assert "Traceback" not in done.err
        assert places(made.root) == before
