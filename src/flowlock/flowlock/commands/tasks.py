"""`flowlock tasks`: the known tasks, and the signature of each."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from flowlock.commands.session import Session
from flowlock.errors import FlowlockError, Problem
from flowlock.report.reporter import Progress
from flowlock.spec.catalog import BrokenTask
from flowlock.spec.model import SpecRequirement
from flowlock.spec.rules.hints import Hints
from flowlock.tasks.discover import signatures
from flowlock.workspace import Workspace
from flowlock_core.parameters.literals import LiteralCheck
from flowlock_core.schema import TaskSignature


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvironmentLookup:
    """Looks into packages in separate environments, as the session's profile makes them."""

    session: Session

    def describe(
        self, requirements: Sequence[SpecRequirement], checks: Collection[LiteralCheck], /
    ) -> Mapping[str, Any]:
        """Solve, install and ask; the engines for that are imported only when they are needed."""
        from flowlock.commands.foreign_tasks import SolvedEnvironments

        return SolvedEnvironments(session=self.session).describe(requirements, checks)


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskList:
    """What `flowlock tasks` prints: all that is known, by name, and what cannot be imported."""

    signatures: tuple[TaskSignature, ...]
    broken: tuple[BrokenTask, ...]

    @property
    def ok(self) -> bool:
        """Whether every registered task can be imported."""
        return not self.broken

    def as_json(self) -> dict[str, Any]:
        """Return name, package and title of each."""
        keys = ("name", "distribution", "title", "description", "tags")
        tasks = []
        for signature in self.signatures:
            document = signature.as_json()
            tasks.append({key: document[key] for key in keys})
        errors = [
            {"name": task.name, "distribution": task.distribution, "message": task.message}
            for task in self.broken
        ]
        return {"tasks": tasks, "errors": errors}

    def as_text(self) -> str:
        """Return a line a task, by package."""
        lines: list[str] = []
        width = max((len(task.name) for task in self.signatures), default=0)
        for distribution in sorted({task.distribution for task in self.signatures}):
            if lines:
                lines.append("")
            lines.append(distribution)
            own = [task for task in self.signatures if task.distribution == distribution]
            lines += [f"  {task.name:<{width}}  {task.description or task.title}".rstrip() for task in own]
        lines += [f"error: {task.distribution}: {task.name}: {task.message}" for task in self.broken]
        return "\n".join(lines)


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskDetails:
    """What `flowlock tasks NAME` prints."""

    task: TaskSignature
    ok: bool = True

    def as_json(self) -> dict[str, Any]:
        """Return the signature, with a JSON Schema for each parameter."""
        return self.task.as_json()

    def as_text(self) -> str:
        """Return the signature as a person reads it, then the schemas."""
        task = self.task
        lines = [f"{task.name} ({task.distribution}, {task.module})"]
        if task.description:
            lines.append(f"  {task.description}")
        for parameter in task.parameters:
            default = "" if parameter.required else f" = {parameter.as_json().get('default')!r}"
            source = "  from a step" if parameter.wired else ""
            lines.append(f"  {parameter.name}: {parameter.given_as}{default}{source}")
            if parameter.description:
                lines.append(f"      {parameter.description}")
        lines.append(f"  returns {task.returns}")
        schemas = {parameter.name: parameter.schema for parameter in task.parameters if not parameter.wired}
        return "\n".join([*lines, *json.dumps(schemas, indent=2, ensure_ascii=False).splitlines()])


def tasks(
    workspace: Workspace, name: str | None = None, *, progress: Progress | None = None
) -> TaskList | TaskDetails:
    """List the known tasks, or describe the one of a bare or qualified name."""
    catalog = signatures(workspace, progress=progress)
    if name is None:
        every = chain.from_iterable(catalog.tasks.values())
        return TaskList(
            signatures=tuple(sorted(every, key=lambda task: (task.name, task.distribution))),
            broken=tuple(chain.from_iterable(catalog.broken.values())),
        )
    named = catalog.named(name)
    if len(named) == 1:
        return TaskDetails(task=named[0])
    if named:
        owners = " or ".join(f"`{task.module}.{task.name}`" for task in named)
        raise FlowlockError(f"several tasks are named `{name}`", code="FL133", hint=f"write {owners}")
    problems = []
    for task in catalog.broken.get(name, ()):
        message = f"`{task.name}` of {task.distribution} cannot be imported: {task.message}"
        problems.append(Problem(code="FL201", message=message))
    hint = Hints().of_task(name, list(catalog.tasks), catalog.registration)
    raise FlowlockError(f"unknown task `{name}`", code="FL130", hint=hint, problems=problems)
