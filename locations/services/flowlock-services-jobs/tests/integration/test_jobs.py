"""Each job, with its tables in a bucket."""

import io
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from flowlock_dagster.object_store import ObjectStore
from flowlock_services_jobs.definitions import defs

VISITS = """person,age,ward,days
Ada,31,A,2
Ada,31,A,2
Ben,34,B,
Cleo,58,B,5
Dan,61,A,3
Eve,33,B,4
Fay,57,A,1
"""
CASES = {
    "remove_duplicates": ("keep_distinct_rows", {}),
    "fill_missing_values": ("fill_cells", {"method": "median", "columns": ["days"]}),
    "k_anonymity": ("make_rows_alike", {"quasi_identifiers": ["age"], "k": 3, "identifiers": ["person"]}),
    "l_diversity": (
        "make_rows_diverse",
        {"quasi_identifiers": ["age"], "k": 2, "identifiers": ["person"], "sensitive": ["ward"], "values": 2},
    ),
    "pseudonymise_structured": ("replace_identities", {"columns": ["person"], "key": "persons"}),
}


def run_config(job: str, target: str, **others: str) -> dict[str, Any]:
    op, config = CASES[job]
    configs = {"read_table": {"key": "raw/visits.csv"}, op: config, "write_table": {"key": target, **others}}
    return {"ops": {name: {"config": values} for name, values in configs.items()}}


def written(lake: ObjectStore, key: str) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(lake.get(key)))


def run(job: str, instance: dg.DagsterInstance, config: dict[str, Any]) -> dg.ExecuteInProcessResult:
    return defs.get_job_def(job).execute_in_process(
        run_config=config, instance=instance, raise_on_error=False
    )


@pytest.mark.parametrize("job", sorted(CASES))
def test_a_job_reads_a_table_from_the_bucket_and_writes_one(
    job: str, lake: ObjectStore, key: str, instance: dg.DagsterInstance
) -> None:
    lake.put("raw/visits.csv", VISITS.encode())
    target = f"clean/{job}.csv"
    assert run(job, instance, run_config(job, target, mode="replace")).success
    table = written(lake, target)
    match job:
        case "remove_duplicates":
            assert list(table["person"]) == ["Ada", "Ben", "Cleo", "Dan", "Eve", "Fay"]
        case "fill_missing_values":
            assert table["days"].tolist() == [2, 2, 2.5, 5, 3, 4, 1]
        case "k_anonymity":
            assert "person" not in table
            assert table.groupby("age").size().min() >= 3
        case "l_diversity":
            assert table.groupby("age")["ward"].nunique().min() >= 2
        case _:
            assert table["person"].nunique() == 6
            assert "Ada" not in lake.get(target).decode()
    # What came in is as it was.
    assert lake.get("raw/visits.csv").decode() == VISITS


def test_a_table_that_exists_is_replaced_only_where_that_is_said(
    lake: ObjectStore, instance: dg.DagsterInstance
) -> None:
    lake.put("raw/visits.csv", VISITS.encode())
    lake.put("clean/kept.csv", b"a\n1\n")
    config = run_config("remove_duplicates", "clean/kept.csv")
    assert not run("remove_duplicates", instance, config).success
    assert lake.get("clean/kept.csv") == b"a\n1\n"
    config["ops"]["write_table"]["config"]["mode"] = "replace"
    assert run("remove_duplicates", instance, config).success
    assert lake.get("clean/kept.csv") != b"a\n1\n"


def test_a_table_that_does_not_exist_fails_the_first_op_and_writes_nothing(
    lake: ObjectStore, instance: dg.DagsterInstance
) -> None:
    config = run_config("remove_duplicates", "clean/nothing.csv")
    config["ops"]["read_table"]["config"]["key"] = "raw/absent.csv"
    done = run("remove_duplicates", instance, config)
    assert not done.success
    assert [event.step_key for event in done.get_step_failure_events()] == ["read_table"]
    with pytest.raises(FileNotFoundError):
        lake.get("clean/nothing.csv")
