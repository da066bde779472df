"""What is measured, required and lost."""

from typing import Any

import pandas as pd
import pytest

from flowlock_core.errors import TaskError
from flowlock_ext_privacy.anonymization import k_anonymize
from flowlock_ext_privacy.assessment import check_anonymity, information_loss, require_anonymity
from flowlock_ext_privacy.generalization import suppress_columns, top_bottom_code

TABLE = pd.DataFrame(
    {
        "age": ["20", "20", None, "30", "30", "30"],
        "illness": ["flu", "flu", "flu", "cold", "flu", "gout"],
        "pay": [1, 2, 3, 4, 5, 6],
    }
)


def test_a_missing_value_is_a_value_like_any_other() -> None:
    (row,) = check_anonymity(TABLE, ["age"]).to_dict("records")
    assert {name: row[name] for name in ("rows", "classes", "k", "smallest", "unique")} == {
        "rows": 6,
        "classes": 3,
        "k": 1,
        "smallest": 1,
        "unique": 1,
    }


def test_each_sensitive_column_has_its_own_row() -> None:
    illness, pay = check_anonymity(TABLE, ["age"], sensitive=["illness", "pay"]).to_dict("records")
    assert (illness["sensitive"], illness["l"], illness["entropy_l"]) == ("illness", 1, 1.0)
    # The class of 20 has flu only, of which the table has 4 in 6.
    assert illness["t"] == pytest.approx(1 / 3)
    # {1, 2} among 1 to 6: the cumulative shares differ by 2/6, 4/6, 3/6, 2/6 and 1/6, of 5.
    assert pay["t"] == pytest.approx(12 / 6 / 5)


@pytest.mark.parametrize(
    ("demands", "parameter", "words"),
    [
        ({"k": 2}, "k", "k = 2 is not reached: 1 row is in classes of fewer, the smallest has 1"),
        ({"k": 1, "l": 2}, "l", "l is not reached: 3 rows are in 2 classes"),
        ({"k": 1, "t": 0.2}, "t", "t is not reached"),
        ({"k": 1, "identifiers": ["pay"]}, "identifiers", "still has the identifier `pay`"),
    ],
)
def test_a_table_that_is_not_anonymous_fails_the_run(
    demands: dict[str, Any], parameter: str, words: str
) -> None:
    sensitive = ["illness"] if {"l", "t"} & demands.keys() else []
    with pytest.raises(TaskError) as caught:
        require_anonymity(TABLE, ["age"], sensitive=sensitive, **demands)
    assert (caught.value.code, caught.value.parameter) == ("FL759", parameter)
    assert words in caught.value.message
    assert require_anonymity(TABLE, ["age"], 1) is TABLE


def test_loss_is_the_share_of_the_column_that_is_covered() -> None:
    df = pd.DataFrame({"age": [0, 5, 10, 20], "town": ["a", "b", "c", "c"]})
    published = pd.DataFrame({"age": ["0 to 5", "0 to 5", "*"], "town": ["a | b", "a | b", "c"]})
    (loss,) = information_loss(df, published, ["age", "town"]).to_dict("records")
    ages, towns = 0.25 + 0.25 + 1, 0.5 + 0.5 + 0
    assert loss["ncp"] == pytest.approx(((ages + towns) / 2 + 1) / 4)
    assert (loss["suppressed"], loss["classes"], loss["discernibility"]) == (1, 2, 2**2 + 1 + 4)
    unchanged = information_loss(df, df, ["age", "town"])
    assert unchanged["ncp"].tolist() == [0.0]


def test_infinite_values_do_not_hide_the_loss_of_others() -> None:
    df = pd.DataFrame({"age": [float("-inf"), 0.0, 10.0, 20.0, float("inf")]})
    published = pd.DataFrame({"age": ["-inf to 0", "-inf to 0", "10 to 20", "10 to 20", "10 to inf"]})
    assert information_loss(df, published, ["age"])["ncp"].tolist() == [pytest.approx(1.5 / 5)]


def test_a_label_that_cannot_be_measured_is_refused() -> None:
    df = pd.DataFrame({"age": [0, 5]})
    with pytest.raises(TaskError, match="the label `young`, whose loss cannot be measured"):
        information_loss(df, pd.DataFrame({"age": ["young", "young"]}), ["age"])
    with pytest.raises(TaskError, match="more rows than the table"):
        information_loss(df, pd.concat([df, df]), ["age"])


def test_extreme_values_are_capped_and_missing_ones_stay() -> None:
    df = pd.DataFrame({"age": pd.array([1, 50, None, 99], dtype="Int64"), "pay": [0.5, 2.5, None, 9.0]})
    made = top_bottom_code(df, ["age", "pay"], bottom=2, top=90)
    assert made["age"].tolist() == [2, 50, pd.NA, 90]
    assert made["age"].dtype == df["age"].dtype
    assert made["pay"].dropna().tolist() == [2.0, 2.5, 9.0]
    for bounds, words in (
        ({}, "neither"),
        ({"bottom": 3, "top": 2}, "larger than"),
        ({"top": 1.5}, "fraction"),
    ):
        with pytest.raises(TaskError, match=words):
            top_bottom_code(df, ["age"], **bounds)
    with pytest.raises(TaskError, match="contains no numbers"):
        top_bottom_code(TABLE, ["illness"], top=1)


def test_columns_are_removed() -> None:
    assert list(suppress_columns(TABLE, ["age"]).columns) == ["illness", "pay"]
    with pytest.raises(TaskError, match="`name` does not exist"):
        suppress_columns(TABLE, ["name"])


def test_a_table_without_rows_is_measured_and_not_anonymised() -> None:
    empty = TABLE.head(0)
    assert check_anonymity(empty, ["age"], sensitive=["pay"])["k"].tolist() == [0]
    with pytest.raises(TaskError, match="the table has 0 rows"):
        k_anonymize(empty, ["age"], 1)
    assert information_loss(empty, empty, ["age"])["ncp"].tolist() == [0.0]
