"""Named connections in a service: which of them the process of a run sees, and whose secrets are masked."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from flowlock_core.command.connections import ConnectionUse, connection_uses
from flowlock_core.connections.problems import SettingsError
from flowlock_core.connections.settings import Sources, path_of_variable
from flowlock_core.execute.plan import Plan


def hidden_variables(
    plan: Plan, params: Mapping[str, Mapping[str, Any]], environment: Iterable[str]
) -> list[str]:
    """Return the variables of connections that a run with these parameters does not use."""
    uses = connection_uses(plan, params)
    kinds = {use.model.kind for use in uses if _is_decided_later(plan, use)}
    named = {(use.model.kind, use.name) for use in uses}
    hidden = []
    for variable in environment:
        path = path_of_variable(variable)
        if path is not None and path[0] not in kinds and path[:2] not in named:
            hidden.append(variable)
    return hidden


def remember_secrets(plan: Plan) -> None:
    """Mask the secrets of all connections that the workflow could use, in whatever this process says."""
    for model in {use.model for use in connection_uses(plan, {})}:
        # One that is not complete is reported when a run names it.
        with suppress(SettingsError):
            for name in Sources().names(model.kind):
                with suppress(SettingsError):
                    model.named(name)


def _is_decided_later(plan: Plan, use: ConnectionUse) -> bool:
    """Return whether another step gives the name of a connection, so that it is not known before the run."""
    step = plan.step(use.step)
    return use.name is None and (use.parameter in step.arguments or use.parameter in step.argnames)
