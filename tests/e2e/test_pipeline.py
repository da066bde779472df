"""From spec to results, as a user runs it."""

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from checkout import Checkout

Make = Callable[[], Checkout]


def replace(path: Path, content: bytes) -> None:
    """Write as an editor would: a new file, since the checkout's files are hard links to another's."""
    path.unlink()
    path.write_bytes(content)


def the(folder: Path, pattern: str) -> Path:
    found = list(folder.glob(pattern))
    assert len(found) == 1, found
    return found[0]


def test_a_second_sync_says_of_every_stage_that_it_is_current(synced: Checkout) -> None:
    stages = synced.stages()
    assert set(stages) == {"compile", "base", "build", "lock", "pins"}
    assert set(stages.values()) == {"current"}


def test_a_removed_artifact_is_entered_again_with_the_same_bytes(checkout: Make) -> None:
    copy = checkout()
    before = copy.channel_files()
    the(copy.state.channel / "noarch", "flowlock-core-*.conda").unlink()
    stages = copy.stages()
    assert [name for name, status in stages.items() if status != "current"] == ["build"]
    assert copy.channel_files() == before


def test_a_corrupted_index_is_mended_and_nothing_else_runs(checkout: Make) -> None:
    copy = checkout()
    before = copy.channel_files()
    replace(copy.state.channel / "noarch/repodata.json", b"{")
    stages = copy.stages()
    assert [name for name, status in stages.items() if status != "current"] == ["build"]
    assert copy.channel_files() == before


def test_an_edited_source_line_moves_that_package_and_the_locks_only(checkout: Make) -> None:
    copy = checkout()
    before = set(copy.channel_files())
    module = copy.root / "src/flowlock-ext-tabular/flowlock_ext_tabular/__init__.py"
    replace(module, module.read_bytes() + b"\n# An edit.\n")
    stages = copy.stages()
    assert [name for name, status in stages.items() if status != "current"] == ["build", "lock", "pins"]
    after = set(copy.channel_files())
    archives = {name for name in after ^ before if name.endswith(".conda")}
    assert {name.split("/")[1].rsplit("-", 2)[0] for name in archives} == {"flowlock-ext-tabular"}


def test_an_edited_title_in_a_spec_moves_that_workflow_only(checkout: Make) -> None:
    copy = checkout()
    before = set(copy.channel_files())
    spec = copy.root / "examples/penguins/spec.yaml"
    replace(spec, spec.read_bytes().replace(b"title: ", b"title: New ", 1))
    stages = copy.stages()
    assert [name for name, status in stages.items() if status != "current"] == [
        "compile",
        "build",
        "lock",
        "pins",
    ]
    archives = {name for name in set(copy.channel_files()) ^ before if name.endswith(".conda")}
    assert {name.split("/")[1].rsplit("-", 2)[0] for name in archives} == {"flowlock-penguins-workflow"}


@pytest.mark.parametrize("workflow", ["penguins", "weather", "carbon"])
def test_a_workflow_runs_from_its_lock_and_is_current_when_run_again(
    workflow: str, synced: Checkout, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    arguments = ("--json", "run", workflow, "--results", results, "--if-changed")
    first = synced.flowlock(*arguments)
    assert first.code == 0, first.err
    assert first.document["status"] == "ran"
    page = (results / "dashboard.html").read_text()
    assert "default-src 'none'" in page
    assert not re.search(r"<(?:script|link|img|iframe)[^>]+(?:src|href)\s*=\s*[\"']?http", page)
    assert synced.flowlock(*arguments).document["status"] == "current"
    (results / "dashboard.html").write_text("edited")
    assert synced.flowlock(*arguments).document["status"] == "ran"


def test_edited_data_makes_a_run_stale(checkout: Make) -> None:
    copy = checkout()
    arguments = ("--json", "run", "penguins", "--if-changed")
    assert copy.flowlock(*arguments).document["status"] == "ran"
    assert copy.flowlock(*arguments).document["status"] == "current"
    data = copy.root / "examples/penguins/penguins.csv"
    replace(data, b"\n".join(data.read_bytes().splitlines()[:-9]) + b"\n")
    assert copy.flowlock(*arguments).document["status"] == "ran"


def installed(synced: Checkout) -> Path:
    with tempfile.TemporaryDirectory() as results:
        done = synced.flowlock("run", "penguins", "--results", results)
    assert done.code == 0, done.err
    return the(synced.state.environments("embedded", "penguins", "default"), "*/conda-meta").parent


def test_the_installed_environment_has_the_run_time_and_not_the_toolchain(synced: Checkout) -> None:
    prefix = installed(synced)
    bare = {"PATH": os.defpath}
    python = prefix / "bin/python"
    subprocess.run([python, "-c", "import flowlock_core"], env=bare, check=True)
    failed = subprocess.run(
        [python, "-c", "import flowlock"], env=bare, check=False, capture_output=True, text=True
    )
    assert "ModuleNotFoundError" in failed.stderr


def test_the_installed_command_runs_from_any_directory(synced: Checkout, tmp_path: Path) -> None:
    command = installed(synced) / "bin/flowlock-penguins-workflow"
    params = synced.root / "examples/penguins/params.yaml"
    for executor in ("sequential", "processes"):
        subprocess.run(
            [command, "run", "--params", params, "--results", tmp_path / executor, "--executor", executor],
            cwd=tmp_path,
            env={"PATH": os.defpath},
            check=True,
        )
        assert (tmp_path / executor / "dashboard.html").is_file()
    results = [(tmp_path / executor / "result.json").read_text() for executor in ("sequential", "processes")]
    assert json.loads(results[0])
    assert results[0].replace("/sequential/", "/processes/") == results[1]


def test_the_interpreter_of_the_environment_needs_only_itself_and_the_system(synced: Checkout) -> None:
    prefix = installed(synced)
    listed = subprocess.run(["ldd", prefix / "bin/python"], check=True, capture_output=True, text=True).stdout
    paths = re.findall(r"=> (.+) \(0x", listed)
    assert paths
    foreign = [p for p in paths if not p.startswith(("/lib", "/usr/lib", str(prefix)))]
    assert not foreign


def test_test_cases_run_in_the_locked_environment(synced: Checkout) -> None:
    done = synced.flowlock("--json", "test")
    assert done.code == 0, done.out + done.err
    names = {entry["workflow"] for entry in done.document["workflows"]}
    assert names == {"penguins", "weather", "carbon", "clean-table", "trends", "wages"}


def test_locks_name_no_path_of_this_machine(synced: Checkout) -> None:
    locks = list(synced.state.locks.rglob("pixi.lock"))
    assert len(locks) == 6
    for lock in locks:
        text = lock.read_text()
        assert "file://" not in text
        assert str(synced.root) not in text
        assert "indexed_timestamp" not in text
        assert "https://prefix.dev/flowlock/noarch/flowlock-core-" in text
