"""A connection is a name wherever it can be seen; its settings come from variables and the file."""

import copy
import json
import pickle
from pathlib import Path
from typing import Annotated, Any, ClassVar

import pytest
from pydantic import Field, SecretStr, TypeAdapter, model_validator

from flowlock_core.arguments import arguments_of
from flowlock_core.connections import MOCKED, NAMES_ONLY, Connection, ConnectionSettings, connection_of
from flowlock_core.connections.problems import SettingsError
from flowlock_core.connections.settings import Sources, variable_for
from flowlock_core.masking import masked
from flowlock_core.parameters.literals import LiteralCheck, refusals_of
from flowlock_core.results import to_json
from flowlock_core.schema import TaskSignature, signature
from flowlock_core.task import task

SECRET = 'Zq9/x+"planted"\\K7 pä'  # noqa: S105 - opens nothing


class Archive(ConnectionSettings):
    kind: ClassVar[str] = "archive"
    not_identifying: ClassVar[frozenset[str]] = frozenset({"patience"})

    server: str = Field(pattern=r"^[a-z.]+$")
    user: str = ""
    token: SecretStr
    proof: SecretStr | None = None
    patience: int = 5

    @model_validator(mode="after")
    def _agree(self) -> "Archive":
        if self.user == "nobody":
            raise ValueError("nobody has no token")
        return self

    def check(self) -> str:
        return f"{self.server} answers"


@task
def fetch(
    archive: Annotated[Archive, Connection, Field(title="Archive", description="Where to look.")],
    other: Annotated[Annotated[Archive, Connection] | None, Field(title="Other")] = None,
) -> str:
    """Fetch."""
    return f"{archive.server} {archive.token.get_secret_value()} {other}"


def variables(name: str = "main", **settings: str) -> dict[str, str]:
    return {variable_for("archive", name, setting): value for setting, value in settings.items()}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder without connections."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("FLOWLOCK_CONNECTIONS_FILE", raising=False)
    return tmp_path


@pytest.fixture
def main(home: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """The settings of a connection `main`, from the environment."""
    for variable, value in variables(server="data.example", token=SECRET, user="ada").items():
        monkeypatch.setenv(variable, value)
    return Archive.named("main")


def test_a_task_gets_the_settings_of_the_name_that_it_is_given(main: Archive) -> None:
    assert fetch.validate().call(archive="main") == f"data.example {SECRET} None"
    assert fetch.validate().call(archive=main, other="main").endswith("Archive('main')")


def test_wherever_settings_can_be_seen_they_are_their_name(main: Archive) -> None:
    adapter = TypeAdapter(Annotated[Archive, Connection])
    seen = (
        repr(main),
        str(main),
        f"{main}",
        json.dumps(main.model_dump()),
        main.model_dump_json(),
        json.dumps(to_json({"archive": [main]})),
        adapter.dump_json(main).decode(),
        repr(pickle.dumps(main)),
        repr(main.identity()),
    )
    for text in seen:
        assert "Zq9" not in text
        assert "planted" not in text
    assert json.loads(main.model_dump_json()) == "main"
    assert to_json(main) == "main"
    assert pickle.loads(pickle.dumps(main)) == main  # noqa: S301 - made here
    assert copy.deepcopy(main).name == "main"


def test_settings_without_a_name_are_not_pickled() -> None:
    made = Archive(server="a", token=SecretStr(SECRET))
    with pytest.raises(TypeError, match="without a name"):
        pickle.dumps(made)


def test_an_identity_is_made_of_the_settings_that_say_where_data_are(main: Archive) -> None:
    assert main.identity() == {"kind": "archive", "server": "data.example", "user": "ada"}
    elsewhere = Sources(variables(server="other.example", token=SECRET, user="ada"))
    assert Archive.named("main", elsewhere).identity() != main.identity()
    others = variables(server="data.example", token=f"another {SECRET}", user="ada", patience="9")
    rotated = Sources(others)
    assert Archive.named("main", rotated).identity() == main.identity()


def test_the_signature_says_a_name_of_a_known_form() -> None:
    found = signature(fetch)
    archive, other = found.parameters
    assert archive.connection == {"kind": "archive"}
    assert other.connection == {"kind": "archive"}
    assert archive.schema == {
        "title": "Archive",
        "description": "Where to look.",
        "type": "string",
        "maxLength": 64,
        "pattern": "^[a-z][a-z0-9]*(_[a-z0-9]+)*$",
    }
    assert not archive.wired
    assert other.default is None
    assert TaskSignature.from_json(json.loads(json.dumps(found.as_json()))) == found


def test_a_literal_is_checked_as_a_name_and_settings_are_not_asked_for(home: Path) -> None:
    arguments = arguments_of(fetch.func)
    assert refusals_of(arguments, LiteralCheck.of("fetch", "archive", "absent_here")) == []
    for value in ("Main", "a__b", "a-b", "1a", "", "a" * 65, 5, {"token": SECRET}, f"https://u:{SECRET}@h"):
        (refusal,) = refusals_of(arguments, LiteralCheck.of("fetch", "archive", value)) or []
        assert refusal.message.startswith("expected the name of a connection")
        assert "Zq9" not in refusal.message
    assert refusals_of(arguments, LiteralCheck.of("fetch", "other", None)) == []


def test_a_parameter_without_settings_is_a_problem_with_a_way_out(home: Path) -> None:
    (problem,) = arguments_of(fetch.func).by_name["archive"].problems("main", {})
    assert (problem.code, problem.parameter) == ("FL752", "archive")
    assert problem.message == "the connection `main` (archive) has no settings"
    assert problem.hint is not None
    assert "FLOWLOCK_CONNECTIONS__ARCHIVE__MAIN__SERVER" in problem.hint
    assert "[archive.main]" in problem.hint


def test_names_only_and_mocked_contexts_read_no_settings(home: Path) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[Archive, Connection])
    assert adapter.validate_python("main", context={NAMES_ONLY: True}) == "main"
    mocked = adapter.validate_python("main", context={MOCKED: True})
    assert (mocked.name, mocked.mocked, mocked.identity()) == ("main", True, None)
    again = pickle.loads(pickle.dumps(mocked))  # noqa: S301 - made here
    assert again.mocked


def test_the_variables_of_ecoscope_are_read_in_any_case_and_ours_count_more() -> None:
    peers = {
        "ecoscope_workflows__connections__archive__main__server": "peer.example",
        "ECOSCOPE_WORKFLOWS__CONNECTIONS__ARCHIVE__MAIN__TOKEN": SECRET,
        "ECOSCOPE_WORKFLOWS__CONNECTIONS__ARCHIVE__MAIN__USER": "",
        "ECOSCOPE_WORKFLOWS__CONNECTIONS__ARCHIVE__TOO__MANY__PARTS": "x",
        "ECOSCOPE_WORKFLOWS__RESULTS": "x",
    }
    found = Archive.named("main", Sources({"HOME": "/nowhere", **peers}))
    assert (found.server, found.user) == ("peer.example", "")
    ours = {"FLOWLOCK_CONNECTIONS__ARCHIVE__MAIN__SERVER": "ours.example"}
    assert Archive.named("main", Sources({**peers, **ours})).server == "ours.example"
    assert Sources(peers).names("archive") == ["main"]


def test_two_spellings_of_a_variable_with_different_values_are_refused() -> None:
    both = {**variables(server="a"), variable_for("archive", "main", "server").lower(): "b"}
    with pytest.raises(SettingsError, match="to different values"):
        Archive.named("main", Sources(both))


def test_every_problem_is_told_and_none_shows_a_value() -> None:
    wrong = variables(server="Not A Host!", tokenn=SECRET, patience="soon")
    with pytest.raises(SettingsError) as caught:
        Archive.named("main", Sources(wrong))
    messages = [problem.message for problem in caught.value.problems]
    assert [problem.code for problem in caught.value.problems] == ["FL752"] * 4
    assert "the setting `token` of the connection `main` (archive) is missing" in messages
    assert any("has no setting `tokenn`" in message for message in messages)
    assert any("`patience`" in message and "integer" in message for message in messages)
    assert caught.value.__cause__ is None
    text = " ".join(f"{problem}" for problem in caught.value.problems)
    for shown in ("Zq9", "Not A Host", "soon"):
        assert shown not in text
    assert "did you mean `token`?" in text


def test_a_rule_over_all_settings_is_told_in_its_own_words() -> None:
    with pytest.raises(SettingsError, match="nobody has no token"):
        Archive.named("main", Sources(variables(server="a", token=SECRET, user="nobody")))


def test_secrets_that_were_read_are_masked_in_any_spelling(main: Archive) -> None:
    for text in (SECRET, json.dumps(SECRET), repr(SECRET), f"https://u:{SECRET}@host/"):
        assert "Zq9" not in masked(f"failed: {text}")
    assert masked("a plain text") == "a plain text"


def test_only_a_model_of_settings_can_be_marked() -> None:
    with pytest.raises(TypeError, match="ConnectionSettings"):
        TypeAdapter(Annotated[str, Connection])
    assert connection_of(str) is None
    assert connection_of(Annotated[Archive, Connection] | None) is Archive
    assert connection_of(Archive) is None
