"""Names of what is new: whatever a hint suggests is valid itself."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlock.errors import FlowlockError
from flowlock.scaffold.names import require_distribution, require_task, require_workflow

TASKS = ("load_table", "count_rows")
RULES: dict[str, Callable[[str], str]] = {
    "workspace": lambda name: require_distribution(name, "workspace"),
    "task": require_task,
    "workflow": lambda name: require_workflow(name, TASKS),
}


def suggestion(rule: Callable[[str], str], name: str) -> str | None:
    """Return what is suggested for a name, None if nothing is."""
    with pytest.raises(FlowlockError) as refused:
        rule(name)
    (problem,) = refused.value.problems
    match = re.search("for example `(.*)`", problem.hint or "")
    return match[1] if match else None


@pytest.mark.parametrize(
    ("kind", "name", "better"),
    [
        ("workspace", "My Rivers!", "my-rivers"),
        ("workspace", "statistics", "my-statistics"),
        ("task", "mean-level", "mean_level"),
        ("task", "MeanLevel", "mean_level"),
        ("task", "class", "class_task"),
        ("task", "list", "list_task"),
        ("workflow", "2026-floods", "floods"),
        ("workflow", "import", "import_workflow"),
        ("workflow", "load table", "load_table_workflow"),
        ("workflow", "the water levels of all rivers of the north", "the_water_levels_of_all_rivers_o"),
        ("workflow", "!", None),
    ],
)
def test_a_name_that_is_refused_comes_with_a_better_one(kind: str, name: str, better: str | None) -> None:
    assert suggestion(RULES[kind], name) == better


@pytest.mark.parametrize("kind", RULES)
@given(
    name=st.one_of(st.text(max_size=60), st.sampled_from(["class", "match 1", "load-table", "json", "Print"]))
)
def test_every_suggestion_is_valid(kind: str, name: str) -> None:
    rule = RULES[kind]
    try:
        rule(name)
    except FlowlockError:
        better = suggestion(rule, name)
        assert better is None or rule(better)
