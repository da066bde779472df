"""What people get wrong, through the command line: a clear answer, exit 1, and nothing half-written."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from checkout import Checkout, Outcome, copy_repository

SIX_MISTAKES = """\
id: birds
requirements:
  - {name: flowlock-core, version: ">=0.1"}
  - {name: flowlock-ext-tabular, version: ">=0.1"}
workflow:
  - id: table
    task: load_tabel
  - id: len
    task: load_table
    partial: {format: speadsheet}
  - id: clean
    task: drop_missing
    partial:
      df: ${{ workflow.tabel.return }}
      colums: [mass]
  - id: clean
    task: count_rows
    parital: {}
"""


@pytest.fixture
def fresh(tmp_path: Path) -> Checkout:
    """A checkout that was never synced."""
    root = tmp_path / "chéckout"
    root.mkdir()
    copy_repository(root)
    return Checkout(root=root)


def assert_refused(done: Outcome, *words: str) -> None:
    assert done.code == 1, (done.code, done.err)
    assert "Traceback" not in done.err
    for word in words:
        assert word in done.err + done.out, (word, done.err)


def test_six_mistakes_are_listed_together_with_their_places(fresh: Checkout) -> None:
    spec = fresh.root / "examples/birds/spec.yaml"
    spec.parent.mkdir()
    spec.write_text(SIX_MISTAKES)
    done = fresh.flowlock("--json", "check", spec)
    assert done.code == 1
    assert done.document["ok"] is False
    problems = done.document["problems"]
    assert all(set(one) == {"code", "message", "file", "line", "column", "hint"} for one in problems)
    assert {one["file"] for one in problems} == {"examples/birds/spec.yaml"}
    places = [(one["line"], one["column"]) for one in problems]
    assert places == sorted(places)
    # The task, the builtin, the enum's value, the reference, the argument, the id given twice, the key.
    expected = {(7, 11), (8, 9), (10, 23), (14, 11), (15, 7), (16, 9), (18, 5)}
    assert expected <= set(places), problems
    hints = {(one["line"], one["column"]): one["hint"] for one in problems}
    assert "load_table" in hints[7, 11]
    assert "columns" in hints[15, 7]
    assert "partial" in hints[18, 5]


def test_check_prints_annotations_for_github(fresh: Checkout) -> None:
    spec = fresh.root / "examples/birds/spec.yaml"
    spec.parent.mkdir()
    spec.write_text(SIX_MISTAKES)
    done = fresh.flowlock("check", spec, "--format", "github")
    assert done.code == 1
    assert "::error file=examples/birds/spec.yaml,line=7,col=11" in done.out


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"id: [birds\n", ("spec.yaml:", "FL1")),
        (b"id: birds\nid: birds\nworkflow: []\n", ("spec.yaml:2:1", "twice")),
        (b"\xff\xfe\x00", ("UTF-8",)),
        (b"- not a mapping\n", ("spec.yaml:1:1",)),
        (b"", ("spec.yaml:1:1",)),
    ],
)
def test_a_spec_that_cannot_be_read_stops_sync_before_anything_is_made(
    fresh: Checkout, content: bytes, words: tuple[str, ...]
) -> None:
    spec = fresh.root / "examples/penguins/spec.yaml"
    spec.write_bytes(content)
    before = state(fresh.root / "examples")
    assert_refused(fresh.flowlock("sync"), *words)
    assert state(fresh.root / "examples") == before
    assert not fresh.state.base_channels.exists()


def state(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_spec_that_is_not_there_is_named(fresh: Checkout) -> None:
    assert_refused(fresh.flowlock("check", "examples/nothing/spec.yaml"), "examples/nothing/spec.yaml")


def test_what_lost_its_source_is_named(fresh: Checkout) -> None:
    (fresh.root / "examples/weather/spec.yaml").unlink()
    (fresh.root / "recipes/flowlock-ext-tabular").rename(fresh.root / "recipes/flowlock-ext-birds")
    done = fresh.flowlock("check")
    assert_refused(done, "FL308", "examples/weather/flowlock-weather-workflow", "FL309", "flowlock-ext-birds")


def test_a_task_package_that_is_not_installed_is_named(fresh: Checkout) -> None:
    spec = fresh.root / "examples/penguins/spec.yaml"
    text = spec.read_text().replace("requirements:\n", "requirements:\n  - {name: flowlock-ext-birds}\n", 1)
    spec.write_text(text.replace("task: count_rows", "task: count_birds", 1))
    assert_refused(fresh.flowlock("check"), "examples/penguins/spec.yaml:", "flowlock-ext-birds")


def test_a_task_package_that_fails_to_import_is_named_with_its_own_words(fresh: Checkout) -> None:
    module = fresh.root / "src/flowlock-ext-tabular/flowlock_ext_tabular/cleaning.py"
    module.write_text(module.read_text() + "\nimport no_such_module_at_all\n")
    assert_refused(fresh.flowlock("check"), "flowlock-ext-tabular", "no_such_module_at_all")


def test_packages_that_nobody_knows_are_refused_before_anything_is_made(fresh: Checkout) -> None:
    done = fresh.flowlock("--json", "build", "penguin", "x" * 9)
    assert_refused(done, "package or workflow `penguin` does not exist")
    nearest, every = done.document["problems"]
    assert (nearest["code"], nearest["hint"]) == ("FL521", "did you mean `penguins`?")
    assert "flowlock-core, flowlock-dagster, flowlock-ext-ecoscope, flowlock-ext-privacy" in every["hint"]
    assert not fresh.state.path.exists()


def test_a_folder_without_a_workspace_says_how_to_get_one(tmp_path: Path) -> None:
    assert_refused(Checkout(root=tmp_path).flowlock("sync"), "flowlock.toml", "flowlock init")


def test_a_broken_flowlock_toml_is_reported_with_line_and_column(fresh: Checkout) -> None:
    (fresh.root / "flowlock.toml").write_text('[workspace]\nname = "x\n')
    assert_refused(fresh.flowlock("sync"), "flowlock.toml:2:")


def test_unknown_keys_of_flowlock_toml_are_reported_together(fresh: Checkout) -> None:
    path = fresh.root / "flowlock.toml"
    path.write_text(path.read_text().replace("epoch =", "epok =").replace("[build]", "[build]\nspeed = 9"))
    assert_refused(fresh.flowlock("sync"), "epok", "speed", "epoch")


def test_a_usage_error_exits_2_and_json_stays_one_document(fresh: Checkout) -> None:
    done = fresh.flowlock("--json", "sync", "--no-such-option")
    assert done.code == 2
    assert done.document["ok"] is False
    assert "--no-such-option" in done.err


def test_an_unreachable_package_index_is_said_and_nothing_is_half_written(fresh: Checkout) -> None:
    done = fresh.flowlock("sync", UV_DEFAULT_INDEX="http://127.0.0.1:9/simple", UV_HTTP_RETRIES="0")
    assert_refused(done, "FL412", "hint:")
    assert not list(fresh.state.base_channels.rglob("*.conda"))


def test_a_file_where_the_state_belongs_is_named(fresh: Checkout) -> None:
    fresh.state.path.write_text("")
    assert_refused(fresh.flowlock("sync"), ".flowlock")


@pytest.fixture
def small_disk(fresh: Checkout) -> Iterator[Path]:
    """Mount a disk of 3 MB where the state belongs."""
    state_folder = fresh.state.path
    state_folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", state_folder], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a small file system needs root")
    yield state_folder
    subprocess.run(["umount", state_folder], check=True)


def test_a_full_disk_is_said(fresh: Checkout, small_disk: Path) -> None:
    done = fresh.flowlock("sync")
    assert_refused(done, "FL010", "space")
    leftovers = [path.name for path in small_disk.rglob(".flowlock-tmp-*")]
    assert not leftovers


def test_a_read_only_state_is_said(fresh: Checkout, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    assert_refused(fresh.flowlock("sync"), "FL011", "read-only")


Make = Callable[[], Checkout]


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda data: data.unlink(), ("penguins.csv", "params.yaml")),
        (lambda data: rewrite(data, b"a,b\n1,2\n"), ("column", "species")),
    ],
    ids=["absent", "other columns"],
)
def test_data_that_does_not_fit_is_said_by_the_run(
    checkout: Make, edit: Callable[[Path], None], words: tuple[str, ...]
) -> None:
    copy = checkout()
    edit(copy.root / "examples/penguins/penguins.csv")
    done = copy.flowlock("--json", "run", "penguins")
    assert_refused(done, *words)
    (problem,) = done.document["problems"]
    assert problem["code"] in ("FL730", "FL731")
    assert (problem["file"], problem["line"], problem["column"]) == ("examples/penguins/params.yaml", 3, 9)
    assert "penguins.csv" in problem["message"] + problem["hint"]
    assert not copy.state.results("penguins").exists()


def test_what_is_wrong_with_parameters_is_shown_with_the_lines_of_the_file(
    synced: Checkout, tmp_path: Path
) -> None:
    params = tmp_path / "my paräms.yaml"
    params.write_text("observations:\n  path: 3\n  tiem_columns: []\n")
    results = tmp_path / "results"
    done = synced.flowlock("run", "penguins", "--params", params, "--results", results)
    assert_refused(
        done,
        "error: penguins failed: the parameters are not valid for the workflow\n",
        f"{params}:2:9: FL728 observations.path: expected a path, not 3\n  2 |   path: 3\n    |         ^",
        f"{params}:3:3: FL725 observations.tiem_columns: unknown parameter",
        "did you mean `time_columns`?",
    )
    assert not results.exists()


def test_a_test_case_that_fails_is_told_with_its_place(checkout: Make) -> None:
    copy = checkout()
    cases = copy.root / "examples/penguins/test-cases.yaml"
    odd = b"odd:\n  mocks: {observations: penguins.csv}\n  expect: {title: Parrots}\n"
    rewrite(cases, odd + b"  params: {observations: {null_words: [NA]}}\neven: {}\n")
    done = copy.flowlock("--json", "test", "penguins")
    assert done.code == 1
    (workflow,) = done.document["workflows"]
    first, second = workflow["cases"]
    (problem,) = first["problems"]
    assert (problem["code"], problem["file"]) == ("FL736", "examples/penguins/test-cases.yaml")
    assert (problem["line"], problem["column"]) == (3, 19)
    (problem,) = second["problems"]
    assert (problem["code"], problem["line"], problem["column"]) == ("FL731", 5, 1)
    assert "3 |   expect: {title: Parrots}" in workflow["output"]


def rewrite(path: Path, data: bytes) -> None:
    path.unlink()
    path.write_bytes(data)


def test_results_never_replace_a_folder_with_other_files(synced: Checkout, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    assert_refused(synced.flowlock("run", "penguins", "--results", tmp_path), "FL713")
    assert os.listdir(tmp_path) == ["thesis.txt"]  # noqa: PTH208 - names are all that is asked


def test_a_folder_that_only_looks_like_results_is_left_alone(synced: Checkout, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / "thesis.txt").write_text("years of work")
    assert_refused(synced.flowlock("run", "penguins", "--results", tmp_path), "FL713")
    assert (tmp_path / "thesis.txt").is_file()
