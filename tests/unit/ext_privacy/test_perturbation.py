"""Dates that are shifted by person, and noise."""

import numpy as np
import pandas as pd
import pytest

from flowlock_core.errors import TaskError
from flowlock_ext_privacy.perturbation import Noise, add_noise, date_shift
from secret_keys import OTHER, secret_key

VISITS = pd.DataFrame(
    {
        "person": [f"p{row % 200}" for row in range(600)],
        "begin": pd.date_range("2020-01-01", periods=600, freq="37h"),
        "end": pd.date_range("2020-01-03", periods=600, freq="37h"),
        "pay": np.linspace(0, 100, 600),
    }
)


def test_all_dates_of_a_person_are_shifted_alike() -> None:
    made = date_shift(VISITS, ["begin", "end"], "person", secret_key(), max_days=100)
    shifts = (made["begin"] - VISITS["begin"]).dt.days
    assert ((made["end"] - VISITS["end"]).dt.days == shifts).all()
    assert (shifts == shifts.groupby(VISITS["person"]).transform("first")).all()
    assert shifts.abs().max() <= 100
    assert (shifts != 0).all()
    assert shifts.nunique() > 100
    assert made["begin"].dtype == VISITS["begin"].dtype
    again = date_shift(VISITS[::-1], ["begin", "end"], "person", secret_key(), max_days=100)
    pd.testing.assert_frame_equal(again[::-1], made)
    other = date_shift(VISITS, ["begin"], "person", secret_key(OTHER), max_days=100)
    assert not (other["begin"] == made["begin"]).all()


def test_a_shift_of_one_day_goes_both_ways() -> None:
    made = date_shift(VISITS, ["begin"], "person", secret_key(), max_days=1)
    assert set((made["begin"] - VISITS["begin"]).dt.days) == {-1, 1}


def test_dates_without_a_person_and_missing_dates() -> None:
    df = VISITS.head(3)
    df = df.assign(person=df["person"].mask(df["person"] == "p1"))
    with pytest.raises(TaskError, match="in rows without a value in `person`"):
        date_shift(df, ["begin"], "person", secret_key())
    df.loc[1, "begin"] = pd.NaT
    assert date_shift(df, ["begin"], "person", secret_key())["begin"].isna().tolist() == [False, True, False]
    with pytest.raises(TaskError, match="contains no dates or times"):
        date_shift(df, ["pay"], "person", secret_key())
    days = pd.Series([pd.Timestamp.max] * 20, dtype="datetime64[ns]")
    edge = pd.DataFrame({"person": range(20), "day": days})
    with pytest.raises(TaskError, match="beyond what can be represented"):
        date_shift(edge, ["day"], "person", secret_key())


@pytest.mark.parametrize("distribution", list(Noise))
def test_noise_has_the_size_that_is_asked_for_and_is_never_the_same(distribution: Noise) -> None:
    df = pd.concat([VISITS] * 20, ignore_index=True)
    made = add_noise(df, ["pay"], 0.5, distribution=distribution)
    noise = made["pay"] - df["pay"]
    assert noise.std() == pytest.approx(0.5 * df["pay"].std(), rel=0.1)
    assert abs(noise.mean()) < df["pay"].std() / 20
    assert not made["pay"].equals(add_noise(df, ["pay"], 0.5, distribution=distribution)["pay"])
    rounded = add_noise(df, ["pay"], 0.5, decimals=1)["pay"]
    assert (rounded.round(1) == rounded).all()
    assert "random" in add_noise.tags


def test_noise_is_for_numbers_and_leaves_what_is_missing() -> None:
    df = pd.DataFrame({"n": pd.array([1, None, 3], dtype="Int64"), "word": ["a", "b", "c"]})
    assert add_noise(df, ["n"], 1.0)["n"].isna().tolist() == [False, True, False]
    with pytest.raises(TaskError, match="contains no numbers"):
        add_noise(df, ["word"], 1.0)
