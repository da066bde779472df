"""The connections file: found, private, outside of repositories, and read without quoting it."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowlock_core.connections.file import find_file, read_file
from flowlock_core.connections.problems import SettingsError
from flowlock_core.connections.settings import Sources
from flowlock_core.errors import Problem

SECRET = "0123456789-Zq9"  # noqa: S105 - opens nothing
TOML = f"""# Where the gauges are.
[postgres.main]
host = "db.example"
port = 5433
password = "{SECRET}"

[postgres]
other.host = "x"

["s3".'lake']
"bucket" = "b"
"""
YAML = f"""\
postgres:
  main: {{host: db.example, port: 5433, password: "{SECRET}"}}
  other:
    host: x
"""


def private(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(0o600)
    return path


def refused(path: Path) -> Problem:
    """Return the first problem of a file that is refused; no problem has a part of the secret."""
    with pytest.raises(SettingsError) as caught:
        read_file(path)
    for problem in caught.value.problems:
        assert "0123" not in f"{problem}"
        assert "Zq9" not in f"{problem}"
    return caught.value.problems[0]


def test_the_settings_of_a_section_are_read_with_their_places(tmp_path: Path) -> None:
    found = read_file(private(tmp_path / "connections.toml", TOML))
    assert found.section("postgres", "main") == {"host": "db.example", "port": 5433, "password": SECRET}
    assert found.section("postgres", "other") == {"host": "x"}
    assert str(found.place("postgres", "main", "port")) == f"{found.path}:4:1"
    assert str(found.place("postgres", "main", "absent")) == f"{found.path}:2:2"
    assert str(found.place("s3", "lake", "bucket")) == f"{found.path}:11:1"
    assert str(found.place("s3", "nothing")) == f"{found.path}:10:2"
    assert str(found.place("gcs", "nothing")) == str(found.path)


def test_yaml_is_read_likewise(tmp_path: Path) -> None:
    found = read_file(private(tmp_path / "connections.yaml", YAML))
    assert found.section("postgres", "main") == {"host": "db.example", "port": 5433, "password": SECRET}
    assert str(found.place("postgres", "main", "port")) == f"{found.path}:2:28"
    assert found.section("s3", "lake") == {}
    assert read_file(private(tmp_path / "empty.yaml", "# nothing\n")).sections == {}


def test_a_variable_counts_more_than_the_file_setting_by_setting(tmp_path: Path) -> None:
    path = private(tmp_path / "x.toml", TOML)
    sources = Sources(
        {"FLOWLOCK_CONNECTIONS_FILE": str(path), "FLOWLOCK_CONNECTIONS__POSTGRES__MAIN__PORT": "1"}
    )
    found = sources.settings("postgres", "main")
    assert found.values == {"host": "db.example", "port": "1", "password": SECRET}
    assert str(found.origins["host"]) == f"{path}:3:1"
    assert str(found.origins["port"]) == "FLOWLOCK_CONNECTIONS__POSTGRES__MAIN__PORT"
    assert sources.names("postgres") == ["main", "other"]


def test_the_file_is_the_named_one_or_that_of_the_users_configuration(tmp_path: Path) -> None:
    own = private(tmp_path / ".config/flowlock/connections.toml", TOML)
    assert find_file({"HOME": str(tmp_path)}) == own
    elsewhere = private(tmp_path / "xdg/flowlock/connections.yml", YAML)
    assert find_file({"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "xdg")}) == elsewhere
    assert find_file({"FLOWLOCK_CONNECTIONS_FILE": "/a/b.toml", "HOME": str(tmp_path)}) == Path("/a/b.toml")
    assert find_file({"HOME": str(tmp_path / "nobody")}) is None
    assert find_file({}) is None


def test_two_files_in_the_configuration_are_one_too_many(tmp_path: Path) -> None:
    private(tmp_path / ".config/flowlock/connections.toml", TOML)
    private(tmp_path / ".config/flowlock/connections.yaml", YAML)
    with pytest.raises(SettingsError, match=r"connections\.toml and connections\.yaml"):
        find_file({"HOME": str(tmp_path)})


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o610])
def test_a_file_that_others_can_use_is_refused(tmp_path: Path, mode: int) -> None:
    path = private(tmp_path / "connections.toml", TOML)
    path.chmod(mode)
    problem = refused(path)
    assert problem.code == "FL751"
    assert problem.hint == f"chmod 600 {path}"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    path = private(tmp_path / "connections.toml", TOML)
    os.chown(path, 12345, -1)
    assert refused(path).code == "FL751"


def test_a_file_in_a_git_repository_is_refused_also_through_a_link(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    subprocess.run(["git", "init", "-q", root], check=True)
    path = private(root / "deep/connections.toml", TOML)
    assert refused(path).code == "FL751"
    link = tmp_path / "connections.toml"
    link.symlink_to(path)
    assert refused(link).code == "FL751"
    # A worktree has a file of that name.
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/.git").write_text("gitdir: elsewhere\n")
    assert refused(private(tmp_path / "tree/connections.toml", TOML)).code == "FL751"


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml", 0o600)
    assert refused(tmp_path / "pipe.toml").code == "FL751"
    assert refused(tmp_path / "absent.toml").code == "FL750"
    (tmp_path / "folder.toml").mkdir(0o700)
    assert refused(tmp_path / "folder.toml").code in {"FL750", "FL751"}


def damaged() -> Iterator[tuple[str, bytes]]:
    texts = {
        "unclosed.toml": TOML.replace('9"\n', "9\n"),
        "twice.toml": TOML + f'\n[postgres.main]\npassword = "{SECRET}"\n',
        "deep.toml": "a = " + "[" * 5000,
        "flat.toml": f'password = "{SECRET}"\n',
        "shallow.toml": f'[postgres]\nmain = "{SECRET}"\n',
        "number.yaml": f"postgres: {{main: {{password: {SECRET[:10]}}}}}\n",
        "twice.yaml": f'postgres: {{main: {{password: "{SECRET}", password: x}}}}\n',
        "quote.yaml": f'postgres:\n  main: {{password: "{SECRET}}}\n',
        "list.yaml": f"- {SECRET}\n",
        "text.yaml": f"{SECRET}\n",
        "documents.yaml": YAML + "---\n" + YAML,
        "suffix.ini": TOML,
        "large.toml": "#" * 1_000_001,
    }
    for name, text in texts.items():
        yield name, text.encode()
    yield "latin.toml", TOML.replace("example", "exämple").encode("latin-1")
    yield "nul.yaml", YAML.encode() + b"\0"


@pytest.mark.parametrize(("name", "data"), [pytest.param(*one, id=one[0]) for one in damaged()])
def test_a_damaged_file_is_refused_without_its_contents(tmp_path: Path, name: str, data: bytes) -> None:
    problem = refused(private(tmp_path / name, data))
    assert problem.code == "FL750"
    assert str(tmp_path / name) in f"{problem}"
