"""`connections ls` and `check` of a workflow's command."""

import json
from pathlib import Path

import pytest

from flowlock_core.cli import main

SECRET = "Zq9-planted-secret-K7"  # noqa: S105 - opens nothing
SOURCE = '''
"""A package as the compiler writes it."""
from typing import Annotated, Any, ClassVar
from pydantic import SecretStr
from flowlock_core.connections import Connection, ConnectionSettings
from flowlock_core.errors import TaskError
from flowlock_core.execute import Steps
from flowlock_core.task import task


class Archive(ConnectionSettings):
    kind: ClassVar[str] = "archive"
    server: str
    token: SecretStr

    def check(self) -> str:
        if self.server == "down":
            raise TaskError(f"no answer to {self.token.get_secret_value()}", code="FL754")
        return f"{self.server} answers"


@task
def fetch(archive: Annotated[Archive, Connection], n: int = 0) -> int:
    """Fetch."""
    if archive.server == "down":
        raise ValueError(f"refused: {archive.token.get_secret_value()}")
    if archive.server == "odd":
        raise TaskError(f"odd: {archive.token.get_secret_value()}")
    return n


def sample(step: Steps) -> Any:
    """Fetch from archives."""
    step(fetch, "fixed").partial(archive="main").call()
    step(fetch, "each").map("archive", ["main", "second"])
    return step(fetch, "open").call()


def buggy(step: Steps) -> Any:
    """Fail outside of every task."""
    Archive.named("main")
    raise AssertionError(f"a bug beside {Archive.named('main').token.get_secret_value()}")


def without(step: Steps) -> Any:
    """Take no connection."""
'''


@pytest.fixture
def workflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    name = f"flowlock_{abs(hash(request.node.name))}_archives"
    (tmp_path / f"{name}.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    for connection, server in (("MAIN", "a.example"), ("SECOND", "down"), ("SPARE", "b.example")):
        monkeypatch.setenv(f"FLOWLOCK_CONNECTIONS__ARCHIVE__{connection}__SERVER", server)
        monkeypatch.setenv(f"FLOWLOCK_CONNECTIONS__ARCHIVE__{connection}__TOKEN", SECRET)
    return name


def test_ls_lists_settings_with_their_origins_and_no_secret(
    workflow: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("FLOWLOCK_CONNECTIONS__ARCHIVE__SECOND__SERVER")
    assert main(f"{workflow}:sample", ["connections", "ls"]) == 0
    out = capsys.readouterr().out
    lines = (
        "complete   archive main\n  used by fixed.archive, each.archive\n",
        "server = a.example  (FLOWLOCK_CONNECTIONS__ARCHIVE__MAIN__SERVER)",
        "token = (set)  (FLOWLOCK_CONNECTIONS__ARCHIVE__MAIN__TOKEN)",
        "incomplete archive second",
        "FL752 the setting `server` of the connection `second` (archive) is missing",
        "complete   archive spare\n",
        "unnamed    archive  open.archive",
    )
    assert [line for line in lines if line not in out] == []
    assert SECRET not in out


def test_check_connects_to_those_that_are_used(workflow: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(f"{workflow}:sample", ["connections", "check"]) == 1
    out = capsys.readouterr().out
    assert "ok         archive main  a.example answers  " in out
    assert "failed     archive second\n" in out
    assert "FL754 no answer to ***" in out
    assert "spare" not in out
    assert main(f"{workflow}:sample", ["connections", "check", "spare", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["connections"]
    assert (found["name"], found["answer"], found["problems"]) == ("spare", "b.example answers", [])


def test_names_of_the_parameters_count(workflow: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["connections", "check", "--set", "open.archive=spare", "--json"]
    assert main(f"{workflow}:sample", arguments) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["unnamed"] == []
    assert {one["name"]: one["used_by"] for one in document["connections"]} == {
        "main": ["fixed.archive", "each.archive"],
        "second": ["each.archive"],
        "spare": ["open.archive"],
    }


def test_an_unknown_name_is_wrong_usage(workflow: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(f"{workflow}:sample", ["connections", "check", "mian"]) == 2
    assert "did you mean `main`?" in capsys.readouterr().err
    assert main(f"{workflow}:without", ["connections", "ls"]) == 0
    assert capsys.readouterr().out == "the workflow uses no connections\n"


def test_a_file_that_is_refused_is_told(
    workflow: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "open.toml").write_text(f'[archive.main]\ntoken = "{SECRET}"\n')
    (tmp_path / "open.toml").chmod(0o644)
    monkeypatch.setenv("FLOWLOCK_CONNECTIONS_FILE", str(tmp_path / "open.toml"))
    for arguments in (["connections", "ls"], ["run", "--set", "open.archive=main"]):
        assert main(f"{workflow}:sample", arguments) == 1
        err = capsys.readouterr().err
        assert "FL751" in err
        assert "chmod 600" in err
        assert SECRET not in err


@pytest.mark.parametrize(("function", "server"), [("sample", "down"), ("sample", "odd"), ("buggy", "a")])
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_run_that_fails_with_the_secret_in_its_words_does_not_show_it(
    workflow: str,
    function: str,
    server: str,
    *,
    more: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("FLOWLOCK_CONNECTIONS__ARCHIVE__MAIN__SERVER", server)
    code = main(f"{workflow}:{function}", ["run", "--set", "open.archive=main", "--results", "r", *more])
    printed = capfd.readouterr()
    assert code == (3 if function == "buggy" else 1)
    assert "***" in printed.err
    assert SECRET not in printed.out + printed.err
    assert not [
        path for path in tmp_path.rglob("*") if path.is_file() and SECRET in path.read_text("latin-1")
    ]
