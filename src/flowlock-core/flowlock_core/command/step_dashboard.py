"""`run --show STEP`: what one step gave, as a dashboard."""

import json
from collections.abc import Sequence
from typing import Any

from flowlock_core.execute.skip import Skipped
from flowlock_core.results import (
    Card,
    Chart,
    Dashboard,
    SingleValue,
    TableView,
    TextView,
    Widget,
    Width,
    merged_cards,
    to_json,
)
from flowlock_core.task import humanised
from flowlock_core.tasks.results import create_table_widget

ROWS, LETTERS = 1000, 20_000
# A group's key has a column, an operator and a value for each column.
_PAIR, _PART = 2, 3


def step_dashboard(step: str, value: Any) -> Dashboard:
    """Return a dashboard of the value of a step: a card, or one with a view for each group.

    A table shows its first rows, and what is neither a table, a chart nor a number is shown as JSON.
    """
    if isinstance(value, Dashboard):
        return value
    title = humanised(step)
    return Dashboard(title=title, cards=_cards(title, value), description=f"What the step {step} gave.")


def _cards(title: str, value: Any) -> tuple[Card, ...]:
    if _is_groups(value):
        return merged_cards([[(key, _widget(title, item)) for key, item in value]])
    if isinstance(value, list) and value and all(_is_shown(item) for item in value):
        return merged_cards([[_widget(f"{title}, {place}", item) for place, item in enumerate(value, 1)]])
    return merged_cards([_widget(title, value)])


def _is_groups(value: Any) -> bool:
    """Return whether a value is the result of `mapvalues`: pairs of a group's key and a value."""
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        return False
    return all(isinstance(pair, tuple) and len(pair) == _PAIR and _is_key(pair[0]) for pair in value)


def _is_key(key: Any) -> bool:
    return isinstance(key, tuple) and all(isinstance(part, tuple) and len(part) == _PART for part in key)


def _is_table(value: Any) -> bool:
    return hasattr(value, "columns") and hasattr(value, "iloc")


def _is_shown(value: Any) -> bool:
    return _is_table(value) or isinstance(value, Widget | Chart | TableView | SingleValue | TextView)


def _widget(title: str, value: Any) -> Widget:
    if isinstance(value, Widget):
        return value
    if _is_table(value):
        return create_table_widget(value, title, max_rows=ROWS, width=Width.FULL)
    return Widget(title=title, content=_content(value), width=Width.FULL)


def _content(value: Any) -> Chart | TableView | SingleValue | TextView:
    if isinstance(value, Chart | TableView | SingleValue | TextView):
        return value
    if isinstance(value, Skipped):
        return TextView(text="This step was skipped.")
    if value is None or isinstance(value, bool | int | float):
        return SingleValue(value=value)
    if isinstance(value, str):
        return TextView(text=value[:LETTERS])
    return TextView(text=json.dumps(to_json(value), indent=1, ensure_ascii=False)[:LETTERS])
