"""Values of steps, and objects of ops that are written by hand, in moto's S3."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from servers.objects import ObjectStore as Bucket

if TYPE_CHECKING:
    import dagster as dg


@pytest.fixture
def lake(object_store: Bucket, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    for variable, value in object_store.variables().items():
        monkeypatch.setenv(variable, value)
    return object_store


def test_an_op_reads_and_writes_objects(lake: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    from flowlock_dagster.object_store import ObjectStore

    store = ObjectStore(connection="lake", prefix="by hand/")
    store.put("é.txt", b"1")
    assert lake.get("by hand/é.txt") == b"1"
    assert store.get("é.txt") == b"1"
    assert store.url("a") == "s3://rivers/by hand/a"
    with pytest.raises(FileExistsError, match=r"by hand/é\.txt already exists"):
        store.put("é.txt", b"2", replace=False)
    with pytest.raises(FileNotFoundError, match=r"s3://rivers/by hand/absent does not exist"):
        store.get("absent")
    monkeypatch.setenv("FLOWLOCK_CONNECTIONS__S3__OTHER__BUCKET", "absent")
    for name in ("ENDPOINT", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        value = lake.variables("other")[f"FLOWLOCK_CONNECTIONS__S3__OTHER__{name}"]
        monkeypatch.setenv(f"FLOWLOCK_CONNECTIONS__S3__OTHER__{name}", value)
    with pytest.raises(FileNotFoundError, match="s3://absent"):
        ObjectStore(connection="other").get("a")


def test_a_workflow_gives_the_same_with_its_values_in_the_bucket(
    lake: Bucket, instance: "dg.DagsterInstance"
) -> None:
    from dagster_jobs import EXAMPLES, run_config, workflow_of
    from flowlock_dagster.job import workflow_job
    from flowlock_dagster.object_store import ObjectStoreIOManager

    store = ObjectStoreIOManager(connection="lake", prefix="values/")
    job = workflow_job(workflow_of("carbon"), resources={"io_manager": store})
    done = job.execute_in_process(run_config=run_config("carbon"), instance=instance)
    assert done.success
    assert lake.get(f"values/{done.run_id}/weekly/result")
    results = Path(instance.root_directory, "flowlock/carbon", done.run_id)
    document = json.loads((results / "result.json").read_text())
    assert document["inputs"] == [str(EXAMPLES / "carbon/mauna-loa.csv")]
    plain = workflow_job(workflow_of("carbon")).execute_in_process(
        run_config=run_config("carbon"), instance=instance
    )
    same = Path(instance.root_directory, "flowlock/carbon", plain.run_id, "result.json")
    assert same.read_bytes() == (results / "result.json").read_bytes()
