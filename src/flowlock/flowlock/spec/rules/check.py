"""All rules of the spec language over one spec."""

from collections.abc import Iterable, Sequence

from flowlock.errors import Problem, Severity
from flowlock.spec.catalog import Catalog, scope
from flowlock.spec.facts import WorkspaceFacts
from flowlock.spec.model import Spec
from flowlock.spec.parse import parse
from flowlock.spec.rules.arguments import check_tasks
from flowlock.spec.rules.connections import check_connections, check_engines
from flowlock.spec.rules.edges import check_edges
from flowlock.spec.rules.hints import Hints
from flowlock.spec.rules.naming import check_names
from flowlock.spec.rules.overrides import check_overrides
from flowlock.spec.rules.requirements import check_requirements
from flowlock.spec.rules.unused import check_unused
from flowlock.spec.rules.wiring import check_wiring

# A task is unknown, of a package that is not required, or cannot be imported.
UNKNOWN_TASKS = frozenset(("FL130", "FL131", "FL133", "FL201"))


def check(spec: Spec, catalog: Catalog, facts: WorkspaceFacts) -> list[Problem]:
    """Return every problem of a spec that has the right shape, by place.

    Warnings come only when nothing is wrong: most would follow from the errors.
    """
    required, hints = scope(spec, catalog, facts), Hints()
    problems = [
        *check_names(spec, required),
        *check_requirements(spec, required, facts),
        *check_wiring(spec, hints),
        *check_tasks(spec, required, hints),
        *check_connections(spec, required),
        *check_edges(spec, required),
        *check_overrides(spec, required),
        *check_unused(spec, required),
        *check_engines(spec, required),
    ]
    return by_place(without_consequences(problems))


def check_text(
    text: str, file: str, catalog: Catalog, facts: WorkspaceFacts
) -> tuple[Spec | None, list[Problem]]:
    """Read and check a spec: all its problems together, by place; without an error it can be compiled."""
    spec, problems = parse(text, file)
    if spec:
        problems = [*problems, *check(spec, catalog, facts)]
    return spec, by_place(without_consequences(problems))


def without_consequences(problems: Sequence[Problem]) -> list[Problem]:
    """Return the errors of a spec, or its warnings if it has no errors.

    A mistyped reference makes a step look unused, an unknown task leaves overrides without a field.
    """
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    # The types of a form are those of its tasks' parameters.
    if any(problem.code in UNKNOWN_TASKS for problem in errors):
        errors = [problem for problem in errors if problem.code != "FL160"]
    return errors or list(problems)


def by_place(problems: Iterable[Problem]) -> list[Problem]:
    """Sort problems by file, line and column, and drop repetitions."""

    def place(problem: Problem) -> tuple[str, int, int, str, str]:
        at = problem.location
        where = (at.file, at.line or 0, at.column or 0) if at else ("", 0, 0)
        return (*where, problem.code, problem.message)

    return sorted(dict.fromkeys(problems), key=place)
