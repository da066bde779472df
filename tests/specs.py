"""The tasks and the workspace that tests of specs are held against."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path

from flowlock.compile.package import render
from flowlock.errors import Problem
from flowlock.report.renderings import errors
from flowlock.spec.catalog import BrokenTask, Catalog
from flowlock.spec.facts import WorkspaceFacts
from flowlock.spec.literals import literal_checks
from flowlock.spec.parse import parse
from flowlock.spec.rules.check import check_text
from flowlock.tasks.verdicts import verdicts_by_owner
from flowlock_core import registry
from flowlock_core.command.describe import verdicts
from flowlock_core.registry import Registration
from flowlock_core.schema import TaskSignature, signature
from flowlock_core.task import Task

GOLDEN = Path(__file__).parent / "golden" / "specs"
FACTS = WorkspaceFacts(
    version="1.2.0",
    runtime="1.2.0",
    channels=frozenset({"https://example.org/release", "conda-forge", "known-alias"}),
    wheel_names={"typing-extensions": "typing_extensions"},
    sources=("https://example.org/release", "conda-forge"),
    platforms=("linux-64", "osx-arm64"),
)
MODULES = {
    "demo_tasks.databases": "demo-tasks",
    "demo_tasks.io": "demo-tasks",
    "demo_tasks.shapes": "demo-tasks",
    "other_tasks.io": "other-tasks",
    "published_tasks.steps._regroup": "published-tasks",
    "flowlock_core.tasks.skip": "flowlock-core",
}
BROKEN = BrokenTask(
    name="broken_task", distribution="demo-tasks", message="ModuleNotFoundError: No module named 'absent'"
)


@cache
def signatures() -> tuple[TaskSignature, ...]:
    """Return the signatures of the demo packages, and of the run time's skip conditions."""
    return tuple(
        signature(found, distribution=owner)
        for module, owner in MODULES.items()
        for _, found in sorted(vars(import_module(module)).items())
        if isinstance(found, Task)
    )


@cache
def catalog() -> Catalog:
    """Return the catalog of the demo packages."""
    return Catalog.of(signatures(), broken=[BROKEN], distributions=["pandas"])


@cache
def registrations() -> tuple[Registration, ...]:
    """Return where the tasks of the demo packages are."""
    targets = [
        Registration(name=task.name, distribution=owner, target=f"{module}:{task.func.__name__}")
        for module, owner in MODULES.items()
        for task in vars(import_module(module)).values()
        if isinstance(task, Task)
    ]
    return tuple(sorted(targets))


def catalog_with_verdicts(text: str) -> Catalog:
    """Return the catalog of the demo packages, with what it says of the literals of a spec."""
    return with_verdicts(catalog(), text, registrations())


def with_verdicts(catalog: Catalog, text: str, known: Sequence[Registration]) -> Catalog:
    """Return a catalog with what registered tasks say of the literals of a spec."""
    spec, _ = parse(text, "spec.yaml")
    checks = list(literal_checks(spec)) if spec else []
    return replace(catalog, verdicts=verdicts_by_owner(list(verdicts(checks, known))))


def problems_of(text: str, file: str = "spec.yaml") -> list[Problem]:
    """Return the problems of a spec's text."""
    return check_text(text, file, catalog_with_verdicts(text), FACTS)[1]


def package_of(text: str) -> dict[str, str]:
    """Return the files of the package that a valid spec compiles to."""
    spec, problems = check_text(text, "spec.yaml", catalog_with_verdicts(text), FACTS)
    assert spec is not None
    wrong = errors(problems)
    assert not wrong, [str(problem.location) + " " + problem.message for problem in wrong]
    return render(spec, catalog(), FACTS, source=text)


def compiled_package(text: str, root: Path, distributions: Sequence[str]) -> Path:
    """Write the package that a spec of tasks of some distributions compiles to; return its folder."""
    known = [one for one in registry.registrations() if one.distribution in distributions]
    found = [signature(one.load(), name=one.name, distribution=one.distribution) for one in known]
    catalog = with_verdicts(Catalog.of(found), text, known)
    spec, problems = check_text(text, "spec.yaml", catalog, FACTS)
    assert spec
    assert not problems
    for path, content in render(spec, catalog, FACTS, source=text).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content, encoding="utf-8")
    return root
