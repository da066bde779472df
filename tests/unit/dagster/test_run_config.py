"""The run config is the parameters file: what the command refuses, no run is made of."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from flowlock_core.command.running import parameter_problems
from flowlock_core.execute import Options, trace
from flowlock_core.schema import signature
from shared import ROOT

if TYPE_CHECKING:
    import dagster as dg

EXAMPLES = ("carbon", "penguins", "clean-table", "wages")
OTHER_KINDS: tuple[Any, ...] = (
    3,
    1.5,
    True,
    "…",
    None,
    [],
    [{}],
    {},
    {"…": 1},
    "2024-13-01",
    "\x00",
    10**400,
)


def changed(good: Mapping[str, Any], step: str, values: Any) -> dict[str, Any]:
    return {**good, step: values}


def bad_configs(example: str) -> list[dict[str, Any]]:
    """Return run configs of which most are wrong, each in another way."""
    from dagster_jobs import bundle_of, run_config

    good = run_config(example)
    configs: list[dict[str, Any]] = [{}, changed(good, "no_such_step", {}), changed(good, "…", {"a": 1})]
    for step in trace(bundle_of(example).load()).steps:
        given = good.get(step.id, {})
        configs += [
            changed(good, step.id, {**given, "no_such_parameter": 1}),
            {name: values for name, values in good.items() if name != step.id},
            changed({name: values for name, values in good.items() if name != step.id}, f"{step.id}x", given),
        ]
        for parameter in signature(step.task).parameters:
            without = {name: value for name, value in given.items() if name != parameter.name}
            configs.append(changed(good, step.id, without))
            configs += [changed(good, step.id, {**given, parameter.name: value}) for value in OTHER_KINDS]
    return configs


@pytest.mark.parametrize("example", EXAMPLES)
def test_what_the_command_refuses_is_refused_before_a_run_with_the_same_words(
    example: str, instance: "dg.DagsterInstance", monkeypatch: pytest.MonkeyPatch
) -> None:
    import dagster as dg

    from dagster_jobs import bundle_of, job_of
    from flowlock_dagster.run_config import RunConfigError

    base = ROOT / "examples" / example
    monkeypatch.setenv("FLOWLOCK_INPUTS", str(base))
    job = job_of(example, "in-process")
    plan = trace(bundle_of(example).load())
    refused = 0
    for config in bad_configs(example):
        expected = parameter_problems(
            plan, Options(params=config, base=base), {"base": base, "mock_io": False}
        )
        if not expected:
            continue
        with pytest.raises(RunConfigError) as error:
            instance.create_run_for_job(job, run_config=config)
        refused += 1
        for problem in expected:
            assert f"{problem.code} {problem.sentence}" in str(error.value)
        assert isinstance(error.value, dg.DagsterError)
    assert refused > 100
    assert instance.get_runs() == []


@pytest.mark.parametrize("shape", ["in-process", "one-op"])
@pytest.mark.parametrize("given", [3, "x", [1], [{"path": "a"}]])
def test_a_step_that_is_no_mapping_is_refused_before_a_run(
    given: Any, shape: str, instance: "dg.DagsterInstance"
) -> None:
    import dagster as dg

    from dagster_jobs import job_of, run_config

    config = changed(run_config("carbon"), "weekly", given)
    with pytest.raises(dg.DagsterError, match=r"FL723 weekly: expected a mapping"):
        instance.create_run_for_job(job_of("carbon", shape), run_config=config)
    assert instance.get_runs() == []


def test_a_step_without_parameters_may_be_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    from dagster_jobs import bundle_of, run_config
    from flowlock_dagster.run_config import RunConfigCheck

    monkeypatch.setenv("FLOWLOCK_INPUTS", str(ROOT / "examples/carbon"))
    check = RunConfigCheck(plan=trace(bundle_of("carbon").load()))
    config = changed(run_config("carbon"), "yearly_chart", None)
    assert check.checked(config)["yearly_chart"] == {}


def test_a_relative_path_is_refused_where_it_starts_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dagster_jobs import bundle_of, run_config
    from flowlock_dagster.run_config import RunConfigCheck, RunConfigError

    check = RunConfigCheck(plan=trace(bundle_of("carbon").load()))
    monkeypatch.delenv("FLOWLOCK_INPUTS", raising=False)
    relative = run_config("carbon", weekly={"path": "elsewhere.csv"})
    with pytest.raises(RunConfigError, match=r"FL796 weekly.path: the path elsewhere.csv is relative"):
        check.checked(relative)
    assert check.checked(run_config("carbon", weekly={"path": str(tmp_path / "a.csv")}))
    monkeypatch.setenv("FLOWLOCK_INPUTS", str(tmp_path))
    assert check.checked(relative)
