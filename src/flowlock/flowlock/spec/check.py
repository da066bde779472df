"""All rules of the spec language over one spec."""

from collections.abc import Iterable

from flowlock.errors import Problem, Severity
from flowlock.spec.catalog import Catalog, scope
from flowlock.spec.facts import Facts
from flowlock.spec.hints import Hints
from flowlock.spec.model import Spec
from flowlock.spec.parse import parse
from flowlock.spec.rules.arguments import check_tasks
from flowlock.spec.rules.edges import check_edges
from flowlock.spec.rules.naming import check_names
from flowlock.spec.rules.overrides import check_overrides
from flowlock.spec.rules.requirements import check_requirements
from flowlock.spec.rules.unused import check_unused
from flowlock.spec.rules.wiring import check_wiring


def check(spec: Spec, catalog: Catalog, facts: Facts) -> list[Problem]:
    """Return every problem of a spec that has the right shape, by place.

    Warnings come only when nothing is wrong: a mistyped reference would make a step look unused.
    """
    seen, hints = scope(spec, catalog, facts), Hints()
    found = [
        *check_names(spec, seen),
        *check_requirements(spec, seen, facts),
        *check_wiring(spec, hints),
        *check_tasks(spec, seen, hints),
        *check_edges(spec, seen),
        *check_overrides(spec, seen),
    ]
    return by_place(found if _wrong(found) else [*found, *check_unused(spec, seen)])


def check_text(text: str, file: str, catalog: Catalog, facts: Facts) -> tuple[Spec | None, list[Problem]]:
    """Read and check a spec: all its problems together, by place; without an error it can be compiled."""
    spec, problems = parse(text, file)
    found = check(spec, catalog, facts) if spec else []
    return spec, by_place([*problems, *_with(problems, found)])


def _with(problems: list[Problem], found: list[Problem]) -> list[Problem]:
    return [one for one in found if one.severity is Severity.ERROR] if _wrong(problems) else found


def _wrong(problems: Iterable[Problem]) -> bool:
    return any(one.severity is Severity.ERROR for one in problems)


def by_place(problems: Iterable[Problem]) -> list[Problem]:
    """Sort problems by file, line and column, and drop repetitions."""

    def place(problem: Problem) -> tuple[str, int, int, str, str]:
        at = problem.location
        where = (at.file, at.line or 0, at.column or 0) if at else ("", 0, 0)
        return (*where, problem.code, problem.message)

    return sorted(dict.fromkeys(problems), key=place)
