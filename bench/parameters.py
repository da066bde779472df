"""Reading 60,000 parameters with the place of each, beside plain parsing of the same text."""

import json
from collections.abc import Callable

import yaml

from bench._measure import print_table, side_by_side
from flowlock_core.documents import parse_document

KEYS = 60_000
# libyaml's events are nearly all of reading YAML; our reader of JSON is in Python, Python's own is in C.
GOALS = {"YAML": 2.0, "JSON": 60.0}


def main() -> None:
    """Print the medians and their ratios."""
    names = {f"key{number}": f"value {number}" for number in range(KEYS)}
    content = {"step": {"names": names}}
    texts = {"YAML": yaml.dump(content, Dumper=yaml.CSafeDumper), "JSON": json.dumps(content, indent=1)}
    parsers: dict[str, Callable[[str], object]] = {
        "YAML": lambda text: yaml.load(text, yaml.CSafeLoader),
        "JSON": json.loads,
    }
    rows: list[tuple[object, ...]] = []
    for syntax, text in texts.items():
        medians = _medians(text, f"params.{syntax.lower()}", parsers[syntax])
        floor = medians["plain parser"]
        rows += [
            (f"{syntax}, {name}", value, value / floor, f"≤ {GOALS[syntax]:g}")
            for name, value in medians.items()
        ]
    print_table((f"{KEYS:,} parameters", "seconds", "ratio", "goal"), rows)


def _medians(text: str, file: str, plain: Callable[[str], object]) -> dict[str, float]:
    candidates = {"plain parser": lambda: plain(text), "flowlock": lambda: parse_document(text, file)}
    return side_by_side(candidates, repeat=7)
