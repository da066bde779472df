"""The service among the requirements of a package."""

import tomllib
from dataclasses import replace

from flowlock.compile.package import render
from flowlock.spec.rules.check import check_text
from specs import FACTS, catalog

SPEC = "id: demo\nrequirements: [demo-tasks]\nworkflow: [{id: last, task: number}]\n"


def package_of(*, service: bool, spec: str = SPEC) -> dict[str, str]:
    """Return the files of the package of a spec, with or without the service."""
    facts = replace(FACTS, service=service)
    parsed, _ = check_text(spec, "spec.yaml", catalog(), facts)
    assert parsed is not None
    return render(parsed, catalog(), facts, source=spec)


def dependencies(*, service: bool, spec: str = SPEC) -> list[str]:
    """Return what the package of a spec requires, with or without the service."""
    package = package_of(service=service, spec=spec)
    required: list[str] = tomllib.loads(package["pyproject.toml"])["project"]["dependencies"]
    return required


def test_a_package_requires_the_service_in_the_version_of_the_run_time_or_not_at_all() -> None:
    assert dependencies(service=True) == ["demo-tasks", "flowlock-core>=1.2.0", "flowlock-serve>=1.2.0"]
    assert dependencies(service=False) == ["demo-tasks", "flowlock-core>=1.2.0"]


def test_a_spec_may_require_another_version_of_the_service() -> None:
    spec = SPEC.replace("[demo-tasks]", '[demo-tasks, {name: flowlock-serve, version: "<3"}]')
    for service in (True, False):
        assert "flowlock-serve<3" in dependencies(service=service, spec=spec)


def test_only_a_package_with_the_service_names_it() -> None:
    tasks = {}
    for service in (True, False):
        package = package_of(service=service)
        tasks[service] = set(tomllib.loads(package["pixi.toml"])["tasks"])
        for file in ("README.md", "Dockerfile"):
            assert ("flowlock-demo-workflow serve" in package[file]) == service, file
    assert tasks == {True: {"run", "serve"}, False: {"run"}}
