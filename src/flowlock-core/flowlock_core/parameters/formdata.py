"""Parameters by step, and the same as a form has them: under cards, where a group's steps share one.

`groups` maps a card's title to its steps; every other step is a card by itself. Both ways lose nothing.
A form may have empty objects for steps and groups without parameters: they say nothing.
"""

from collections.abc import Collection, Mapping
from typing import Any

from flowlock_core.errors import Problem, WorkflowError, nearest

Values = Mapping[str, Any]
Groups = Mapping[str, Collection[str]]


def to_form(params: Mapping[str, Values], groups: Groups, steps: Collection[str]) -> dict[str, Any]:
    """Put each step's parameters under its card; `steps` are all that have parameters."""
    cards = {step: title for title, members in groups.items() for step in members}
    problems: list[Problem] = []
    form: dict[str, Any] = {}
    for step, values in params.items():
        if step not in steps:
            if values != {}:
                problems.append(_unknown(step, steps, "step with parameters"))
        elif step in cards:
            form.setdefault(cards[step], {})[step] = values
        else:
            form[step] = values
    if problems:
        raise WorkflowError("these parameters do not belong to this workflow", problems=problems)
    return form


def to_params(form: Values, groups: Groups, steps: Collection[str]) -> dict[str, Values]:
    """Take the parameters of each step out of its card."""
    grouped = {step for members in groups.values() for step in members}
    cards = [*groups, *(step for step in steps if step not in grouped)]
    params: dict[str, Values] = {}
    problems: list[Problem] = []
    for card, content in form.items():
        if card in groups:
            of_group, wrong = _of_group(card, content, groups[card])
            params |= of_group
            problems += wrong
        elif card in cards:
            params[card] = content
        elif content != {}:
            problems.append(_unknown(card, cards, "card"))
    if problems:
        raise WorkflowError("this form does not belong to this workflow", problems=problems)
    return params


def _of_group(card: str, content: Any, members: Collection[str]) -> tuple[dict[str, Values], list[Problem]]:
    """Return the parameters of each step in the card of a group, and the problems of the card."""
    if not isinstance(content, Mapping):
        message = "expected a mapping of steps to their parameters"
        return {}, [Problem(code="FL737", message=message, step=card)]
    params: dict[str, Values] = {}
    problems: list[Problem] = []
    for step, values in content.items():
        if step in members:
            params[step] = values
        elif values != {}:
            problems.append(_unknown(step, members, f"step in `{card}`"))
    return params, problems


def _unknown(name: str, names: Collection[str], what: str) -> Problem:
    hint = nearest(name, list(names)) or (f"there are {', '.join(names)}" if names else None)
    return Problem(code="FL737", message=f"the workflow does not have this {what}", step=name, hint=hint)
