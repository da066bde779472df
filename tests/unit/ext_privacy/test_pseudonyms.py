"""Pseudonyms that join, ciphertexts that do not, and the way back."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from flowlock_core.errors import TaskError
from flowlock_core.execute import Options, Run, Steps
from flowlock_ext_privacy.pseudonyms import PseudonymMethod, decrypt_columns, encrypt_columns, pseudonymize
from secret_keys import KEY, OTHER, secret_key, text_of

PEOPLE = pd.DataFrame({"id": ["007", "b", None, "b"], "number": [7, 8, 7, 9], "pay": [1.5, 2.0, None, 4.0]})
METHODS = list(PseudonymMethod)


@pytest.mark.parametrize("method", METHODS)
def test_equal_values_join_across_tables(method: PseudonymMethod) -> None:
    visits = pd.DataFrame({"person": ["b", "x", "007"], "day": [1, 2, 3]})
    first = pseudonymize(PEOPLE, ["id"], secret_key(), method=method, context="person")
    second = pseudonymize(visits, ["person"], secret_key(), method=method)
    joined = first.dropna(subset="id").merge(second, left_on="id", right_on="person")
    assert sorted(joined["day"]) == [1, 1, 3]
    assert first["id"].isna().tolist() == [False, False, True, False]
    assert not set(first["id"].dropna()) & set(PEOPLE["id"].dropna())
    # In another context, or with another key, nothing joins.
    for other in (
        pseudonymize(visits, ["person"], secret_key(), method=method, context="visitor"),
        pseudonymize(visits, ["person"], secret_key(OTHER), method=method),
    ):
        assert not set(first["id"].dropna()) & set(other["person"])


def test_an_integer_joins_with_the_fraction_that_a_missing_value_made_of_it() -> None:
    fractions = pd.DataFrame({"number": [7.0, None, 9.0]})
    one, two = (pseudonymize(df, ["number"], secret_key())["number"] for df in (PEOPLE, fractions))
    assert set(two.dropna()) == {one[0], one[3]}
    text = pseudonymize(pd.DataFrame({"number": ["7"]}), ["number"], secret_key())["number"]
    assert text[0] not in set(one)


@pytest.mark.parametrize("protect", [pseudonymize, encrypt_columns])
def test_what_is_encrypted_comes_back_with_its_type(protect: Any) -> None:
    others: dict[str, list[Any]] = {
        "born": [date(2000, 1, 1), None, date(1999, 12, 31), None],
        "price": [Decimal("1.10"), None, Decimal(3), Decimal("1.1")],
        "mixed": [1, "1", 1.5, True],
    }
    days = ["2024-01-02", "2024-01-02", "2024-01-02T03:04:05.000006", "1900-01-01"]
    df = PEOPLE.assign(
        **others,
        day=pd.Series(pd.to_datetime(days, format="ISO8601")).mask(pd.Series(days).duplicated()),
        zoned=pd.to_datetime(["2024-01-02T00:00:00+02:00"] * 4, utc=True),
        truth=[True, False, True, True],
        large=[2**63, 1, -1, 5],
    )
    names = list(df.columns)
    back = decrypt_columns(protect(df, names, secret_key()), names, secret_key())
    for name in ("id", "number", "pay", "day", "zoned", "truth", "large"):
        assert back[name].dropna().tolist() == df[name].dropna().tolist()
    for name in ("born", "price", "mixed"):
        values = [(type(value), value) for value in back[name] if not pd.isna(value)]
        assert values == [(type(value), value) for value in df[name] if not pd.isna(value)]
    assert back.isna().equals(df.isna())
    assert back["day"].dtype.kind == "M"


def test_randomised_encryption_shows_no_equal_values() -> None:
    df = pd.DataFrame({"word": ["same"] * 50})
    first = encrypt_columns(df, ["word"], secret_key())["word"]
    assert first.nunique() == 50
    assert not set(first) & set(encrypt_columns(df, ["word"], secret_key())["word"])
    assert len(set(pseudonymize(df, ["word"], secret_key())["word"])) == 1


def test_after_a_rotation_decrypting_finds_the_earlier_key() -> None:
    earlier = secret_key(OTHER, "2025")
    old = pseudonymize(PEOPLE[:2], ["id"], earlier)
    new = pseudonymize(PEOPLE[3:], ["id"], secret_key())
    both = pd.concat([old, new])
    rotated = secret_key(KEY, "2026", f"2025:{text_of(OTHER)}")
    assert decrypt_columns(both, ["id"], rotated)["id"].tolist() == ["007", "b", "b"]
    with pytest.raises(TaskError, match=r"row 1 of the column `id` .* the key `2025`, which is missing"):
        decrypt_columns(both, ["id"], secret_key())


def test_what_cannot_be_decrypted_is_refused_with_its_row() -> None:
    made = pseudonymize(PEOPLE, ["id"], secret_key()).rename(columns={"id": "name"})
    with pytest.raises(TaskError, match="in the context `name`: key or context differ") as caught:
        decrypt_columns(made, ["name"], secret_key())
    assert "the column's name by default" in (caught.value.hint or "")
    assert decrypt_columns(made, ["name"], secret_key(), context="id")["name"].tolist()[:2] == ["007", "b"]
    with pytest.raises(TaskError, match=r"row 1 of the column `id` .* not an encrypted value"):
        decrypt_columns(PEOPLE, ["id"], secret_key())
    hashed = pseudonymize(PEOPLE, ["id"], secret_key(), method=PseudonymMethod.HMAC)
    with pytest.raises(TaskError, match="a keyed hash, which cannot be reversed"):
        decrypt_columns(hashed, ["id"], secret_key())


def test_values_that_have_no_bytes_are_refused_by_their_type() -> None:
    with pytest.raises(TaskError, match="the column `lists` has values of the type list"):
        pseudonymize(pd.DataFrame({"lists": [[1], [2]]}), ["lists"], secret_key())
    with pytest.raises(TaskError, match="`ids` does not exist"):
        pseudonymize(PEOPLE, ["ids"], secret_key())


def test_a_mocked_run_needs_no_key_and_its_pseudonyms_say_so(tmp_path: Path) -> None:
    def workflow(step: Steps) -> Any:
        return step(pseudonymize, "made").partial(df=PEOPLE, columns=["id"], key="absent").call()

    made, _ = Run.of(workflow, Options(results=tmp_path, mock_io=True))
    assert made["id"].dropna().str.startswith("mocked.s.").all()
