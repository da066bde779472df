"""What holds for every anonymised table: k, l and t as demanded, true labels, no trace of the order."""

import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymous_tables import (
    QUASI_IDENTIFIERS,
    SENSITIVE,
    classes_of,
    key_of,
    largest_distance,
    least_diverse,
    least_entropy,
    smallest,
    tables,
)
from flowlock_core.errors import TaskError
from flowlock_ext_privacy.anonymization import Method, k_anonymize
from flowlock_ext_privacy.assessment import check_anonymity, information_loss, require_anonymity
from flowlock_ext_privacy.classes.labels import words_of
from flowlock_ext_privacy.hierarchies import Hierarchy, Period
from flowlock_ext_privacy.parameters import Diversity
from flowlock_ext_privacy.pseudonyms import PseudonymMethod, decrypt_columns, encrypt_columns, pseudonymize
from secret_keys import secret_key

HIERARCHIES = {
    "age": Hierarchy(widths=(5, 20)),
    "born": Hierarchy(periods=(Period.MONTH, Period.QUARTER, Period.YEAR, Period.DECADE)),
    "place": Hierarchy(prefixes=(1,)),
}
KS = st.sampled_from([1, 2, 3, 5])
METHODS = st.sampled_from(list(Method))
VALUES = (
    st.none()
    | st.text(max_size=6)
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.booleans()
    | st.datetimes()
    | st.decimals(allow_nan=False, allow_infinity=False, places=3)
)


def anonymized(df: pd.DataFrame, k: int, method: Method, **demands: object) -> pd.DataFrame:
    settings = {"hierarchies": HIERARCHIES, "max_suppressed": 0.2} if method is Method.HIERARCHY else {}
    return k_anonymize.validate().call(
        df=df,
        quasi_identifiers=QUASI_IDENTIFIERS,
        k=k,
        identifiers=["name"],
        method=method,
        **settings,
        **demands,
    )


@given(tables(), KS, METHODS)
def test_every_class_has_k_rows(df: pd.DataFrame, k: int, method: Method) -> None:
    if len(df) < k:
        with pytest.raises(TaskError, match=f"the table has {len(df)} rows"):
            anonymized(df, k, method)
        return
    made = anonymized(df, k, method)
    assert smallest(made, QUASI_IDENTIFIERS) >= k
    (measured,) = check_anonymity(made, QUASI_IDENTIFIERS).to_dict("records")
    assert measured["k"] == smallest(made, QUASI_IDENTIFIERS)
    assert measured["classes"] == len(classes_of(made, QUASI_IDENTIFIERS))
    assert len(made) >= 0.8 * len(df)


@settings(max_examples=40)
@given(
    tables(),
    METHODS,
    st.sampled_from([1.0, 2.0, 2.5, 3.0]),
    st.sampled_from([Diversity.DISTINCT, Diversity.ENTROPY]),
)
def test_every_class_is_as_diverse_as_demanded_or_the_table_is_not(
    df: pd.DataFrame, method: Method, least: float, diversity: Diversity
) -> None:
    measure = least_diverse if diversity is Diversity.DISTINCT else least_entropy
    # With no column the whole table is one class.
    if min(measure(df, [], name) for name in SENSITIVE) < least - 1e-9:
        with pytest.raises(TaskError, match="not possible"):
            anonymized(df, 1, method, sensitive=SENSITIVE, l=least, diversity=diversity)
        return
    made = anonymized(df, 1, method, sensitive=SENSITIVE, l=least, diversity=diversity)
    for name in SENSITIVE:
        assert measure(made, QUASI_IDENTIFIERS, name) >= least - 1e-6


@settings(max_examples=40)
@given(tables(), METHODS, st.sampled_from([0.0, 0.1, 0.3, 1.0]))
def test_no_class_is_further_from_the_table_than_t(df: pd.DataFrame, method: Method, t: float) -> None:
    made = anonymized(df, 1, method, sensitive=SENSITIVE, t=t)
    measured = check_anonymity(made, QUASI_IDENTIFIERS, sensitive=SENSITIVE).set_index("sensitive")["t"]
    for name, ordered in (("pay", True), ("illness", False)):
        distance = largest_distance(made, QUASI_IDENTIFIERS, name, ordered=ordered)
        assert distance <= t + 1e-6
        assert math.isclose(measured[name], distance, abs_tol=1e-9)


@given(tables(), st.integers(0, 2**32 - 1), METHODS)
def test_the_order_and_the_index_of_the_rows_leave_no_trace(
    df: pd.DataFrame, seed: int, method: Method
) -> None:
    shuffled = df.iloc[np.random.default_rng(seed).permutation(len(df))]
    first, second = anonymized(df, 1, method), anonymized(shuffled, 1, method)
    pd.testing.assert_frame_equal(first, second)
    assert isinstance(first.index, pd.RangeIndex)


@given(tables(), KS, METHODS)
def test_no_identifier_is_left_and_nothing_else_is_changed(df: pd.DataFrame, k: int, method: Method) -> None:
    if len(df) < k:
        return
    made = anonymized(df, k, method)
    assert list(made.columns) == [name for name in df.columns if name != "name"]
    assert "person-" not in json.dumps(made.astype(str).to_dict("list"))
    before = df.set_index("tag")
    for row in made.to_dict("records"):
        for name in SENSITIVE:
            assert key_of(row[name]) == key_of(before.loc[row["tag"], name])


@given(tables(), KS)
def test_a_label_covers_the_value_that_it_replaces(df: pd.DataFrame, k: int) -> None:
    if len(df) < k:
        return
    before = df.set_index("tag")
    for row in anonymized(df, k, Method.MONDRIAN).to_dict("records"):
        for name in QUASI_IDENTIFIERS:
            assert covers(row[name], before.loc[row["tag"], name], words=name in ("place", "mixed"))


def covers(label: Any, value: Any, *, words: bool) -> bool:
    if label == "*":
        return True
    if pd.isna(value):
        return bool(pd.isna(label))
    text = str(label)
    if words and str(value) in words_of(text):
        return True
    first, _, last = text.partition(" to ")
    if isinstance(value, pd.Timestamp):
        return pd.Timestamp(first) <= value <= pd.Timestamp(last or first)
    return bool(float(first) <= value <= float(last or first))


@settings(max_examples=40)
@given(tables(), KS, METHODS)
def test_what_was_made_fulfils_what_is_required_and_its_loss_is_a_share(
    df: pd.DataFrame, k: int, method: Method
) -> None:
    if len(df) < k:
        return
    made = anonymized(df, k, method)
    assert require_anonymity(made, QUASI_IDENTIFIERS, k, identifiers=["name"]) is made
    hierarchies = HIERARCHIES if method is Method.HIERARCHY else {}
    (loss,) = information_loss(df, made, QUASI_IDENTIFIERS, hierarchies=hierarchies).to_dict("records")
    assert 0 <= loss["ncp"] <= 1
    assert loss["suppressed"] == len(df) - len(made)
    sizes = list(map(len, classes_of(made, QUASI_IDENTIFIERS)))
    assert loss["discernibility"] == sum(size**2 for size in sizes) + loss["suppressed"] * len(df)


@given(st.lists(VALUES, min_size=1, max_size=12))
def test_any_value_comes_back_from_its_pseudonym_and_its_ciphertext(values: list[Any]) -> None:
    df = pd.DataFrame({"value": pd.Series(values, dtype="object")})
    for protect in (pseudonymize, encrypt_columns):
        protected = protect(df, ["value"], secret_key())
        back = decrypt_columns(protected, ["value"], secret_key())["value"]
        for value, found in zip(values, back, strict=True):
            assert (pd.isna(value) and pd.isna(found)) or value == found
        with pytest.raises(TaskError):
            decrypt_columns(protected.assign(value="k.s.AAAA"), ["value"], secret_key())


@given(st.lists(VALUES, min_size=1, max_size=12))
def test_values_have_equal_pseudonyms_if_they_are_equal_and_of_one_kind(values: list[Any]) -> None:
    df = pd.DataFrame({"value": pd.Series(values, dtype="object")})
    for method in PseudonymMethod:
        made = pseudonymize(df, ["value"], secret_key(), method=method)["value"]
        for value, pseudonym in zip(values, made, strict=True):
            for other, same in zip(values, made, strict=True):
                if not pd.isna(value) and not pd.isna(other):
                    alike = value == other and kind_of(value) is kind_of(other)
                    assert (pseudonym == same) == alike


def kind_of(value: Any) -> type:
    """Return the type of a value, where integers and fractions are one."""
    return float if type(value) is int else type(value)
