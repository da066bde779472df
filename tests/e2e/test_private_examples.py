"""The examples about clean and anonymous tables: from files and from S3, and what an attacker learns."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from flowlock_core.cli import main
from flowlock_core.tasks.io import load_table
from flowlock_ext_privacy.anonymization import k_anonymize
from flowlock_ext_privacy.generalization import generalize
from flowlock_ext_privacy.hierarchies import Hierarchy
from flowlock_ext_privacy.pseudonyms import decrypt_columns
from secret_keys import KEY, secret_key, text_of, variables
from servers.objects import ObjectStore
from shared import ROOT

QUASI_IDENTIFIERS = ["year", "age", "marital_status", "race", "education", "job_class"]
SENSITIVE = ["wage", "health"]
Table = pd.DataFrame


def run(name: str, folder: Path, *arguments: str) -> int:
    module = name.replace("-", "_")
    package = ROOT / "examples" / name / f"flowlock-{name}-workflow"
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(package))
        patch.chdir(folder)
        return main(f"flowlock_{module}_workflow.workflow:{module}", ["run", "-q", *arguments])


def in_s3(store: ObjectStore, folder: Path, name: str) -> Path:
    """Put an example's table into the bucket; return parameters that read and write there."""
    params = yaml.safe_load((ROOT / "examples" / name / "params.yaml").read_text())
    for values in params.values():
        setting = "path" if "path" in values else "filename"
        if setting == "path":
            store.put(values["path"], (ROOT / "examples" / name / values["path"]).read_bytes())
        values[setting] = f"s3://rivers/{values[setting]}"
        values["connection"] = "lake"
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(params))
    return path


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables("wages", KEY).items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def lake(object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    for name, value in object_store.variables().items():
        monkeypatch.setenv(name, value)
    return object_store


OUTPUTS = {
    "clean-table": ["penguins-clean.csv"],
    "wages": ["register.csv", "publication.csv"],
}


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize("name", OUTPUTS)
def test_an_example_gives_the_same_tables_from_files_and_from_s3(
    name: str, lake: ObjectStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    params = ROOT / "examples" / name / "params.yaml"
    assert run(name, tmp_path, "--params", str(params), "--results", "local") == 0
    in_bucket = ["--results", f"s3://rivers/{name} results", "--results-connection", "lake"]
    assert run(name, tmp_path, "--params", str(in_s3(lake, tmp_path, name)), *in_bucket) == 0
    for output in OUTPUTS[name]:
        assert lake.get(output) == (tmp_path / "local" / output).read_bytes()
    assert lake.get(f"{name} results/result.json")
    printed = capsys.readouterr()
    assert text_of(KEY) not in printed.out + printed.err


@pytest.fixture
def wages() -> Table:
    """The table of the example, with wages in ranges, as it is anonymised."""
    df = load_table.validate().call(path=str(ROOT / "examples/wages/wages.csv"))
    return generalize(df, "wage", Hierarchy(widths=(25,)))


@pytest.fixture
def publication(tmp_path: Path, keys: None) -> Table:
    """What the example publishes."""
    params = ROOT / "examples/wages/params.yaml"
    assert run("wages", tmp_path, "--params", str(params)) == 0
    return pd.read_csv(tmp_path / "results/publication.csv", dtype=str)


def covered(original: Table, row: Any) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Return which people a published row may be about, by what others know of them."""
    possible = np.ones(len(original), dtype=np.bool_)
    for name in QUASI_IDENTIFIERS:
        label = row[name]
        if label == "*":
            continue
        if original[name].dtype.kind == "i":
            first, _, last = label.partition(" to ")
            possible &= original[name].between(int(first), int(last or first)).to_numpy()
        else:
            possible &= original[name].isin(label.split(" | ")).to_numpy()
    return possible


def test_linking_by_quasi_identifiers_finds_no_class_smaller_than_k(wages: Table, publication: Table) -> None:
    classes = publication.groupby(QUASI_IDENTIFIERS, dropna=False)
    assert classes.size().min() >= 5
    found = np.zeros(len(wages), dtype=np.int64)
    for _, rows in classes:
        people = covered(wages, rows.iloc[0])
        # At least as many people fit as there are rows, and they are of several kinds.
        assert people.sum() >= len(rows) >= 5
        assert rows["wage"].nunique() >= 2
        assert rows["health"].nunique() >= 2
        found += people * len(rows)
    # Whoever is looked for, at least five published rows fit.
    assert found.min() >= 5
    everything = publication.to_csv()
    assert "person" not in publication.columns
    assert not any(person in everything for person in wages["person"])


ORDERS: dict[str, Callable[[Table], Table]] = {
    "as it is": lambda df: df,
    "by wage": lambda df: df.sort_values(["wage", "health"], kind="stable"),
    "by age": lambda df: df.sort_values(["age", "education"], kind="stable"),
    "by everything": lambda df: df.sort_values([*QUASI_IDENTIFIERS, *SENSITIVE], kind="stable"),
}


@pytest.mark.parametrize("order", ORDERS)
def test_guessing_by_the_rank_of_rows_does_no_better_than_chance(wages: Table, order: str) -> None:
    df = ORDERS[order](wages).reset_index(drop=True)

    def made(*identifiers: str) -> Table:
        return k_anonymize(df, QUASI_IDENTIFIERS, 5, sensitive=SENSITIVE, l=2, identifiers=list(identifiers))

    published = made("person")
    # The classes of the people, which the attacker knows, in the order of the input.
    labels = made().set_index("person")[QUASI_IDENTIFIERS]
    people = df[["person", "wage"]].join(labels, on="person")
    right, chance = guessed(people, published)
    assert right < chance + 4 * chance**0.5
    if order == "by wage":
        # Sorted rows would have given it away.
        sorted_rows = published.sort_values("wage", kind="stable")
        assert guessed(people, sorted_rows) == (len(df), chance)


def guessed(people: Table, published: Table) -> tuple[int, float]:
    """Take the first row of each class for its first person, and so on, to guess the wages.

    Return how many guesses are right, and how many would be by chance.
    """
    right, chance = 0, 0.0
    members = dict(iter(people.groupby(QUASI_IDENTIFIERS)["wage"]))
    for key, rows in published.groupby(QUASI_IDENTIFIERS)["wage"]:
        right += int((rows.to_numpy() == members[key].to_numpy()).sum())
        chance += len(rows) * float((rows.value_counts(normalize=True) ** 2).sum())
    return right, chance


def test_the_register_can_only_be_read_with_the_key(tmp_path: Path, keys: None, wages: Table) -> None:
    params = ROOT / "examples/wages/params.yaml"
    assert run("wages", tmp_path, "--params", str(params)) == 0
    register = pd.read_csv(tmp_path / "results/register.csv")
    assert not set(register["person"]) & set(wages["person"])
    back = decrypt_columns(register, ["person"], secret_key())
    assert back["person"].tolist() == wages["person"].tolist()
