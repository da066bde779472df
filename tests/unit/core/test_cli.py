"""The command of a compiled workflow."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from flowlock_core.cli import main


def test_run_writes_results_and_prints_their_paths(
    package: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert main(f"{package}.workflow:sample", ["run", "--params", "../params.yaml"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        str(elsewhere / "results" / name) for name in ("result.json", "dashboard.html")
    ]
    assert err.splitlines()[0].split()[:2] == ["done", "table"]
    document = json.loads((elsewhere / "results" / "result.json").read_text(encoding="utf-8"))
    assert document["workflow"] == "sample"
    assert document["result"]["widgets"][0]["views"] == [{"key": [], "value": 2, "unit": ""}]


def test_parameters_come_from_stdin_too(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with (tmp_path / "params.yaml").open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        monkeypatch.chdir(tmp_path)
        assert main(f"{package}.workflow:sample", ["run", "--quiet", "--params", "-", "--results", "r"]) == 0
    assert capsys.readouterr().err == ""


def test_mocked_io_needs_no_parameters(
    package: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(f"{package}.workflow:sample", ["run", "--mock-io", "--results", str(tmp_path / "r")]) == 0
    assert "mocked   table" in capsys.readouterr().err


def test_a_wrong_parameter_is_told_with_file_line_and_column(
    package: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    params = tmp_path / "params.yaml"
    params.write_text("table:\n  paht: data.csv\n  columns: a\n")
    assert main(f"{package}.workflow:sample", ["run", "--params", str(params)]) == 1
    err = capsys.readouterr().err
    assert err.startswith("error: the parameters are not valid for the workflow\n")
    assert f"{params}:2:3: FL725 table.paht: unknown parameter\n  hint: did you mean `path`?" in err
    assert f'{params}:3:12: FL728 table.columns: expected a list, not "a"' in err
    # `path` is not missing besides: it is misspelt.
    assert "FL727" not in err
    assert not (tmp_path / "results").exists()


def test_an_error_while_running_has_the_place_of_its_parameter(
    package: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    params = tmp_path / "params.yaml"
    params.write_text("table:\n  path: dat.csv\n")
    assert main(f"{package}.workflow:sample", ["run", "--params", str(params)]) == 1
    err = capsys.readouterr().err
    assert f"{params}:2:9: FL730 table.path: file {tmp_path / 'dat.csv'} does not exist" in err
    assert "did you mean `data.csv`?" in err
    assert "Traceback" not in err


def test_results_that_cannot_be_written_are_told(
    package: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    arguments = ["run", "--mock-io", "--results", str(tmp_path / "file" / "results")]
    assert main(f"{package}.workflow:sample", arguments) == 1
    err = capsys.readouterr().err
    assert "cannot write" in err
    assert "--results" in err


def test_schema_prints_the_packaged_one(package: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(f"{package}.workflow:sample", ["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == {"type": "object"}


def test_graph_prints_the_packaged_one(package: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(f"{package}.workflow:sample", ["graph"]) == 0
    assert capsys.readouterr().out == "flowchart TD\n  table[Table]\n"


def test_cases_pass_or_fail(package: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = tmp_path / "cases.yaml"
    cases.write_text("good: {expect: {title: <Sample> & co}}\nbad: {expect: {title: other}}\n")
    assert main(f"{package}.workflow:sample", ["test", str(cases)]) == 1
    assert main(f"{package}.workflow:sample", ["test", str(cases), "--case", "good"]) == 0
    assert 'result.title: expected "other", got "<Sample> & co"' in capsys.readouterr().out


@pytest.mark.parametrize(("function", "code"), [("bug", 3), ("interrupted", 130)])
def test_bugs_and_interrupts_have_their_own_codes(
    package: str, function: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(f"{package}.workflow:{function}", ["run"]) == code
    assert ("Traceback" in capsys.readouterr().err) == (code == 3)


@pytest.mark.parametrize("arguments", [[], ["nothing"], ["run", "--parms", "x"], ["test"]])
def test_wrong_usage_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main("some_package.workflow:sample", arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith("usage: some-package")
    assert "error: FL739 " in err
    assert main("some_package.workflow:sample", [*arguments, "--json"]) == 2
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert problem["code"] == "FL739"


def test_help_and_schema_import_neither_pandas_nor_pydantic(package: str, tmp_path: Path) -> None:
    code = (
        "import sys, contextlib\nfrom flowlock_core.cli import main\n"
        "with contextlib.suppress(SystemExit): main(sys.argv[1], sys.argv[2:])\n"
        "sys.exit(bool({'pandas', 'pydantic', 'yaml', 'importlib.metadata'} & set(sys.modules)))"
    )
    for arguments in (["--help"], ["schema"]):
        done = subprocess.run(
            [sys.executable, "-c", code, f"{package}.workflow:sample", *arguments],
            check=False,
            capture_output=True,
            env={**os.environ, "PYTHONPATH": str(tmp_path / "paths é")},
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout


@pytest.mark.skipif(os.name == "nt", reason="a shell of Windows cannot close a stream")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_an_output_that_is_closed_is_not_wanted(package: str, tmp_path: Path, closed: str) -> None:
    for argument, code in (("--help", 0), ("schema", 0), ("nope", 2)):
        done = in_shell(package, tmp_path, argument, closed)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("argument", ["--help", "schema"])
def test_an_output_that_is_full_is_an_error(package: str, tmp_path: Path, argument: str) -> None:
    done = in_shell(package, tmp_path, argument, ">/dev/full")
    assert done.returncode == 1
    assert done.stderr.startswith("error: FL734 cannot write the output: ")


def in_shell(
    package: str, tmp_path: Path, argument: str, redirection: str
) -> subprocess.CompletedProcess[str]:
    """Call the command of a package in a shell, which redirects its streams."""
    code = f"from flowlock_core.cli import main; raise SystemExit(main('{package}.workflow:sample'))"
    # Buffered, as users have it: what is written may be kept until the end.
    command = f"unset PYTHONUNBUFFERED; {shlex.join([sys.executable, '-c', code, argument])} {redirection}"
    return subprocess.run(
        ["sh", "-c", command],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "paths é")},
    )


def test_graph_imports_no_pandas(package: str, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom flowlock_core.cli import main\nmain(sys.argv[1], ['graph'])\n"
        "sys.exit('pandas' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, f"{package}.workflow:sample"],
        check=False,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "paths é")},
    )
    assert done.returncode == 0, done.stderr


def test_a_reader_that_goes_away_is_no_error(package: str, tmp_path: Path) -> None:
    code = "import sys\nfrom flowlock_core.cli import main\nsys.exit(main(sys.argv[1], ['graph']))"
    with subprocess.Popen(
        [sys.executable, "-u", "-c", code, f"{package}.workflow:sample"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "paths é")},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


def test_set_gives_single_parameters_over_those_of_the_file(
    package: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.csv").write_text("a;b\n1;2\n")
    arguments = [
        "run",
        "--quiet",
        "--params",
        str(tmp_path / "params.yaml"),
        "--results",
        str(tmp_path / "r"),
    ]
    settings = ["--set", "table.path=other.csv", "--set", "card.description=["]
    assert main(f"{package}.workflow:sample", [*arguments, *settings]) == 2
    assert "YAML" in capsys.readouterr().err
    settings[-1] = "card.description='a: b = c'"
    assert main(f"{package}.workflow:sample", [*arguments, *settings]) == 0
    card = json.loads((tmp_path / "r/result.json").read_text())["result"]["widgets"][0]
    assert card["views"][0]["value"] == 1
    assert card["description"] == "a: b = c"


def test_a_problem_of_a_set_parameter_names_the_setting(
    package: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["run", "--params", str(tmp_path / "params.yaml"), "--set", "card.decimals=many"]
    assert main(f"{package}.workflow:sample", arguments) == 1
    assert "--set card.decimals: FL728 card.decimals: " in capsys.readouterr().err


@pytest.mark.parametrize("setting", ["path=x", "table.path", "=x", "table.=x", ".path=x", ""])
def test_a_setting_of_another_form_is_a_wrong_call(
    setting: str, package: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(f"{package}.workflow:sample", ["run", "--set", setting]) == 2
    assert "step.parameter=value" in capsys.readouterr().err


def with_form(package: str) -> None:
    folder = Path(sys.path[0]) / package
    steps: dict[str, dict[str, str]] = {"table": {}, "card": {}, "dashboard": {}}
    (folder / "params.schema.json").write_text(json.dumps({"properties": steps}))
    (folder / "form.json").write_text(json.dumps({"schema": {}, "groups": {"The input": ["table"]}}))


def test_form_and_convert(package: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_form(package)
    workflow = f"{package}.workflow:sample"
    assert main(workflow, ["form"]) == 0
    assert json.loads(capsys.readouterr().out)["groups"] == {"The input": ["table"]}
    params, form = tmp_path / "p.yaml", tmp_path / "f.json"
    params.write_text("table: {path: data.csv, since: 2012-01-01}\ncard: {decimals: 1}\n")
    assert main(workflow, ["convert", "--to", "form", str(params)]) == 0
    form.write_text(capsys.readouterr().out)
    expected = {"table": {"path": "data.csv", "since": "2012-01-01"}}
    assert json.loads(form.read_text()) == {"The input": expected, "card": {"decimals": 1}}
    assert main(workflow, ["convert", "--to", "params", str(form)]) == 0
    assert json.loads(capsys.readouterr().out) == {**expected, "card": {"decimals": 1}}
    assert main(workflow, ["convert", "--to", "form", str(form)]) == 1
    assert "The input: the workflow does not have this step with parameters" in capsys.readouterr().err


def test_a_layout_beside_the_module_places_the_cards(
    package: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = {"i": "0", "x": 2, "y": 1, "w": 4, "h": 3, "widget_id": 0}
    (Path(sys.path[0]) / package / "layout.json").write_text(json.dumps([place]))
    arguments = ["run", "-q", "--params", str(tmp_path / "params.yaml"), "--results", str(tmp_path / "r")]
    assert main(f"{package}.workflow:sample", arguments) == 0
    capsys.readouterr()
    page = (tmp_path / "r/dashboard.html").read_text()
    assert 'class="grid placed" style="--columns: 6"' in page
    assert 'style="--x: 3; --y: 2; --w: 4; --h: 3"' in page
    (card,) = json.loads((tmp_path / "r/result.json").read_text())["result"]["widgets"]
    assert card["position"] == {"x": 2, "y": 1, "w": 4, "h": 3}


@pytest.mark.parametrize(
    "wrong",
    [
        ["--jobs", "2"],
        ["--executor", "threads", "--jobs", "0"],
        ["--executor", "threads", "--jobs", "many"],
        ["--executor", "dusk"],
        ["--executor", "eager", "--keep-going"],
    ],
)
def test_options_of_executors_that_do_not_fit_are_told(
    wrong: list[str], package: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["run", "--mock-io", "--results", str(tmp_path / "r"), *wrong]
    assert main(f"{package}.workflow:sample", arguments) == 2
    assert "FL739" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["run", "--executor", "threads", "--jobs", "0"],
            "argument --jobs: `0` is not an integer of 1 or more",
        ),
        (
            ["run", "--executor", "threads", "--jobs", "²"],
            "argument --jobs: `²` is not an integer of 1 or more",
        ),
        (["cache", "gc", "--max-age", "nan"], "argument --max-age: `nan` is not a number of days"),
        (["cache", "gc", "--max-age", "-1"], "argument --max-age: `-1` is not a number of days"),
        (["cache", "gc", "--max-age", "old"], "argument --max-age: `old` is not a number of days"),
        (
            ["cache", "gc", "--max-size", "big"],
            "argument --max-size: `big` is not a size such as 500MB or 2G",
        ),
    ],
)
def test_a_number_of_an_option_is_refused_in_words(
    arguments: list[str], words: str, package: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(f"{package}.workflow:sample", arguments) == 2
    assert f"error: FL739 {words}\n" in capsys.readouterr().err


@pytest.mark.parametrize("executor", ["sequential", "threads", "eager"])
def test_every_executor_writes_the_same_results(
    executor: str, package: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["run", "--params", str(tmp_path / "params.yaml"), "--results", str(tmp_path / "r")]
    assert main(f"{package}.workflow:sample", [*arguments, "--executor", executor]) == 0
    assert "(4 of 4)" in capsys.readouterr().err
    assert json.loads((tmp_path / "r/result.json").read_text())["result"]["title"] == "<Sample> & co"
