"""Simulated series, and the trends that are estimated from them."""

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from flowlock_core.errors import TaskError
from flowlock_ext_tabular.simulation import simulate_time_series
from flowlock_ext_tabular.trends import estimate_trend


def refusal(call: Callable[[], Any]) -> TaskError:
    with pytest.raises(TaskError) as caught:
        call()
    return caught.value


def yearly(values: dict[int, float]) -> pd.DataFrame:
    times = pd.to_datetime([f"{year}-07-01" for year in values])
    return pd.DataFrame({"day": times, "level": list(values.values())})


def estimate(df: pd.DataFrame, **options: Any) -> dict[str, Any]:
    table = estimate_trend(df, "day", "level", **options)
    assert list(table.columns) == ["trend", "low", "high", "years", "values"]
    return dict(table.iloc[0])


def test_a_series_has_a_row_for_each_day_and_does_not_depend_on_the_others() -> None:
    table = simulate_time_series(3, 2, start=date(2019, 3, 1), seed=5)
    assert list(table["series"].value_counts(sort=False)) == [731] * 3
    assert table["date"].iloc[0] == pd.Timestamp("2019-03-01")
    assert table["date"].iloc[-1] == pd.Timestamp("2021-02-28")
    pd.testing.assert_frame_equal(table[:731], simulate_time_series(1, 2, start=date(2019, 3, 1), seed=5))
    assert not table["value"][:731].equals(table["value"][731:1462].reset_index(drop=True))
    other = simulate_time_series(1, 2, start=date(2019, 3, 1), seed=6)
    assert not table["value"][:731].equals(other["value"])


def test_a_series_begins_on_a_leap_day() -> None:
    assert len(simulate_time_series(1, 1, start=date(2020, 2, 29))) == 366


def test_a_series_has_the_properties_that_are_set() -> None:
    table = simulate_time_series(1, 100, season=0, trend=0, noise=2, persistence=0.5, missing=0.1, seed=1)
    assert table["value"].isna().mean() == pytest.approx(0.1, abs=0.01)
    assert table["value"].std() == pytest.approx(2, rel=0.05)
    assert table["value"].autocorr() == pytest.approx(0.5, abs=0.03)
    quiet = simulate_time_series(1, 10, season=0, trend=0.5, noise=0, missing=0)
    assert quiet["value"].iloc[-1] - quiet["value"].iloc[0] == pytest.approx(5, abs=0.01)
    seasons = simulate_time_series(1, 1, season=8, trend=0, noise=0, missing=0)["value"]
    assert (seasons.idxmin(), seasons.max() - seasons.min()) == (0, pytest.approx(16, abs=0.01))


def test_series_must_end_before_the_last_year() -> None:
    assert refusal(lambda: simulate_time_series(1, 500, start=date(9900, 1, 1))).parameter == "start"


def test_a_straight_line_has_its_slope_and_no_doubt() -> None:
    found = estimate(yearly({year: 0.25 * year for year in range(2000, 2010)}), resamples=20)
    assert found == {"trend": 0.25, "low": 0.25, "high": 0.25, "years": 10, "values": 10}


def test_an_outlier_and_missing_years_do_not_move_the_trend() -> None:
    line = {year: 0.5 * year for year in range(2000, 2020) if year != 2007}
    found = estimate(yearly(line | {2011: 9999.0, 2012: np.nan, 2013: np.inf}), resamples=20)
    assert (found["trend"], found["years"], found["values"]) == (0.5, 17, 17)


def test_only_the_same_months_are_compared() -> None:
    january = pd.DataFrame({"day": pd.to_datetime(["2000-01-01", "2001-01-01"]), "level": [0.0, 1.0]})
    july = pd.DataFrame({"day": pd.to_datetime(["2001-07-01", "2002-07-01"]), "level": [50.0, 51.0]})
    assert estimate(pd.concat([july, january]), resamples=20)["trend"] == 1.0


def test_intervals_contain_the_true_trend_about_as_often_as_they_say() -> None:
    contained = 0
    series = simulate_time_series(60, 25, trend=0.05, seed=3)
    for _, rows in series.groupby("series"):
        row = estimate_trend(rows, "date", "value", resamples=300, confidence=0.9).iloc[0]
        assert row["low"] <= row["trend"] <= row["high"]
        contained += row["low"] <= 0.05 <= row["high"]
    assert contained >= 45


def test_a_seed_gives_the_same_interval_each_time() -> None:
    rows = simulate_time_series(1, 12)
    first, again, other = (estimate_trend(rows, "date", "value", resamples=50, seed=s) for s in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert (first["trend"] == other["trend"]).all()
    assert (first["low"] != other["low"]).any()


@pytest.mark.parametrize(
    ("df", "parameter"),
    [
        (yearly({2000: 1.0, 2001: 2.0}), "column"),
        (yearly({2000: 1.0, 2001: 2.0, 2002: np.nan}), "column"),
        (yearly({2000: np.nan}), "column"),
        (yearly({2000: 1.0}).astype({"day": str}), "time_column"),
        (yearly({2000: 1.0}).astype({"level": str}), "column"),
        (yearly({2000: 1.0}).rename(columns={"level": "depth"}), "column"),
        (yearly({2000: 1.0}).rename(columns={"day": "time"}), "time_column"),
        (
            pd.DataFrame(
                {"day": pd.to_datetime(["2000-01-01", "2001-02-01", "2002-03-01"]), "level": [1.0, 2.0, 3.0]}
            ),
            "column",
        ),
    ],
)
def test_what_has_no_trend_is_refused(df: pd.DataFrame, parameter: str) -> None:
    assert refusal(lambda: estimate_trend(df, "day", "level", resamples=20)).parameter == parameter


def test_resamples_without_a_slope_are_left_out_of_the_interval() -> None:
    df = pd.DataFrame(
        {"day": pd.to_datetime(["2000-01-01", "2001-01-01", "2002-07-01"]), "level": [1.0, 2.0, 9.0]}
    )
    found = estimate(df, resamples=100)
    assert (found["low"], found["high"]) == (1.0, 1.0)
