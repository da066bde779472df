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
    home = {step: title for title, members in groups.items() for step in members}
    params = {step: values for step, values in params.items() if step in steps or values != {}}
    problems = [_unknown(step, steps, "step with parameters") for step in params if step not in steps]
    if problems:
        raise WorkflowError("these parameters do not belong to this workflow", problems=problems)
    form: dict[str, Any] = {}
    for step, values in params.items():
        if step in home:
            form.setdefault(home[step], {})[step] = values
        else:
            form[step] = values
    return form


def to_params(form: Values, groups: Groups, steps: Collection[str]) -> dict[str, Values]:
    """Take the parameters of each step out of its card."""
    grouped = {step for members in groups.values() for step in members}
    cards = [*groups, *(step for step in steps if step not in grouped)]
    params: dict[str, Values] = {}
    problems: list[Problem] = []
    for card, content in form.items():
        if card in groups and isinstance(content, Mapping):
            inside = groups[card]
            for step, values in content.items():
                if step in inside:
                    params[step] = values
                elif values != {}:
                    problems.append(_unknown(step, inside, f"step in `{card}`"))
        elif card in groups:
            problems.append(
                Problem(code="FL737", message="expected a mapping of steps to their parameters", step=card)
            )
        elif card in cards:
            params[card] = content
        elif content != {}:
            problems.append(_unknown(card, cards, "card"))
    if problems:
        raise WorkflowError("this form does not belong to this workflow", problems=problems)
    return params


def _unknown(name: str, known: Collection[str], what: str) -> Problem:
    hint = nearest(name, list(known)) or (f"there are {', '.join(known)}" if known else None)
    return Problem(code="FL737", message=f"the workflow does not have this {what}", step=name, hint=hint)
