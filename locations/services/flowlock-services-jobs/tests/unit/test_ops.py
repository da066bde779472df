"""The ops by themselves, on small tables."""

import dagster as dg
import pandas as pd
import pytest

from flowlock_core.arguments import ArgumentError
from flowlock_core.errors import TaskError
from flowlock_services_jobs.ops.cleaning import Duplicates, MissingValues, fill_cells, keep_distinct_rows
from flowlock_services_jobs.ops.privacy import (
    Alike,
    Diverse,
    Pseudonyms,
    make_rows_alike,
    make_rows_diverse,
    replace_identities,
)

VISITS = pd.DataFrame(
    {
        "person": ["Ada", "Ada", "Ben", "Cleo"],
        "age": [31, 31, 34, 58],
        "ward": ["A", "A", "B", "B"],
        "days": [2.0, 2.0, None, 5.0],
    }
)


def metadata(context: dg.OpExecutionContext) -> dict[str, int]:
    return dict(context.get_output_metadata("result"))


def test_equal_rows_are_removed_and_counted() -> None:
    context = dg.build_op_context()
    kept = keep_distinct_rows(context, Duplicates(columns=["person"]), VISITS)
    assert list(kept["person"]) == ["Ada", "Ben", "Cleo"]
    assert metadata(context) == {"rows": 3, "removed": 1}


def test_an_unknown_column_is_refused_with_what_there_is() -> None:
    with pytest.raises(TaskError, match="persn"):
        keep_distinct_rows(dg.build_op_context(), Duplicates(columns=["persn"]), VISITS)


def test_missing_values_are_filled_and_counted() -> None:
    context = dg.build_op_context()
    filled = fill_cells(context, MissingValues(method="mean", columns=["days"]), VISITS)
    assert list(filled["days"]) == [2.0, 2.0, 3.0, 5.0]
    assert metadata(context) == {"filled": 1, "missing": 0}


def test_a_method_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ArgumentError, match="`mean`, `median`"):
        fill_cells(dg.build_op_context(), MissingValues(method="guess"), VISITS)


def test_each_row_looks_like_another_one_and_the_name_is_gone() -> None:
    table = make_rows_alike(
        dg.build_op_context(), Alike(quasi_identifiers=["age"], k=2, identifiers=["person"]), VISITS
    )
    assert "person" not in table
    assert table.groupby("age").size().min() >= 2


def test_rows_that_look_alike_have_several_sensitive_values() -> None:
    config = Diverse(quasi_identifiers=["age"], k=2, identifiers=["person"], sensitive=["ward"], values=2)
    table = make_rows_diverse(dg.build_op_context(), config, VISITS)
    assert table.groupby("age")["ward"].nunique().min() >= 2


def test_equal_names_have_equal_pseudonyms_and_metadata_say_nothing_about_them(key: str) -> None:
    context = dg.build_op_context()
    table = replace_identities(context, Pseudonyms(columns=["person"], key=key), VISITS)
    first, again, *others = table["person"]
    assert first == again
    assert len({first, *others}) == 3
    assert not {"Ada", "Ben", "Cleo"}.intersection(table["person"])
    assert metadata(context) == {"rows": 4, "columns": 4}
