"""The command line of wt: a package is driven as its runner does, and wrong input is refused."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flowlock_core.cli import main
from flowlock_core.wt.conversion import converted
from wt_package import write_package
from wt_runner import SCRIPT, WtRunner

PARAMS = {"table": {"path": "data.csv"}}
NUMBERS: dict[str, Any] = {"added": {"range": {"days": [1, 2]}}}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """Make a package importable, whose name is unique."""
    name = f"flowlock_wt_{abs(hash(request.node.name))}_workflow"
    write_package(tmp_path / "packages", name)
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    monkeypatch.chdir(tmp_path)
    for variable in ("WT_RESULTS", "ECOSCOPE_WORKFLOWS_RESULTS", "FLOWLOCK_CACHE_DIR"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("FLOWLOCK_CACHE_DIR", str(tmp_path / "cache"))
    return name


def runner_of(package: str, folder: Path, function: str = "dashboards", **settings: str) -> WtRunner:
    return WtRunner(
        workflow=f"{package}.workflow:{function}", folder=folder, path=folder / "packages", **settings
    )


@pytest.mark.parametrize("variable", ["WT_RESULTS", "ECOSCOPE_WORKFLOWS_RESULTS"])
def test_a_run_of_the_runner_gives_result_json_and_prints_nothing(
    package: str, tmp_path: Path, variable: str
) -> None:
    runner = runner_of(package, tmp_path, variable=variable)
    ended = runner.run(PARAMS, "--otel-console-exporter-dst", "file")
    assert (ended.code, ended.out, ended.err) == (0, "", "something was imported\n")
    assert ended.result is not None
    assert set(ended.result) == {"result", "error", "trace"}
    assert (ended.result["error"], ended.result["trace"]) == (None, None)
    assert ended.result["result"]["widgets"][0]["views"] == [{"key": [], "value": 2, "unit": ""}]
    # The folder is the runner's: nothing of ours but the page is in it.
    assert sorted(path.name for path in runner.results.iterdir()) == ["dashboard.html", "result.json"]


def test_paths_are_relative_to_the_folder_in_which_the_runner_calls(package: str, tmp_path: Path) -> None:
    ended = runner_of(package, tmp_path).run({"table": {"path": "nowhere.csv"}})
    assert ended.result is not None
    assert f"file {tmp_path / 'nowhere.csv'} does not exist" in ended.result["error"]


def test_input_is_mocked_only_if_the_runner_says_so(package: str, tmp_path: Path) -> None:
    runner = runner_of(package, tmp_path)
    assert runner.run({}, mock_io=True).code == 0
    assert runner.run({}, mock_io=False).code == 1


@pytest.mark.parametrize("mode", ["sequential", "async"])
def test_a_result_that_is_not_an_object_is_put_into_one(package: str, tmp_path: Path, mode: str) -> None:
    ended = runner_of(package, tmp_path, "numbers").run(NUMBERS, mode=mode)
    assert (ended.code, ended.out) == (0, "")
    assert ended.result == {"result": {"result": [1, 2]}, "error": None, "trace": None}


def test_parameters_may_be_json_on_the_command_line(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WT_RESULTS", str(tmp_path / "by path"))
    arguments = ["run", "--config-json", json.dumps(NUMBERS), "--execution-mode=sequential"]
    assert main(f"{package}.workflow:numbers", arguments) == 0
    assert capfd.readouterr().out == ""
    assert json.loads((tmp_path / "by path/result.json").read_text())["result"] == {"result": [1, 2]}


def test_a_step_that_fails_is_reported_in_result_json_which_replaces_an_old_one(
    package: str, tmp_path: Path
) -> None:
    runner = runner_of(package, tmp_path, "numbers")
    runner.run(NUMBERS)
    ended = runner.run({"added": {**NUMBERS["added"], "then": "fail"}})
    assert (ended.code, ended.out) == (0, "")
    assert ended.result is not None
    assert ended.result["result"] is None
    assert "FL733 added: the task add failed: ValueError: it was to fail" in ended.result["error"]
    assert "Traceback" not in ended.result["error"]
    assert "Traceback" in ended.result["trace"]
    assert "it was to fail" in ended.err


def test_a_run_that_is_killed_leaves_a_result_json_that_says_so(package: str, tmp_path: Path) -> None:
    runner = runner_of(package, tmp_path, "numbers")
    runner.run(NUMBERS)
    ended = runner.run({"added": {**NUMBERS["added"], "then": "die"}})
    assert ended.code == 1
    assert ended.result is not None
    assert ended.result["result"] is None
    assert ended.result["error"].startswith("the run did not end")


def test_parameters_that_are_not_valid_are_reported_in_result_json(package: str, tmp_path: Path) -> None:
    ended = runner_of(package, tmp_path, "numbers").run({"added": {"rang": 1}, "nothing": {}})
    assert (ended.code, ended.out) == (1, "")
    assert ended.result is not None
    for words in ("FL725 added.rang", "did you mean `range`?", "FL724 nothing"):
        assert words in ended.result["error"]
        assert words in ended.err
    # Neither is an option of this command line.
    assert "--set" not in ended.result["error"]
    assert "--params" not in ended.result["error"]


@pytest.mark.parametrize("text", ["", "{", "[1]", "a: [", "a: b: c", "\x00", '{"added": 1}'])
def test_a_config_that_cannot_be_read_is_reported_without_a_traceback(
    package: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    text: str,
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(text)
    monkeypatch.setenv("WT_RESULTS", (tmp_path / "r").as_uri())
    arguments = ["run", "--config-file", str(config), "--execution-mode", "sequential"]
    assert main(f"{package}.workflow:numbers", arguments) == 1
    assert "Traceback" not in capsys.readouterr().err
    assert json.loads((tmp_path / "r/result.json").read_text())["error"]


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, "WT_RESULTS or ECOSCOPE_WORKFLOWS_RESULTS must be set"),
        ({"WT_RESULTS": "file:///a", "ECOSCOPE_WORKFLOWS_RESULTS": "file:///b"}, "have different values"),
    ],
)
def test_results_without_one_place_are_refused(
    package: str,
    variables: dict[str, str],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    arguments = ["run", "--config-json", "{}", "--execution-mode", "sequential"]
    assert main(f"{package}.workflow:numbers", arguments) == 2
    err = capsys.readouterr().err
    assert "FL790" in err
    assert words in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--config-json", "{}"],
        ["run", "--execution-mode", "sequential"],
        ["run", "--config-json", "{}", "--config-file", "x", "--execution-mode", "sequential"],
        ["run", "--config-json", "{}", "--execution-mode", "parallel"],
        ["run", "--config-json", "{}", "--execution-mode", "sequential", "--only", "added"],
        ["run", "--config-json", "{}", "--execution-mode", "sequential", "--params", "x"],
        ["run", "--config-json", "{}", "--execution-mode", "sequential", "--otel-exporter", "x"],
        ["get"],
        ["get", "spec"],
        ["convert", "--from", "params", "--to", "params"],
        ["convert", "--from", "params"],
        ["convert", "--from", "form", "--to", "params"],
    ],
)
def test_a_wrong_command_line_is_a_usage_error(
    package: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WT_RESULTS", "file:///nowhere")
    assert main(f"{package}.workflow:numbers", arguments) == 2
    assert "FL739" in capsys.readouterr().err


def test_a_url_that_is_not_for_results_is_refused(
    package: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WT_RESULTS", "https://user:planted-secret@example.org/x")
    arguments = ["run", "--config-json", "{}", "--execution-mode", "sequential"]
    assert main(f"{package}.workflow:numbers", arguments) == 2
    err = capsys.readouterr().err
    assert "FL748" in err
    assert "planted-secret" not in err


def test_documents_are_printed_as_json_whatever_is_printed_by_an_import(package: str, tmp_path: Path) -> None:
    runner = runner_of(package, tmp_path, "connected")
    form = json.loads(runner.check_output("get", "rjsf"))
    assert set(form) == {"title", "properties", "$defs", "additionalProperties", "uiSchema"}
    assert form["uiSchema"] == {"ui:order": ["Data"]}
    assert "table" in json.loads(runner.check_output("get", "params"))["properties"]
    names = json.loads(runner.check_output("get", "data-connection-property-names"))
    assert names == {"EarthRanger": ["observed"]}


def test_form_data_and_parameters_are_converted_on_stdin(package: str, tmp_path: Path) -> None:
    runner = runner_of(package, tmp_path)
    form = {"Data": PARAMS}
    to_params = runner.check_output("convert", "--from", "formdata", "--to", "params", stdin=json.dumps(form))
    assert json.loads(to_params) == {"result": PARAMS}
    to_form = runner.check_output("convert", "--from", "params", "--to", "formdata", stdin=json.dumps(PARAMS))
    assert json.loads(to_form) == {"result": form}


def test_problems_of_form_data_have_the_path_of_their_value(package: str, tmp_path: Path) -> None:
    form = {"Data": {"added": {"range": {"days": [1, "x"]}, "thn": ""}}, "Other": 1}
    runner = runner_of(package, tmp_path, "numbers")
    stdin = json.dumps(form)
    out = json.loads(runner.check_output("convert", "--from", "formdata", "--to", "params", stdin=stdin))
    assert [(error["path"], error["validator"]) for error in out["validation_errors"]] == [
        (["Other"], "additionalProperties")
    ]
    del form["Other"]
    stdin = json.dumps(form)
    out = json.loads(runner.check_output("convert", "--from", "formdata", "--to", "params", stdin=stdin))
    errors = {tuple(error["path"]): error for error in out["validation_errors"]}
    assert set(errors) == {("Data", "added", "range", "days", 1), ("Data", "added", "thn")}
    error = errors["Data", "added", "range", "days", 1]
    assert set(error) == {"message", "path", "schema_path", "validator", "input", "code", "hint"}
    assert (error["input"], error["code"]) == ("x", "FL728")
    assert errors["Data", "added", "thn"]["hint"] == "did you mean `then`?"


@pytest.mark.parametrize("document", [None, 1, "x", [], [1], True])
def test_what_is_not_an_object_is_refused_at_the_root(package: str, document: Any) -> None:
    from flowlock_core.command.bundle import Bundle

    for to_params in (True, False):
        (error,) = converted(
            document, Bundle.named(f"{package}.workflow:numbers"), to_params=to_params
        ).errors
        assert (error["path"], error["validator"], error["input"]) == ([], "type", document)


@pytest.mark.parametrize("wrong", [1, "x", [1], False])
def test_a_step_or_card_that_is_not_an_object_is_refused(package: str, wrong: Any) -> None:
    from flowlock_core.command.bundle import Bundle

    bundle = Bundle.named(f"{package}.workflow:numbers")
    (error,) = converted({"added": wrong}, bundle, to_params=False).errors
    assert (error["path"], error["code"]) == (["added"], "FL723")
    (error,) = converted({"Data": wrong}, bundle, to_params=True).errors
    assert (error["path"], error["input"]) == (["Data"], wrong)
    (error,) = converted({"Data": {"added": wrong}}, bundle, to_params=True).errors
    assert (error["path"], error["input"]) == (["Data", "added"], wrong)


def test_a_missing_value_is_reported_at_the_object_that_lacks_it(package: str) -> None:
    from flowlock_core.command.bundle import Bundle

    bundle = Bundle.named(f"{package}.workflow:numbers")
    (error,) = converted({"Data": {"added": {"then": "x"}}}, bundle, to_params=True).errors
    assert (error["path"], error["validator"]) == (["Data", "added"], "required")
    assert error["input"] == {"then": "x"}
    # The whole step is missing.
    (error,) = converted({}, bundle, to_params=True).errors
    assert (error["path"], error["message"]) == ([], "added.range: a value is required")


@pytest.mark.parametrize(
    "text", ["", "{", "a: 1", '{"a": 1, "a": 2}', '{"a": NaN}', '"\\ud800"', "[" * 100_000, "1" * 50_000_000]
)
def test_what_is_not_json_is_refused_with_its_place(package: str, tmp_path: Path, text: str) -> None:
    file = tmp_path / "form.json"
    file.write_text(text)
    command = [sys.executable, "-c", SCRIPT, f"{package}.workflow:numbers"]
    arguments = ["convert", "--from", "formdata", "--to", "params"]
    environment = {"PYTHONPATH": str(tmp_path / "packages")}
    for given in ([*arguments, "--json", str(file)], arguments):
        with file.open() as stdin:
            done = subprocess.run(
                [*command, *given], stdin=stdin, env=environment, check=False, capture_output=True, text=True
            )
        assert (done.returncode, done.stdout[:1]) in ((1, ""), (1, "{"))
        assert "Traceback" not in done.stderr
        assert "FL7" in done.stderr


def test_our_own_command_line_does_not_load_it_or_show_it(package: str, tmp_path: Path) -> None:
    probe = (
        "import sys\nfrom flowlock_core.cli import main\n"
        "code = main(sys.argv.pop(1), sys.argv[1:])\n"
        "sys.stderr.write(' '.join(name for name in sys.modules if '.wt' in name))\nsys.exit(code)"
    )
    environment = {"PYTHONPATH": str(tmp_path / "packages")}
    for arguments in (["run", "--mock-io", "--quiet"], ["--help"], ["run", "--help"], ["convert", "--help"]):
        done = subprocess.run(
            [sys.executable, "-c", probe, f"{package}.workflow:dashboards", *arguments],
            cwd=tmp_path,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        assert done.stderr == ""
        assert "--execution-mode" not in done.stdout
        assert "  get" not in done.stdout
