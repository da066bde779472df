"""A run with a cache: what is reused, what runs again, and what is said of it."""

import json
import re
import shutil
from collections.abc import Callable

import pytest

from resumable import PARAMS, TASKS, Gauges

ALL = ["scaled", "highest 2", "highest 1", "report"]


def test_without_resume_everything_runs_and_is_kept(gauges: Gauges) -> None:
    assert gauges.run() == ALL
    assert gauges.run() == ALL
    assert gauges.run("--resume") == []


def test_a_resumed_run_gives_the_same_bytes_and_says_so(gauges: Gauges) -> None:
    gauges.run()
    before = gauges.contents()
    assert set(before) == {"result.json", "sub/report.txt", "high-gauge-a.csv", "high-gauge-b.csv"}
    shutil.rmtree(gauges.folder / "r")
    assert gauges.run("--resume", "--explain") == []
    assert gauges.contents() == before
    for step in ("levels", "scaled", "high", "table"):
        assert re.search(rf"^reused   {step} ", gauges.err, re.MULTILINE)
        assert gauges.explained(step).startswith("reused because")


def test_with_no_cache_nothing_is_kept(gauges: Gauges) -> None:
    gauges.run("--no-cache")
    assert not (gauges.folder / "cache").exists()
    assert gauges.run("--resume") == ALL


CHANGES: dict[str, tuple[Callable[[Gauges], object], list[str], str, str]] = {
    "a parameter": (
        lambda one: (one.folder / "params.yaml").write_text(PARAMS.replace("2", "3")),
        ALL,
        "scaled",
        "ran because its argument `by` changed",
    ),
    "the contents of a file": (
        lambda one: (one.folder / "data.csv").write_text("gauge,level\na,1\na,4\nb,2\n"),
        ["scaled", "highest 2", "report"],
        "levels",
        r"ran because the file .*data.csv changed",
    ),
    "the code": (
        lambda one: one.source.write_text(TASKS + "\n# changed\n"),
        ALL,
        "scaled",
        r"ran because the code of flowlock_\d+_workflow, or of its requirements, changed",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_depends_on_a_change_runs_again(what: str, gauges: Gauges) -> None:
    change, ran, step, said = CHANGES[what]
    gauges.run()
    change(gauges)
    assert gauges.run("--resume", "--explain") == ran
    assert re.match(said, gauges.explained(step))
    undisturbed = gauges.contents()
    gauges.run("--no-cache", results="other")
    other = gauges.contents("other")
    assert undisturbed == other


def test_an_input_that_leads_to_the_same_table_stops_at_once(gauges: Gauges) -> None:
    gauges.run()
    (gauges.folder / "data.csv").write_text("gauge,level\r\na,1\r\na,3\r\nb,2\r\n")
    assert gauges.run("--resume", "--explain") == []
    assert gauges.explained("levels").startswith("ran because the file")
    assert gauges.explained("scaled").startswith("reused because")


def test_skipped_calls_are_kept_too(gauges: Gauges) -> None:
    (gauges.folder / "data.csv").write_text("gauge,level\n")
    (gauges.folder / "params.yaml").write_text(
        "levels: {path: data.csv, number_columns: [level]}\nscaled: {by: 2}\ngroups: {by: [gauge]}\n"
    )
    first = gauges.run()
    skipped = [line for line in gauges.err.splitlines() if line.startswith("skipped")]
    assert gauges.run("--resume") == [] or first == []
    assert [line.split()[1] for line in gauges.err.splitlines() if line.startswith("skipped")] == [
        line.split()[1] for line in skipped
    ]


def test_results_of_another_folder_are_not_taken_for_files_here(gauges: Gauges) -> None:
    gauges.run()
    assert gauges.run("--resume", "--explain", results="other") == []
    assert gauges.explained("text") == "ran because its files were written to another results folder"
    text = "other/sub/report.txt"
    assert (gauges.folder / text).read_bytes() == (gauges.folder / "r/sub/report.txt").read_bytes()


def test_a_file_that_somebody_changed_is_restored(gauges: Gauges) -> None:
    gauges.run()
    before = gauges.contents()
    (gauges.folder / "r/sub/report.txt").write_text("scribbled over")
    (gauges.folder / "r/high-gauge-a.csv").unlink()
    assert gauges.run("--resume") == []
    assert gauges.contents() == before


def test_from_runs_a_step_and_all_that_follows(gauges: Gauges) -> None:
    gauges.run()
    assert gauges.run("--from", "high", "--explain") == ["highest 2", "highest 1", "report"]
    assert gauges.explained("high") == "ran because --from high was given"
    assert gauges.explained("report") == "ran because --from high was given"
    assert gauges.explained("scaled").startswith("reused")


def test_only_runs_one_step_and_what_it_needs(gauges: Gauges) -> None:
    assert gauges.run("--only", "high") == ["scaled", "highest 2", "highest 1"]
    assert gauges.run("--only", "high") == ["highest 2", "highest 1"]
    assert not (gauges.folder / "r/result.json").exists()
    assert gauges.out == ""


@pytest.mark.parametrize(
    "wrong",
    [["--only", "hihg"], ["--from", "hihg"], ["--no-cache", "--resume"], ["--no-cache", "--only", "high"]],
)
def test_options_that_do_not_fit_are_told(wrong: list[str], gauges: Gauges) -> None:
    gauges.run(*wrong)
    assert gauges.code == 2
    assert "FL739" in gauges.err
    assert ("did you mean `high`?" in gauges.err) == ("hihg" in wrong)


def test_what_cannot_be_kept_runs_again_and_the_reason_is_told(gauges: Gauges) -> None:
    (gauges.folder / "odd.yaml").write_text("{}")
    ran = ["noise", "opaque", "called", "fetched", "together"]
    assert gauges.run("--explain", workflow="odd") == ran
    assert gauges.run("--resume", "--explain", workflow="odd") == ran[:-1]
    says = {
        "noise": "not cached because its task is tagged `random`",
        "opaque": r"ran because .*; not cached because its result has no digest: .*<lambda>, which cannot be",
        "called": "not cached because its argument `value` has no digest: ",
        "fetched": "not cached because its task reads external data, but no argument identifies it",
        "together": "reused because",
    }
    for step, said in says.items():
        assert re.match(said, gauges.explained(step)), gauges.explained(step)


def test_files_that_are_read_count_by_their_contents_wherever_their_names_are_from(gauges: Gauges) -> None:
    params = gauges.folder / "files.yaml"
    params.write_text("path: {text: abc}\n")
    assert gauges.run(workflow="files") == [
        "size_of made.txt",
        "size_of data.csv",
        "size_of other.csv",
        "together",
    ]
    assert gauges.run("--resume", workflow="files") == []
    (gauges.folder / "other.csv").write_text("y\n22\n")
    assert gauges.run("--resume", workflow="files") == ["size_of other.csv", "together"]
    params.write_text("path: {text: abcd}\n")
    assert gauges.run("--resume", workflow="files") == ["size_of made.txt", "together"]


@pytest.mark.parametrize("executor", ["sequential", "threads"])
def test_a_resumed_run_on_any_executor_takes_what_any_other_kept(executor: str, gauges: Gauges) -> None:
    gauges.run("--executor", "threads", "--jobs", "3")
    before = gauges.contents()
    assert gauges.run("--resume", "--executor", executor) == []
    assert gauges.contents() == before


def test_elements_are_reused_one_by_one(gauges: Gauges) -> None:
    gauges.run()
    (gauges.folder / "data.csv").write_text("gauge,level\na,1\na,3\nb,2\nc,1\n")
    assert gauges.run("--resume", "--explain") == ["scaled", "highest 1", "report"]
    assert gauges.explained("high").startswith("2 reused, 1 ran because it has not run with these inputs")
    assert json.loads(gauges.contents()["result.json"])["result"] == "a: 6.0\nb: 4.0\nc: 2.0"
