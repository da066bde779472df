"""Tables whose rows look alike: labels, hierarchies, and demands that no table can fulfil."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from flowlock_core.errors import TaskError
from flowlock_ext_privacy.anonymization import Method, k_anonymize
from flowlock_ext_privacy.assessment import check_anonymity, information_loss
from flowlock_ext_privacy.generalization import generalize
from flowlock_ext_privacy.hierarchies import Hierarchy, Period
from flowlock_ext_privacy.parameters import Diversity

PEOPLE = pd.DataFrame(
    {
        "name": ["Ana", "Bo", "Cy", "Di", "Ed", "Flo", "Gus", "Hal"],
        "age": [21, 22, 22, 29, 41, 45, 48, 60],
        "town": ["Faro", "Faro", "Lagos", "Lagos", "Porto", "Porto", "Braga", "Braga"],
        "born": pd.to_datetime(["2003-01-02", "2002-03-01", "2002-05-06", "1995-01-01"] * 2),
        "illness": ["flu", "cold", "flu", "cold", "flu", "flu", "gout", "flu"],
    }
)


def refusal(call: Callable[[], Any]) -> TaskError:
    with pytest.raises(TaskError) as caught:
        call()
    return caught.value


def test_classes_show_ranges_and_sets_of_what_they_have() -> None:
    made = k_anonymize(PEOPLE, ["age", "town"], 2, identifiers=["name"])
    assert list(made.columns) == ["age", "town", "born", "illness"]
    shown = made[["age", "town"]].drop_duplicates().to_numpy().tolist()
    assert sorted(shown) == [
        ["21 to 22", "Faro"],
        ["22 to 29", "Lagos"],
        ["41 to 45", "Porto"],
        ["48 to 60", "Braga"],
    ]
    assert k_anonymize(PEOPLE, ["town"], 8)["town"].unique().tolist() == ["*"]
    towns = k_anonymize(PEOPLE, ["town"], 4)["town"].unique().tolist()
    assert sorted(towns) == ["Braga | Faro", "Lagos | Porto"]


def test_dates_become_ranges_of_days() -> None:
    made = k_anonymize(PEOPLE, ["born"], 4)
    assert set(made["born"]) == {"1995-01-01 to 2002-03-01", "2002-05-06 to 2003-01-02"}
    times = PEOPLE.assign(born=PEOPLE["born"] + pd.Timedelta(hours=1))
    assert k_anonymize(times, ["born"], 8)["born"][0] == "1995-01-01T01:00:00 to 2003-01-02T01:00:00"


def test_missing_values_are_apart_if_there_are_enough_of_them() -> None:
    df = pd.DataFrame({"age": [1, 2, 3, None, None, None], "word": ["x"] * 6})
    apart = k_anonymize(df, ["age", "word"], 3)
    assert apart["age"].isna().sum() == 3
    assert apart["age"].dropna().tolist() == ["1 to 3"] * 3
    assert k_anonymize(df, ["age", "word"], 4)["age"].tolist() == ["*"] * 6


def test_words_that_look_like_labels_are_quoted() -> None:
    df = pd.DataFrame({"word": ["a | b", "*", "", "plain"] * 2})
    labels = k_anonymize(df, ["word"], 2)["word"].unique().tolist()
    assert sorted(labels) == ['""', '"*"', '"a | b"', "plain"]


def test_a_hierarchy_gives_each_column_one_level() -> None:
    hierarchies = {
        "age": Hierarchy(widths=(10, 20)),
        "town": Hierarchy(
            words={"Faro": ("south",), "Lagos": ("south",), "Porto": ("north",), "Braga": ("north",)}
        ),
    }

    def shown(k: int, max_suppressed: float) -> list[list[str]]:
        made = k_anonymize(
            PEOPLE,
            ["age", "town"],
            k,
            identifiers=["name"],
            method=Method.HIERARCHY,
            hierarchies=hierarchies,
            max_suppressed=max_suppressed,
        )
        assert check_anonymity(made, ["age", "town"])["k"].tolist() == [k]
        loss = information_loss(PEOPLE, made, ["age", "town"], hierarchies=hierarchies)
        assert loss["suppressed"].tolist() == [8 - len(made)]
        labels: list[list[str]] = made[["age", "town"]].drop_duplicates().to_numpy().tolist()
        return sorted(labels)

    assert shown(4, 0) == [["*", "north"], ["*", "south"]]
    # Hal, who is 60, is removed; then the two oldest.
    assert shown(3, 0.2) == [["20 to 29", "south"], ["40 to 49", "north"]]
    assert shown(2, 0.3) == [["20 to 29", "Faro"], ["20 to 29", "Lagos"], ["40 to 49", "Porto"]]


@pytest.mark.parametrize(
    ("hierarchy", "column", "labels"),
    [
        (Hierarchy(widths=(25,)), "age", {"0 to 24", "25 to 49", "50 to 74"}),
        (Hierarchy(widths=(0.3,)), "share", {"0 to below 0.3", "0.6 to below 0.9"}),
        (Hierarchy(periods=(Period.QUARTER,)), "born", {"2003-Q1", "2002-Q1", "2002-Q2", "1995-Q1"}),
        (Hierarchy(periods=(Period.DECADE,)), "born", {"1990s", "2000s"}),
        (Hierarchy(prefixes=(2,)), "zip", {"12***", "13***"}),
    ],
)
def test_the_levels_of_a_hierarchy(hierarchy: Hierarchy, column: str, labels: set[str]) -> None:
    df = PEOPLE.assign(share=[0.1, 0.2, 0.25, 0.7] * 2, zip=["12345", "12999", "13000", "12345"] * 2)
    made = generalize(df, column, hierarchy)
    assert set(made[column]) == labels
    assert made.drop(columns=column).equals(df.drop(columns=column))


@pytest.mark.parametrize(
    ("call", "parameter", "words", "hint"),
    [
        (lambda: k_anonymize(PEOPLE, ["age"], 9), "k", "the table has 8 rows", "the largest possible k is 8"),
        (
            lambda: k_anonymize(PEOPLE, ["age"], 2, sensitive=["illness"], l=4),
            "l",
            "the number of distinct values of the sensitive column `illness` in the whole table is 3",
            "the largest possible l is 3",
        ),
        (
            lambda: k_anonymize(PEOPLE, ["age"], 2, sensitive=["illness"], l=3, diversity=Diversity.ENTROPY),
            "l",
            "entropy diversity",
            "the largest possible l is 2.46",
        ),
        (
            lambda: k_anonymize(
                PEOPLE, ["age"], 2, sensitive=["illness"], l=2, diversity=Diversity.RECURSIVE, c=1
            ),
            "c",
            "recursive (1, 2)-diversity",
            "c must be larger than 1.667",
        ),
        (lambda: k_anonymize(PEOPLE, ["age"], 2, l=2), "sensitive", "none is named", "name the columns"),
        (lambda: k_anonymize(PEOPLE, ["age"], 2, c=2), "c", "only recursive diversity", "or neither"),
        (
            lambda: k_anonymize(PEOPLE, ["age"], 2, identifiers=["age"]),
            "identifiers",
            "the column `age` is also listed under `quasi_identifiers`",
            "only one of them",
        ),
        (
            lambda: k_anonymize(PEOPLE, ["age"], 2, max_suppressed=0.1),
            "max_suppressed",
            "only the method `hierarchy`",
            "method: hierarchy",
        ),
        (
            lambda: k_anonymize(
                PEOPLE,
                ["town"],
                2,
                method=Method.HIERARCHY,
                hierarchies={"town": Hierarchy(words={"Faro": ("south",)})},
            ),
            "hierarchies",
            "the value `Braga`, which has no levels",
            "add it under `words` of `town`",
        ),
        (
            lambda: k_anonymize(
                PEOPLE, ["town"], 2, method=Method.HIERARCHY, hierarchies={"town": Hierarchy(widths=(5,))}
            ),
            "hierarchies",
            "the column `town` contains no numbers",
            "use `words`",
        ),
        (
            lambda: k_anonymize(PEOPLE, ["agee"], 2),
            "quasi_identifiers",
            "column `agee` does not exist",
            "`age`",
        ),
    ],
)
def test_what_is_impossible_is_refused_with_what_is_possible(
    call: Callable[[], Any], parameter: str, words: str, hint: str
) -> None:
    error = refusal(call)
    assert error.parameter == parameter
    assert words in error.message
    assert hint in (error.hint or "")


def test_what_a_hint_calls_possible_is_possible() -> None:
    def made(**demands: Any) -> pd.DataFrame:
        return k_anonymize(PEOPLE, ["age"], 1, sensitive=["illness"], **demands)

    assert len(made(l=3)) == 8
    assert len(made(l=2.46, diversity=Diversity.ENTROPY)) == 8
    assert len(made(l=2, diversity=Diversity.RECURSIVE, c=1.668)) == 8
    assert len(k_anonymize(PEOPLE, ["age"], 8)) == 8


@pytest.mark.parametrize(
    "given",
    [{}, {"widths": (5,), "prefixes": (1,)}, {"words": {"a": ["x"], "b": ["x", "y"]}}, {"widths": (0,)}],
)
def test_a_hierarchy_is_given_in_one_way(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Hierarchy(**given)


def test_many_levels_are_refused_before_they_are_weighed() -> None:
    df = pd.DataFrame(np.arange(48).reshape(4, 12), columns=list("abcdefghijkl"))
    hierarchies = {name: Hierarchy(widths=(2, 4)) for name in df.columns}
    with pytest.raises(TaskError, match="16777216 combinations"):
        k_anonymize(df, list(df.columns), 2, method=Method.HIERARCHY, hierarchies=hierarchies)


def test_the_input_is_not_changed() -> None:
    before = PEOPLE.copy(deep=True)
    k_anonymize(PEOPLE, ["age", "town", "born"], 3, identifiers=["name"])
    pd.testing.assert_frame_equal(PEOPLE, before)
