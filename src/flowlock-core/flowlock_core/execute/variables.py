"""The variables of the environment that steps take: their values may be secrets, and are not shown."""

import os
from collections.abc import Mapping

from flowlock_core.execute.plan import Plan, env_refs_in

# Shorter values are not secrets, and are in too many words.
_SECRET_LENGTH = 6


def variables_of(plan: Plan) -> dict[str, str]:
    """Return the variables of the environment that the steps take, and their values."""
    variables = {}
    for step in plan.steps:
        for name in env_refs_in([step.arguments, step.argvalues]):
            value = os.environ.get(name, "")
            if len(value) >= _SECRET_LENGTH:
                variables[name] = value
    return variables


def without_values(text: str, variables: Mapping[str, str]) -> str:
    """Return a text in which the name of a variable replaces its value."""
    # A value may be a part of another.
    for name, value in sorted(variables.items(), key=lambda variable: -len(variable[1])):
        text = text.replace(value, f"${{{{ env.{name} }}}}")
    return text
