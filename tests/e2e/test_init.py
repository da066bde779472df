"""A new workspace, as its first user meets it."""

import subprocess
from pathlib import Path

from checkout import Checkout
from shared import ROOT


def test_a_new_workspace_syncs_tests_and_runs_at_once(tmp_path: Path) -> None:
    outside = Checkout(root=tmp_path)
    made = outside.flowlock("init", "my workspäce/birds")
    assert made.code == 0, made.err
    new = Checkout(root=tmp_path / "my workspäce/birds")
    subprocess.run(["git", "init", "-q"], cwd=new.root, check=True)
    subprocess.run(["git", "add", "."], cwd=new.root, check=True)
    table = str(ROOT / "examples/penguins/penguins.csv")
    for command in (
        ["new", "workflow", "penguin-look", "--from-data", table],
        ["new", "package", "more-tasks"],
        ["new", "task", "keep_measured", "--package", "more-tasks"],
    ):
        done = new.flowlock(*command)
        assert done.code == 0, (command, done.out, done.err)
    subprocess.run(["git", "add", "."], cwd=new.root, check=True)
    for command in (["sync"], ["sync", "--check"], ["test"], ["run", "penguin-look"], ["check"]):
        done = new.flowlock(*command)
        assert done.code == 0, (command, done.out, done.err)
    assert (new.state.results("penguin-look") / "dashboard.html").is_file()


def test_init_refuses_a_folder_with_files_and_leaves_it_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    done = Checkout(root=tmp_path).flowlock("init", ".")
    assert done.code == 1
    assert "hint:" in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
