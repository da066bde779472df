"""Digests: equal values have one in every process, different values have different ones."""

import os
import subprocess
import sys
from typing import Any

import pandas as pd
import pytest
from pydantic import SecretStr

from digest_values import EQUAL, VALUES, Opaque, base
from flowlock_core.store.digest import digest
from flowlock_core.store.errors import UndigestibleError
from flowlock_core.store.store import Store
from shared import ROOT


@pytest.mark.parametrize("way", EQUAL)
def test_equal_tables_have_one_digest(way: str) -> None:
    assert digest(EQUAL[way]()) == digest(base())


def test_different_values_have_different_digests() -> None:
    of: dict[str, str] = {}
    for name, value in VALUES.items():
        other = of.setdefault(digest(value), name)
        assert other == name, f"{name} has the digest of {other}"
    assert len(of) == len(VALUES)


def test_digests_are_the_same_in_another_process_with_another_hash_seed() -> None:
    here = {name: digest(value) for name, value in VALUES.items()}
    code = "import digest_values as m\nprint({k: m.digest(v) for k, v in m.VALUES.items()})"
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT / "tests")}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
        )
        assert done.stdout.strip() == repr(here)


@pytest.mark.parametrize(
    "value",
    [Opaque(), [1, Opaque()], lambda: 1, SecretStr("x"), pd.DataFrame({"o": [Opaque()]}), object()],
    ids=["object", "inside a list", "lambda", "secret", "in a table", "bare object"],
)
def test_what_has_no_digest_is_refused(value: Any) -> None:
    with pytest.raises(UndigestibleError):
        digest(value)


@pytest.mark.parametrize("name", VALUES)
def test_a_kept_value_comes_back_with_its_digest(name: str, tmp_path: Any) -> None:
    store = Store(tmp_path / "s")
    kept = store.keep(VALUES[name])
    back = store.load(kept)
    assert type(back) is type(VALUES[name])
    assert digest(back) == digest(VALUES[name])
    if isinstance(back, pd.DataFrame):
        pd.testing.assert_frame_equal(back, VALUES[name], check_freq=False)
        assert back.attrs == VALUES[name].attrs
