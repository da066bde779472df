"""What is said of values that do not fit: one sentence for each place, without pydantic's own words."""

from typing import Any

import pytest

from flowlock_core.arguments import arguments_of
from flowlock_core.execute.skip import SKIPPED
from flowlock_core.results import Dashboard
from flowlock_core.task import Task
from flowlock_core.tasks.filter import filter_by_values
from flowlock_core.tasks.groupby import aggregate, concat_groups
from flowlock_core.tasks.results import create_single_value_widget, create_text_widget, gather_dashboard

CARD = create_text_widget("x", title="X")
KEY = (("site", "=", "a"),)


@pytest.mark.parametrize(
    ("task", "name", "value", "told"),
    [
        (gather_dashboard, "widgets", [3], "widgets[0]: expected a card or a list, not 3"),
        (gather_dashboard, "widgets", [[1]], "widgets[0][0]: expected a card or a list, not 1"),
        (gather_dashboard, "widgets", CARD, "widgets: expected a list, not a card"),
        (filter_by_values, "values", [None],
         "values[0]: expected a string, a number or true or false, not null"),
        (create_single_value_widget, "value", [1], "value: expected a number or a string, not [1]"),
        (aggregate, "aggregations", [3], "aggregations[0]: expected a mapping, not 3"),
        (concat_groups, "groups", [(KEY, 1)], "groups[0][1]: expected a table, not 1"),
    ],
)  # fmt: skip
def test_a_union_is_told_in_one_sentence(task: Task[..., Any], name: str, value: Any, told: str) -> None:
    (problem,) = arguments_of(task.func).by_name[name].problems(value, None)
    assert problem.sentence == told


def test_widgets_of_a_mapped_step_are_cards_of_their_own() -> None:
    mapped = [create_single_value_widget(number, title=f"Card {number}") for number in (1, 2, 3)]
    lists: list[list[Any]] = [[mapped], [CARD, [*mapped, SKIPPED]]]
    for widgets in lists:
        arguments_of(gather_dashboard.func).check({"widgets": widgets})
        page = gather_dashboard(title="T", widgets=widgets)
        assert isinstance(page, Dashboard)
        assert [card.title for card in page.cards][-3:] == ["Card 1", "Card 2", "Card 3"]
        # A layout has one position for the step.
        assert [card.number for card in page.cards][-3:] == [len(widgets) - 1, None, None]
