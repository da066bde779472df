"""`load_table` and `save_table` with URLs, against moto's S3."""

import json
from pathlib import Path

import pandas as pd
import pytest

from flowlock_core.arguments import ArgumentError
from flowlock_core.connections.s3 import S3
from flowlock_core.connections.settings import Sources
from flowlock_core.errors import TaskError
from flowlock_core.execute import Options, Run, Steps
from flowlock_core.tasks.io import load_table, save_table
from servers.objects import SECRET, ObjectStore

DF = pd.DataFrame({"station": ["007", "b"], "level": [1.5, 2.0]})


@pytest.fixture
def lake(object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    for variable, value in object_store.variables().items():
        monkeypatch.setenv(variable, value)
    # Of other tools: nothing of it may be used.
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "other")
    return object_store


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.json", "deep/é ü/t.tsv"])
def test_a_table_goes_to_an_object_and_comes_back(lake: ObjectStore, name: str) -> None:
    url = f"s3://rivers/round/{name}"
    assert save_table.validate().call(df=DF, filename=url, connection="lake") == url
    back = load_table.validate().call(path=url, connection="lake")
    pd.testing.assert_frame_equal(back, DF)


def test_creating_refuses_what_is_there_and_replacing_says_so(lake: ObjectStore) -> None:
    lake.put("there.csv", b"a\n1\n")
    save = save_table.validate().partial(df=DF, filename="s3://rivers/there.csv", connection="lake")
    with pytest.raises(TaskError, match=r"the object s3://rivers/there\.csv already exists") as caught:
        save.call()
    assert (caught.value.code, caught.value.parameter) == ("FL755", "filename")
    assert lake.get("there.csv") == b"a\n1\n"
    save.call(mode="replace")
    assert lake.get("there.csv") == b"station,level\n007,1.5\nb,2.0\n"


def test_large_objects_are_created_whole(lake: ObjectStore, tmp_path: Path) -> None:
    df = pd.DataFrame({"text": ["x" * 1000] * 12_000})
    for mode in ("create", "replace"):
        save_table.validate().call(df=df, filename="s3://rivers/large.csv", connection="lake", mode=mode)
        assert len(lake.get("large.csv")) == 12_000 * 1001 + 5


def test_each_element_of_a_map_has_an_object_of_its_own(lake: ObjectStore, tmp_path: Path) -> None:
    def workflow(step: Steps) -> object:
        save = step(save_table, "save").partial(filename="s3://rivers/by/t.csv", connection="lake")
        return save.mapvalues(
            "df", [((("station", "=", "007"),), DF[:1]), ((("station", "=", "b"),), DF[1:])]
        )

    result, _ = Run.of(workflow, Options(results=tmp_path))
    assert [url for _, url in result] == [
        "s3://rivers/by/t-station-007.csv",
        "s3://rivers/by/t-station-b.csv",
    ]
    assert lake.get("by/t-station-b.csv") == b"station,level\nb,2.0\n"
    assert not list(tmp_path.iterdir())


def test_with_mocked_io_nothing_is_connected_to(
    object_store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def workflow(step: Steps) -> object:
        table = step(load_table, "table").partial(path="s3://rivers/absent.csv", connection="lake").call()
        saved = step(save_table, "save").partial(df=table, filename="s3://rivers/mocked/t.csv")
        return saved.partial(connection="lake").call()

    result, _ = Run.of(workflow, Options(results=tmp_path, mock_io=True))
    assert result == str(tmp_path / "rivers/mocked/t.csv")
    assert (tmp_path / "rivers/mocked/t.csv").is_file()
    # A file that stands for the object is read as the step says.
    (tmp_path / "mine.csv").write_text("a\n1\n")
    mocks = {"table": tmp_path / "mine.csv"}
    result, _ = Run.of(workflow, Options(results=tmp_path / "two", mock_io=True, mocks=mocks))
    assert Path(result).read_text() == "a\n1\n"


@pytest.mark.parametrize(
    ("path", "connection", "code", "words"),
    [
        ("s3://rivers/absent.csv", "lake", "FL730", "the object s3://rivers/absent.csv does not exist"),
        ("s3://other/t.csv", "lake", "FL732", "is for s3://rivers, not for s3://other/t.csv"),
        ("s3://rivers/t.csv", None, "FL732", "can only be accessed through a connection"),
        ("/etc/hosts", "lake", "FL732", "a connection is only used for URLs"),
        ("s3://rivers/bad.csv", "lake", "FL730", "s3://rivers/bad.csv:2: the row has 3 fields"),
    ],
)
def test_what_cannot_be_loaded_is_told_by_its_url(
    lake: ObjectStore, path: str, connection: str | None, code: str, words: str
) -> None:
    lake.put("bad.csv", b"a,b\n1,2,3\n")
    with pytest.raises(TaskError) as caught:
        load_table.validate().call(path=path, connection=connection)
    assert caught.value.code == code
    assert words in caught.value.message
    assert "flowlock-object" not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    "url",
    [
        "s3://rivers/../x.csv",
        "s3://rivers/a/../x.csv",
        "s3://rivers/./x.csv",
        "s3://rivers/a//x.csv",
        "s3://rivers//x.csv",
        "s3://rivers/%2e%2e/x.csv",
        "s3://rivers/a\\..\\x.csv",
        "s3://rivers/x.csv?versionId=1",
        "s3://rivers/a\nb.csv",
        "s3://rivers/",
        "s3://rivers",
        "gs://rivers/x.csv",
        "file:///etc/passwd",
        "https://user:secret@host/x.csv",
    ],
)
def test_a_url_that_leads_elsewhere_is_refused_before_any_request(lake: ObjectStore, url: str) -> None:
    for task, values in ((load_table, {"path": url}), (save_table, {"filename": url, "df": DF})):
        with pytest.raises(ArgumentError, match=r"expected the (URL|key) of an object"):
            task.validate().call(connection="lake", **values)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"BUCKET": "absent"}, "The specified bucket does not exist (NoSuchBucket)"),
        ({"ENDPOINT": "http://127.0.0.1:1"}, "error sending request"),
    ],
)
def test_check_tells_what_is_wrong_without_the_key(
    object_store: ObjectStore, settings: dict[str, str], words: str
) -> None:
    variables = object_store.variables()
    assert S3.named("lake", Sources(variables)).check().startswith("bucket rivers, ")
    for setting, value in settings.items():
        variables[f"FLOWLOCK_CONNECTIONS__S3__LAKE__{setting}"] = value
    with pytest.raises(TaskError) as caught:
        S3.named("lake", Sources(variables)).check()
    assert words in caught.value.message
    assert (caught.value.code, caught.value.__cause__) == ("FL754", None)
    assert SECRET not in f"{caught.value.message} {caught.value.hint}"


def test_a_public_bucket_needs_no_key_if_that_is_said(object_store: ObjectStore) -> None:
    variables = object_store.variables()
    for setting in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        del variables[f"FLOWLOCK_CONNECTIONS__S3__LAKE__{setting}"]
    variables["FLOWLOCK_CONNECTIONS__S3__LAKE__ANONYMOUS"] = "true"
    lake = S3.named("lake", Sources(variables))
    assert lake.check().startswith("bucket rivers")
    assert json.dumps(lake.identity(), sort_keys=True).startswith('{"access_key_id": null, "anonymous": true')
