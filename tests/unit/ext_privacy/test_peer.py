"""pycanon, which checks anonymised tables, finds the same k, l and t; it has its own environment."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from flowlock_ext_privacy.anonymization import k_anonymize
from flowlock_ext_privacy.assessment import check_anonymity
from flowlock_ext_privacy.parameters import Diversity
from shared import ROOT, require_part

PYTHON = ROOT / ".parts/anonymity/bin/python"
QUASI_IDENTIFIERS = ["age", "town"]
# Reads tables, and writes what pycanon measures of each.
MEASURE = """\
import json, sys, warnings
warnings.simplefilter("ignore")
import pandas as pd
from pycanon import anonymity as peer
qi = sys.argv[3:]
measured = []
for table in json.load(open(sys.argv[1])):
    df = pd.DataFrame(table)
    row = {"k": int(peer.k_anonymity(df, qi))}
    for name in ("pay", "illness"):
        row[f"l {name}"] = int(peer.l_diversity(df, qi, [name]))
        row[f"entropy {name}"] = int(peer.entropy_l_diversity(df, qi, [name]))
        row[f"t {name}"] = float(peer.t_closeness(df, qi, [name]))
    measured.append(row)
json.dump(measured, open(sys.argv[2], "w"))
"""
DEMANDS: list[dict[str, Any]] = [
    {"k": 1},
    {"k": 2},
    {"k": 5},
    {"k": 3, "sensitive": ["pay", "illness"], "l": 2},
    {"k": 2, "sensitive": ["illness"], "l": 2, "diversity": Diversity.ENTROPY},
    {"k": 2, "sensitive": ["pay", "illness"], "t": 0.3},
    {"k": 2, "sensitive": ["pay"], "t": 0.15},
]


def peers(tables: list[pd.DataFrame], folder: Path, *quasi_identifiers: str) -> list[dict[str, float]]:
    require_part(found=PYTHON.exists(), part="the Python package pycanon")
    (folder / "tables.json").write_text(json.dumps([table.to_dict("list") for table in tables]))
    command: list[str | Path] = [PYTHON, "-c", MEASURE, folder / "tables.json", folder / "measured.json"]
    subprocess.run([*command, *quasi_identifiers], check=True)
    measured: list[dict[str, float]] = json.loads((folder / "measured.json").read_text())
    return measured


def table(seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    rows = int(random.integers(8, 60))
    return pd.DataFrame(
        {
            "age": random.integers(0, random.integers(1, 50), rows),
            "town": random.choice(["a", "b", "a | b", "d"], rows),
            # At least two values of each: pycanon divides by one fewer.
            "pay": np.append(random.integers(0, 8, rows - 2), [0, 9]),
            "illness": np.append(random.choice(["x", "y", "z"], rows - 2), ["x", "y"]),
        }
    )


def test_pycanon_finds_the_same_k_l_and_t(tmp_path: Path) -> None:
    pairs = [(seed, demands) for seed in range(20) for demands in DEMANDS]
    made = [k_anonymize(table(seed), QUASI_IDENTIFIERS, **demands) for seed, demands in pairs]
    for (_, demands), published, measured in zip(
        pairs, made, peers(made, tmp_path, *QUASI_IDENTIFIERS), strict=True
    ):
        own = check_anonymity(published, QUASI_IDENTIFIERS, sensitive=["pay", "illness"])
        assert measured["k"] == own["k"].iloc[0] >= demands["k"]
        for row in own.to_dict("records"):
            name = row["sensitive"]
            assert measured[f"l {name}"] == row["l"]
            # Of two equally frequent values it says 1 or 2: it rounds down what is nearly 2.
            assert measured[f"entropy {name}"] in {int(row["entropy_l"] + off) for off in (1e-9, -1e-9)}
            assert measured[f"t {name}"] == pytest.approx(row["t"], abs=1e-9)
            if name in demands.get("sensitive", ()):
                assert measured[f"t {name}"] <= demands.get("t", 1) + 1e-9


def test_pycanon_does_not_see_rows_with_a_missing_value(tmp_path: Path) -> None:
    df = pd.DataFrame({"age": [20, 20, None], "pay": [1, 2, 3], "illness": ["x", "y", "x"]})
    (measured,) = peers([df], tmp_path, "age")
    assert measured["k"] == 2
    # The third row is alone.
    assert check_anonymity(df, ["age"])["k"].tolist() == [1]
