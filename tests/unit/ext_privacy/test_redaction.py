"""Values that are removed wholly or in part."""

from typing import Any

import pandas as pd
import pytest

from flowlock_core.errors import TaskError
from flowlock_ext_privacy.redaction import mask, redact

DF = pd.DataFrame(
    {"card": ["4111111111111111", "42", None], "note": ["call 555-1234", "none", None], "n": [1, 2, 3]}
)


def test_a_redacted_column_says_nothing_not_even_what_is_missing() -> None:
    made = redact(DF, ["card", "n"])
    assert made["card"].tolist() == made["n"].tolist() == ["[redacted]"] * 3
    assert made["note"].equals(DF["note"])


def test_a_pattern_removes_its_matches_only() -> None:
    made = redact(DF, ["note"], pattern=r"\d{3}-\d{4}", replacement=r"\1")
    assert made["note"].tolist()[:2] == [r"call \1", "none"]
    assert pd.isna(made["note"][2])
    with pytest.raises(TaskError, match="not a regular expression"):
        redact(DF, ["note"], pattern="(")
    with pytest.raises(TaskError, match="values that are not texts"):
        redact(DF, ["n"], pattern="1")


@pytest.mark.parametrize(
    ("settings", "card"),
    [
        ({}, ["*****", "*****"]),
        ({"keep_last": 4}, ["*****1111", "*****"]),
        ({"keep_first": 1, "keep_last": 2, "character": "x"}, ["4xxxxx11", "xxxxx"]),
        ({"keep_last": 4, "keep_length": True}, ["************1111", "**"]),
        ({"keep_first": 1, "keep_length": True}, ["4***************", "4*"]),
    ],
)
def test_a_mask_keeps_the_ends_of_what_is_long_enough(settings: dict[str, Any], card: list[str]) -> None:
    made = mask(DF, ["card"], **settings)
    assert made["card"].tolist()[:2] == card
    assert pd.isna(made["card"][2])


def test_numbers_are_not_masked() -> None:
    with pytest.raises(TaskError, match="values that are not texts"):
        mask(DF, ["n"])
