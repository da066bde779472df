"""`python -m flowlock_dagster.check MODULE`: whether Dagster can load the definitions of a location."""

import json
import sys
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from typing import Any

import dagster as dg

from flowlock_core.errors import Problem, WorkflowError
from flowlock_core.foreign import ForeignError, call_foreign
from flowlock_core.masking import masked
from flowlock_dagster.location import problems_in


def main(arguments: Sequence[str]) -> int:
    """Print the problems of `MODULE[:NAME]` as a line of JSON each; return 1 if there are some."""
    module, _, attribute = arguments[0].partition(":")
    problems = problems_of(module, attribute or "defs")
    for problem in problems:
        sys.stdout.write(masked(json.dumps(problem.as_json(), ensure_ascii=False)) + "\n")
    return 1 if problems else 0


def problems_of(module: str, attribute: str) -> list[Problem]:
    """Load definitions as Dagster does, and check the parameters of each schedule; return what is wrong."""
    loaded = call_foreign(partial(_loaded, module, attribute))
    if isinstance(loaded, WorkflowError):
        return list(loaded.problems)
    if isinstance(loaded, ForeignError):
        return [_unloadable(module, loaded)]
    problems = problems_in(loaded)
    invalid = call_foreign(partial(dg.Definitions.validate_loadable, loaded))
    if isinstance(invalid, ForeignError):
        return [*problems, _unloadable(module, invalid)]
    repository = loaded.get_repository_def()
    for schedule in repository.schedule_defs:
        problems += _problems_of_schedule(schedule, repository)
    return problems


def _loaded(module: str, attribute: str) -> Any:
    """Return definitions, or the WorkflowError that says what is wrong with them."""
    try:
        return getattr(import_module(module), attribute)
    except WorkflowError as error:
        return error


def _unloadable(module: str, error: ForeignError) -> Problem:
    text = f"{module} cannot be loaded: {error.message}"
    return Problem(code="FL930", message=text, hint="import it by itself to see where it fails")


def _problems_of_schedule(schedule: Any, repository: Any) -> list[Problem]:
    """Return what is wrong with what a schedule runs; that may depend on the time of a tick."""
    job = repository.get_job(schedule.job_name)
    try:
        with dg.build_schedule_context(repository_def=repository) as context:
            requests = schedule.evaluate_tick(context).run_requests or ()
        for request in requests:
            dg.validate_run_config(job, dict(request.run_config))
    except dg.DagsterError as error:
        text = f"the schedule {schedule.name} cannot run {job.name}: {error}"
        return [Problem(code="FL931", message=text, hint="correct the parameters of the schedule")]
    return []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
