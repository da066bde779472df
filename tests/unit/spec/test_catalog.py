"""Which task a name means, in the eyes of a spec."""

from dataclasses import replace

import pytest

from flowlock.spec.catalog import Catalog, Scope, is_condition
from flowlock.spec.rules.check import check_text
from flowlock_core.schema import Parameter, TaskSignature
from specs import FACTS, catalog


def task(name: str, distribution: str, module: str, **more: object) -> TaskSignature:
    said = {"title": name, "description": "", "tags": (), "parameters": (), "returns": "str", **more}
    return TaskSignature(name=name, distribution=distribution, module=module, function=name, **said)  # type: ignore[arg-type] # as tests like


CORE = task("split", "flowlock-core", "flowlock_core.tasks.groupby")
OTHER = task("split", "other-tasks", "other_tasks.steps._groups")
CATALOG = Catalog.of([CORE, OTHER])


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("split", OTHER),
        ("other_tasks.steps._groups.split", OTHER),
        ("other_tasks.steps.split", OTHER),
        ("other_tasks.split", OTHER),
        ("other-tasks.split", OTHER),
        ("flowlock_core.split", CORE),
    ],
)
def test_what_a_spec_requires_goes_before_the_run_time_that_is_there_anyway(
    name: str, found: TaskSignature
) -> None:
    scope = Scope(catalog=CATALOG, required=frozenset({"flowlock-core", "other-tasks"}), implied=True)
    assert scope.tasks(name) == (found,)


def test_a_run_time_that_is_asked_for_is_as_good_as_others() -> None:
    scope = Scope(catalog=CATALOG, required=frozenset({"flowlock-core", "other-tasks"}))
    assert set(scope.tasks("split")) == {CORE, OTHER}


@pytest.mark.parametrize("owner", ["other_tasks.step", "other_tasks.steps._groups.split", "tasks"])
def test_a_part_of_a_package_s_name_is_no_package(owner: str) -> None:
    assert CATALOG.named(f"{owner}.split") == ()


def test_only_the_tasks_of_required_packages_and_used_ones_are_no_ids() -> None:
    catalog = Catalog.of([CORE, task("load", "flowlock-core", "a"), task("draw", "other-tasks", "b")])
    scope = Scope(catalog=catalog, required=frozenset({"flowlock-core", "other-tasks"}), implied=True)
    assert scope.taken(["load"]) == {"load", "draw"}


def test_a_condition_takes_anything_and_returns_a_bool() -> None:
    value = Parameter(
        name="x", title="x", description="", required=True, schema={}, annotation="int", wired=False
    )
    assert is_condition(task("small", "a", "a", returns="bool"))
    assert not is_condition(task("invert", "a", "a", returns="bool", parameters=(value,)))
    assert not is_condition(task("text", "a", "a"))


@pytest.mark.parametrize(
    ("version", "codes"),
    [(">=0.0.1rc14", []), ("0.1.0.*", []), ("0.1.0rc14.*", ["FL153"]), ("<0.1", ["FL153"])],
)
def test_a_requirement_must_allow_the_workspace_s_own_version(version: str, codes: list[str]) -> None:
    requirement = f'{{name: other-tasks, version: "{version}"}}'
    text = f"id: some\nrequirements: [{requirement}]\nworkflow: [{{id: a, task: number}}]\n"
    own = replace(catalog(), own_versions={"other-tasks": "0.1.0"})
    _, problems = check_text(text, "spec.yaml", own, FACTS)
    assert [problem.code for problem in problems if problem.code.startswith("FL15")] == codes
