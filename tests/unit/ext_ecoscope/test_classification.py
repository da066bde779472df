"""Classes of numbers, and colours of values."""

from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest

from flowlock_core.errors import TaskError
from flowlock_ext_ecoscope import classification
from flowlock_ext_ecoscope.classification import (
    LabelOptions,
    NaturalBreaksArgs,
    SharedArgs,
    StdMeanArgs,
    apply_classification,
    apply_color_map,
)

TABLE = pd.DataFrame({"speed": [1.0, 2.0, 3.0, 10.0, None], "name": ["b", "a", "b", "c", None]})


@pytest.mark.parametrize(
    "options", [SharedArgs(k=3), SharedArgs(scheme="quantile", k=2), NaturalBreaksArgs(k=2), StdMeanArgs()]
)
def test_classes_are_those_of_ecoscope_called_directly(options: SharedArgs) -> None:
    from ecoscope.analysis.classifier import apply_classification as of_ecoscope

    classified = apply_classification(TABLE, "speed", classification_options=options)
    expected = of_ecoscope(TABLE["speed"].dropna().to_numpy(), **options.model_dump())
    assert classified["speed_classified"].dropna().tolist() == pytest.approx(expected)
    assert classified["speed_classified"].isna().tolist() == [False] * 4 + [True]


def test_labels_of_ranges_sort_as_their_numbers() -> None:
    options = LabelOptions(label_ranges=True, label_decimals=0, label_suffix=" km/h")
    classified = apply_classification(
        TABLE, "speed", "class", classification_options=SharedArgs(k=9), label_options=options
    )
    assert classified["class"].cat.categories.tolist()[:2] == ["1 to 3 km/h", "3 to 6 km/h"]
    assert classified["class"].max() == "8 to 10 km/h"


def test_labels_must_fit_the_classes() -> None:
    labelled = apply_classification(
        TABLE, "speed", labels=["slow", "fast"], classification_options=SharedArgs(k=2)
    )
    assert labelled["speed_classified"].tolist()[:4] == ["slow"] * 3 + ["fast"]
    with pytest.raises(TaskError, match="1 labels for 5 classes"):
        apply_classification(TABLE.assign(speed=range(5)), "speed", labels=["slow"])


def test_a_column_of_one_value_is_one_class() -> None:
    assert apply_classification(TABLE.head(1), "speed")["speed_classified"].tolist() == [1.0]
    with pytest.raises(TaskError, match="no values"):
        apply_classification(TABLE.tail(1), "speed")
    with pytest.raises(TaskError, match="contains no numbers"):
        apply_classification(TABLE, "name")


def test_values_get_colours_in_their_order_and_lists_are_used_in_turn() -> None:
    colored = apply_color_map(TABLE, "name", ["#ff0000", "#00ff00"])["name_colormap"]
    assert colored.tolist()[:4] == ["#00ff00", "#ff0000", "#00ff00", "#ff0000"]
    assert pd.isna(colored[4])
    mapped = apply_color_map(TABLE, "speed", "viridis", "color")["color"]
    assert mapped.tolist()[0] == "#440154"
    assert mapped.nunique() == 4
    with pytest.raises(TaskError, match="not a colour map") as caught:
        apply_color_map(TABLE, "speed", "virides")
    assert caught.value.hint == "did you mean `viridis`?"
    with pytest.raises(TaskError, match="`blurple` is not a colour"):
        apply_color_map(TABLE, "speed", ["blurple"])


def test_numba_is_as_it_was_after_steps_in_threads() -> None:
    import numba

    before = numba.njit
    with ThreadPoolExecutor(8) as pool:
        modules = list(pool.map(lambda _: classification._mapclassify(), range(64)))
    assert len(set(map(id, modules))) == 1
    assert numba.njit is before
