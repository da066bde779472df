"""A compiled workflow over real connections; its secrets are planted, and found nowhere, whatever fails."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import pytest

from flowlock_core.cli import main
from servers import objects
from servers.objects import ObjectStore
from servers.postgres import PostgresServer
from specs import compiled_package

SPEC = """
id: gauges
requirements:
  - {name: flowlock-core}
  - {name: adbc-driver-postgresql, version: ">=1.8", channel: conda-forge}
  - {name: obstore, version: ">=0.6", channel: conda-forge}
workflow:
  - {id: read, task: read_sql, partial: {connection: main}}
  - id: keep
    task: save_table
    partial: {df: "${{ workflow.read.return }}", connection: lake, mode: replace}
  - {id: again, task: load_table, partial: {path: "${{ workflow.keep.return }}", connection: lake}}
  - id: copy
    task: write_table
    partial: {df: "${{ workflow.again.return }}", connection: main, mode: replace}
"""
PARAMS = """
read: {query: "SELECT station, level FROM levels WHERE level > $1 ORDER BY 1", values: [1.0]}
keep: {filename: s3://rivers/gauges/levels.parquet}
copy: {table: copied}
"""


@pytest.fixture(scope="module")
def workflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a package, compiled from the spec."""
    return compiled_package(SPEC, tmp_path_factory.mktemp("compiled"), ["flowlock-core"])


@pytest.fixture
def place(
    workflow: Path,
    tmp_path: Path,
    postgres_server: PostgresServer,
    object_store: ObjectStore,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A folder to run in, with parameters; the settings are in a private file outside of it."""
    home, place = tmp_path / "home", tmp_path / "place"
    (home / ".config/flowlock").mkdir(parents=True)
    place.mkdir()
    monkeypatch.syspath_prepend(workflow)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.chdir(place)
    file = home / ".config/flowlock/connections.toml"
    file.write_text(toml({**postgres_server.variables(), **object_store.variables()}))
    file.chmod(0o600)
    (place / "params.yaml").write_text(PARAMS)
    postgres_server.sql(
        "DROP TABLE IF EXISTS levels, copied; CREATE TABLE levels (station text, level numeric(6,2)); "
        "INSERT INTO levels VALUES ('a', 0.50), ('b', 1.25), ('c', 1234.50)"
    )
    return place


def toml(variables: Mapping[str, str]) -> str:
    """Write the settings of variables as the connections file has them; JSON's texts are TOML's."""
    lines = []
    for variable, value in variables.items():
        kind, name, setting = variable.removeprefix("FLOWLOCK_CONNECTIONS__").lower().split("__")
        lines.append(f"{kind}.{name}.{setting} = {json.dumps(value)}\n")
    return "".join(lines)


def command(*arguments: str) -> int:
    return main("flowlock_gauges_workflow.workflow:gauges", list(arguments))


def spellings(secret: str) -> list[str]:
    data = secret.encode()
    return [
        secret,
        quote(secret, safe=""),
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
        base64.b64encode(data).decode(),
        data.hex(),
        secret[:12],
    ]


def leaks(text: str, server: PostgresServer) -> list[str]:
    """Return the spellings of the secrets that a text has."""
    secrets = (server.password, objects.SECRET)
    return [spelling for secret in secrets for spelling in spellings(secret) if spelling in text]


def kept(folder: Path, server: PostgresServer) -> list[Path]:
    """Return the files below a folder that have a secret, the connections file apart."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "connections.toml"]
    return [path for path in files if leaks(path.read_bytes().decode("latin-1"), server)]


def test_a_workflow_reads_and_writes_through_its_connections(
    place: Path,
    postgres_server: PostgresServer,
    object_store: ObjectStore,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert command("run", "--params", "params.yaml") == 0
    assert postgres_server.sql("SELECT * FROM copied") == "b|1.25\nc|1234.5"
    assert object_store.get("gauges/levels.parquet")[:4] == b"PAR1"
    assert json.loads((place / "results/result.json").read_text())["result"] == 2
    printed = capfd.readouterr()
    assert not leaks(printed.out + printed.err, postgres_server)
    assert not kept(place.parent, postgres_server)


def test_connections_are_listed_and_checked(
    place: Path, postgres_server: PostgresServer, capfd: pytest.CaptureFixture[str]
) -> None:
    assert command("connections", "ls") == 0
    out = capfd.readouterr().out
    assert "complete   postgres main\n  used by read.connection, copy.connection\n" in out
    assert "complete   s3 lake\n  used by keep.connection, again.connection\n" in out
    assert "secret_access_key = (set)" in out
    assert command("connections", "check", "--json") == 0
    answers = {one["name"]: one["answer"] for one in json.loads(capfd.readouterr().out)["connections"]}
    assert answers["main"].startswith("PostgreSQL ")
    assert answers["lake"].startswith("bucket rivers")


def test_schema_form_and_mocked_runs_know_names_only(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(place))
    monkeypatch.setenv("FLOWLOCK_CONNECTIONS_FILE", str(place / "absent.toml"))
    assert command("run", "--params", "params.yaml", "--mock-io") == 0
    assert json.loads((place / "results/result.json").read_text())["result"] == 0
    assert (place / "results/rivers/gauges/levels.parquet").is_file()


FAILING: Mapping[str, Mapping[str, str]] = {
    "wrong password": {"POSTGRES__MAIN__PASSWORD": "{password}x"},
    "no server": {"POSTGRES__MAIN__PORT": "1"},
    "no encryption": {"POSTGRES__MAIN__SSLMODE": "require"},
    "a password for a host": {"POSTGRES__MAIN__HOST": "ada:{password}@127.0.0.1"},
    "a password for a port": {"POSTGRES__MAIN__PORT": "{password}"},
    "a misspelt setting": {"POSTGRES__MAIN__PASWORD": "{password}"},
    "no bucket": {"S3__LAKE__BUCKET": "absent"},
    "no store": {"S3__LAKE__ENDPOINT": "http://127.0.0.1:1"},
    "a key in a URL": {"S3__LAKE__ENDPOINT": "http://ada:{key}@127.0.0.1:1"},
    "half a key": {"S3__LAKE__SECRET_ACCESS_KEY": "{key}", "S3__LAKE__ANONYMOUS": "true"},
    "a file that is not there": {"_FILE": "/nowhere/connections.toml"},
}
ATTEMPTS = (
    ("run", "--params", "params.yaml"),
    ("run", "--params", "params.yaml", "--executor", "threads", "--keep-going"),
    ("run", "--params", "params.yaml", "--json"),
    ("connections", "ls"),
    ("connections", "ls", "--json"),
    ("connections", "check"),
    ("connections", "check", "--json"),
)


@pytest.mark.parametrize("settings", FAILING.values(), ids=FAILING)
def test_whatever_fails_no_secret_is_printed_or_kept(
    place: Path,
    postgres_server: PostgresServer,
    settings: Mapping[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for name, value in settings.items():
        variable = f"FLOWLOCK_CONNECTIONS{name}" if name == "_FILE" else f"FLOWLOCK_CONNECTIONS__{name}"
        filled = value.replace("{password}", postgres_server.password).replace("{key}", objects.SECRET)
        monkeypatch.setenv(variable, filled)
    for arguments in ATTEMPTS:
        code = command(*arguments)
        printed = capfd.readouterr()
        assert code == (0 if "ls" in arguments and "_FILE" not in settings else 1), printed.err
        assert "Traceback" not in printed.err
        assert not leaks(printed.out + printed.err, postgres_server), printed.out + printed.err
    assert not kept(place.parent, postgres_server)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("read.query=SELECT absent FROM levels", 'FL754 read.query: rivers on 127.0.0.1: column "absent"'),
        (
            "read.query=SELECT level::money AS m FROM levels WHERE level > $1",
            "FL732 read.query: the column `m`",
        ),
        (
            "keep.filename=s3://other/t.parquet",
            "FL732 keep.filename: the connection `lake` is for s3://rivers",
        ),
        ("keep.filename=s3://rivers/../t.csv", "FL728 keep.filename: expected the key of an object"),
        ("copy.schema=absent", "FL754 copy.df"),
    ],
)
def test_a_failing_step_names_the_parameter_to_change(
    place: Path,
    postgres_server: PostgresServer,
    setting: str,
    words: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert command("run", "--params", "params.yaml", "--set", setting) == 1
    err = capfd.readouterr().err
    assert words in err
    assert "Traceback" not in err
    assert not leaks(err, postgres_server)
    assert not kept(place.parent, postgres_server)


def test_where_the_driver_is_absent_the_message_has_the_line_for_the_spec(
    place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("flowlock_core.connections.requirement.find_spec", lambda _module: None)
    assert command("run", "--params", "params.yaml") == 1
    err = capfd.readouterr().err
    assert "FL753 read.connection: the package adbc-driver-postgresql is not in the environment" in err
    assert '- {name: adbc-driver-postgresql, version: ">=1.8"}' in err
    assert command("connections", "check", "lake") == 1
    assert '- {name: obstore, version: ">=0.6"}' in capfd.readouterr().out
