"""Known tasks: what installed distributions register under the entry-point group `flowlock.tasks`."""

from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import distributions
from typing import Any

from flowlock_core.errors import WorkflowError, nearest
from flowlock_core.task import Task

GROUP = "flowlock.tasks"


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Registration:
    """A task's name, the distribution that registers it, and `module:attribute`."""

    name: str
    distribution: str
    target: str

    def load(self) -> Task[..., Any]:
        """Import the task; whatever its module raises passes through."""
        module, _, attribute = self.target.partition(":")
        loaded: Any = import_module(module)
        for part in attribute.split("."):
            loaded = getattr(loaded, part)
        if not isinstance(loaded, Task):
            raise TypeError(f"{self.target} is not a task: decorate the function with @task")
        return loaded


def registrations() -> list[Registration]:
    """Return every registration of the installed distributions, sorted; nothing is imported."""
    unique = {
        Registration(name=point.name, distribution=distribution.metadata["Name"], target=point.value)
        for distribution in distributions()
        for point in distribution.entry_points.select(group=GROUP)
    }
    return sorted(unique)


def entry_points() -> dict[str, Registration]:
    """Return the known tasks by name; a WorkflowError names both owners of a name that two register."""
    by_name: dict[str, Registration] = {}
    for registration in registrations():
        other = by_name.setdefault(registration.name, registration)
        if other != registration:
            raise WorkflowError(
                f"the task `{other.name}` is registered by both {other.distribution} ({other.target}) "
                f"and {registration.distribution} ({registration.target})",
                hint="uninstall one of them, or rename the task in one of them",
            )
    return by_name


def resolve(name: str) -> Task[..., Any]:
    """Import the task of this name; a WorkflowError suggests another if there is none."""
    registered = entry_points()
    if name not in registered:
        raise WorkflowError(
            f"no installed package registers a task `{name}`", hint=nearest(name, sorted(registered))
        )
    return registered[name].load()
