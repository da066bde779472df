"""Reading large documents with the place of each value, beside plain parsing of the same text."""

import json
from collections.abc import Callable

import yaml

from bench._measure import print_table, side_by_side
from flowlock.lock.lockfile import document
from flowlock_core.documents import parse_document

PARAMETERS, RECORDS = 60_000, 20_000
URL = "https://conda.anaconda.org/conda-forge/linux-64"
ENTRY = f"  sha256: {'5ced' * 16}\n  depends:\n{'  - python >=3.9,<4.0a0' + chr(10)}  size: 5\n"


def main() -> None:
    """Print the medians and their ratios; our reader of JSON is in Python, and Python's own is in C."""
    content = {"step": {"names": {f"key{number}": f"value {number}" for number in range(PARAMETERS)}}}
    in_yaml, in_json = yaml.dump(content, Dumper=yaml.CSafeDumper), json.dumps(content, indent=1)
    rows = [
        *_rows("parameters in YAML", in_yaml, _plain_yaml, lambda text: parse_document(text, "p.yaml"), 2.0),
        *_rows("parameters in JSON", in_json, json.loads, lambda text: parse_document(text, "p.json"), 60.0),
        *_rows("records of a lock", _lock(), _plain_yaml, lambda text: document.read(text, "pixi.lock"), 2.0),
    ]
    title = f"{PARAMETERS:,} parameters, {RECORDS:,} records"
    print_table((title, "seconds", "ratio", "goal"), rows)


def _rows(
    name: str, text: str, plain: Callable[[str], object], ours: Callable[[str], object], goal: float
) -> list[tuple[str, float, float, str]]:
    candidates = {"plain parser": lambda: plain(text), "flowlock": lambda: ours(text)}
    medians = side_by_side(candidates, repeat=5)
    floor = medians["plain parser"]
    return [(f"{name}, {who}", value, value / floor, f"≤ {goal:g}") for who, value in medians.items()]


def _plain_yaml(text: str) -> object:
    return yaml.load(text, yaml.CSafeLoader)


def _lock() -> str:
    urls = [f"{URL}/package-with-a-name-{number}-1.2.3-h0123456_0.conda" for number in range(RECORDS)]
    pins = "".join(f"      - conda: {url}\n" for url in urls)
    entries = "".join(f"- conda: {url}\n{ENTRY}" for url in urls)
    head = "version: 7\nplatforms:\n- name: linux-64\nenvironments:\n  default:\n    channels:\n"
    head += f"    - url: {URL.rpartition('/')[0]}/\n    packages:\n      linux-64:\n"
    return f"{head}{pins}packages:\n{entries}"
