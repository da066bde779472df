"""One code location: jobs of workflows, and what packages bring with jobs that are written by hand."""

from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any

import dagster as dg

from flowlock_core.errors import Problem, WorkflowError
from flowlock_core.foreign import ForeignError, call_foreign

GROUP = "flowlock.dagster"
# The key of the definitions' metadata that has the problems of packages that are left out.
PROBLEMS = "flowlock/problems"


@dataclass(frozen=True, kw_only=True, slots=True)
class Contribution:
    """What an entry point of a distribution brings to a location."""

    distribution: str
    target: str
    definitions: dg.Definitions


def definitions_of(
    *,
    jobs: Sequence[dg.JobDefinition],
    packages: Sequence[str] = (),
    schedules: Sequence[dg.ScheduleDefinition] = (),
    sensors: Sequence[dg.SensorDefinition] = (),
    resources: Mapping[str, Any] | None = None,
    loggers: Mapping[str, dg.LoggerDefinition] | None = None,
) -> dg.Definitions:
    """Return the definitions of a location, without the packages that are broken, so that the others load.

    The problems of those are logged, and in the metadata of the definitions: `problems_in` returns them. Two
    jobs of one name are a WorkflowError with both owners.

    `packages` are distributions with entry points in the group `flowlock.dagster`, each a `Definitions` or a
    function that returns one. Their jobs, schedules, sensors and loggers are taken, and get the resources of
    the location: theirs are not taken.
    """
    found, problems = contributions_of(packages)
    owned = [(job.name, "the location") for job in jobs]
    _require_unique([*owned, *((job.name, owner) for owner, job in _brought(found, "jobs"))])
    own_loggers = dict(loggers or {})
    return dg.Definitions(
        jobs=[*jobs, *(job for _, job in _brought(found, "jobs"))],
        schedules=[*schedules, *(schedule for _, schedule in _brought(found, "schedules"))],
        sensors=[*sensors, *(sensor for _, sensor in _brought(found, "sensors"))],
        loggers=dict(ChainMap(own_loggers, *(dict(one.definitions.loggers or {}) for one in found))),
        resources=dict(resources or {}),
        metadata=_reported(problems),
    )


def _reported(problems: Sequence[Problem]) -> dict[str, Any]:
    """Log problems, and return the metadata that keeps them."""
    for problem in problems:
        dg.get_dagster_logger("flowlock").error("%s %s (%s)", problem.code, problem.message, problem.hint)
    return {PROBLEMS: dg.MetadataValue.json([problem.as_json() for problem in problems])}


def problems_in(definitions: dg.Definitions) -> list[Problem]:
    """Return what is wrong with the packages that `definitions_of` has left out."""
    kept = (definitions.metadata or {}).get(PROBLEMS)
    documents = kept.value if kept is not None else []
    return [Problem(code=one["code"], message=one["message"], hint=one["hint"]) for one in documents]


def contributions_of(packages: Iterable[str]) -> tuple[list[Contribution], list[Problem]]:
    """Load what packages bring, and return a problem for each that cannot be loaded."""
    contributions: list[Contribution] = []
    problems: list[Problem] = []
    for package in packages:
        try:
            points = distribution(package).entry_points.select(group=GROUP)
        except PackageNotFoundError:
            problems.append(_broken(package, "is not installed", "add it to the environment of the location"))
            continue
        if not points:
            hint = f'add [project.entry-points."{GROUP}"] to its pyproject.toml'
            problems.append(_broken(package, f"has no entry point in the group {GROUP}", hint))
        for point in points:
            definitions = call_foreign(partial(_loaded, point.value))
            if isinstance(definitions, ForeignError):
                words = f"cannot be loaded ({point.value}): {definitions.message}"
                problems.append(_broken(package, words, "import that module by itself to see where it fails"))
                continue
            found = Contribution(distribution=package, target=point.value, definitions=definitions)
            contributions.append(found)
    return contributions, problems


def workflow_schedule(
    name: str,
    job: dg.JobDefinition,
    *,
    cron: str,
    timezone: str,
    params: Mapping[str, Any] | None = None,
    running: bool = False,
) -> dg.ScheduleDefinition:
    """Return a schedule that runs a workflow with these parameters; `running` when it is first loaded."""
    status = dg.DefaultScheduleStatus.RUNNING if running else dg.DefaultScheduleStatus.STOPPED
    return dg.ScheduleDefinition(
        name=name,
        job=job,
        cron_schedule=cron,
        execution_timezone=timezone,
        run_config=dict(params or {}),
        default_status=status,
    )


def _loaded(target: str) -> dg.Definitions:
    module, _, attribute = target.partition(":")
    loaded: Any = import_module(module)
    for part in attribute.split("."):
        loaded = getattr(loaded, part)
    if isinstance(loaded, dg.Definitions):
        return loaded
    made: Any = loaded() if callable(loaded) else loaded
    if not isinstance(made, dg.Definitions):
        raise TypeError(f"{target} is not a dagster.Definitions, and does not return one")
    return made


def _brought(found: Iterable[Contribution], kind: str) -> Iterator[tuple[str, Any]]:
    """Yield what packages bring of a kind, each with its distribution."""
    for contribution in found:
        for item in getattr(contribution.definitions, kind) or ():
            yield contribution.distribution, item


def _require_unique(names: Sequence[tuple[str, str]]) -> None:
    """Refuse names of jobs that two packages define; the same package may name a job once only, too."""
    owners: dict[str, str] = {}
    problems = []
    for name, owner in names:
        if name not in owners:
            owners[name] = owner
            continue
        both = f"both {owners[name]} and {owner}" if owners[name] != owner else f"{owner} twice"
        hint = "rename the job in one of them, or leave one of them out"
        message = f"the job `{name}` is defined by {both}"
        problems.append(Problem(code="FL799", message=message, hint=hint))
    if problems:
        raise WorkflowError("jobs of the location have the same name", problems=problems)


def _broken(package: str, words: str, hint: str) -> Problem:
    return Problem(code="FL798", message=f"the package {package} {words}", hint=hint)
