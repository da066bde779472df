"""What a service refuses of the requests of ecoscope-workflows and wt."""

from typing import Any

import pytest
from pydantic import ValidationError

from flowlock_core.runs.results_url import ResultsUrl
from flowlock_serve.wt_request import NOT_WAITING, WAITING, Served, WtBody, WtQuery
from flowlock_serve.wt_request import refused as refused_by

PACKAGE = "flowlock-penguins-workflow"


def refused(body: dict[str, Any] | None = None, **query: Any) -> list[str]:
    """Return the codes of what is refused of a request that is otherwise valid."""
    required = {"execution_mode": "sequential", "mock_io": False}
    asked = WtQuery.model_validate({**required, **query})
    results = ResultsUrl.parse("file:///data/results%20é")
    assert results is not None
    served = Served(package=PACKAGE, version="1.2.10", results=results)
    problems = list(refused_by(WtBody.model_validate({"params": {}, **(body or {})}), asked, served))
    assert all(problem.hint for problem in problems)
    assert not any("planted" in f"{problem.message}{problem.hint}" for problem in problems)
    return [problem.code for problem in problems]


def test_a_request_without_anything_unusual_is_served() -> None:
    assert refused() == []
    assert refused({"data_connections_env_vars": {}, "lithops_config": {}}) == []
    assert refused({"data_connections_env_vars": None, "lithops_config": {"lithops": {}}}) == []
    assert refused({"lithops_config": {"lithops": {"data_limit": 256, "log_level": "INFO"}}}) == []
    assert refused({"lithops_config": {"lithops": {"data_limit": 256.0}}}) == []
    assert refused(invoker_type=NOT_WAITING) == []
    assert refused(invoker_type=WAITING, docker_image_uri="", workflow_run_id="x", timeout="1.5") == []


def test_secrets_are_refused_and_not_repeated() -> None:
    assert refused({"data_connections_env_vars": {"planted-name": "planted-secret"}}) == ["FL791"]


@pytest.mark.parametrize(
    "values", [{"A": ["planted"]}, {"A": {"planted": 1}}, {"A": None}, ["planted"], "planted"]
)
def test_secrets_of_a_wrong_type_are_not_repeated_either(values: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        WtBody.model_validate({"params": {}, "data_connections_env_vars": values})
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["file:///data/results%20é", "/data/results é", "file:///data/results%20%C3%A9/", "file:/data/results é"],
)
def test_the_place_of_the_results_of_the_service_is_served(url: str) -> None:
    assert refused(results_url=url) == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "results",
        "/data",
        "/data/results",
        "/data/results é/../other",
        "file:///data/results%20é/%2e%2e",
        "file://host/data/results%20é",
        "s3://data/results",
        "https://planted:planted@example.org/data",
        "gs://",
        "file:///data/results%20é?x=1",
        "\x00",
    ],
)
def test_another_place_for_results_is_refused(url: str) -> None:
    assert refused(results_url=url) == ["FL792"]


@pytest.mark.parametrize(
    "matchspec",
    [
        PACKAGE,
        f" {PACKAGE} ",
        f"conda-forge::{PACKAGE}",
        f"https://example.org/channel::{PACKAGE}",
        f"{PACKAGE}==1.2.10",
        f"{PACKAGE} =1.2",
        f"{PACKAGE}=1.2.*",
        f"{PACKAGE}=*",
        PACKAGE.upper(),
    ],
)
def test_a_match_spec_of_the_package_is_served(matchspec: str) -> None:
    assert refused(matchspec=matchspec) == []


@pytest.mark.parametrize(
    "matchspec",
    [
        "",
        "other",
        f"{PACKAGE}==1.2.1",
        f"{PACKAGE}=1.2.1",
        f"{PACKAGE}=2",
        f"{PACKAGE}>=1",
        f"{PACKAGE}=",
        f"{PACKAGE}==1.2.10=build",
        f"{PACKAGE}[version=1]",
        f"{PACKAGE}\n{PACKAGE}",
        "a" * 100_000,
        "::",
    ],
)
def test_a_match_spec_of_something_else_is_refused(matchspec: str) -> None:
    assert refused(matchspec=matchspec) == ["FL793"]


@pytest.mark.parametrize(
    ("body", "query"),
    [
        ({}, {"invoker_type": "CloudBatchInvoker"}),
        ({}, {"docker_image_uri": "example.org/image"}),
        ({"lithops_config": {"lithops": {"backend": "gcp_cloudrun"}}}, {}),
        ({"lithops_config": {"gcp": {"credentials_path": "planted"}}}, {}),
    ],
)
def test_a_run_elsewhere_is_refused(body: dict[str, Any], query: dict[str, str]) -> None:
    assert refused(body, **query) == ["FL794"]


def test_everything_that_is_refused_is_reported_at_once() -> None:
    body = {"data_connections_env_vars": {"A": "planted"}}
    codes = refused(body, results_url="/other", matchspec="other", invoker_type="x", docker_image_uri="x")
    assert codes == ["FL791", "FL792", "FL793", "FL794", "FL794"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"params": None},
        {"params": []},
        {"params": {}, "mock_io": True},
        {"params": {}, "lithops_config": {"unknown": 1}},
        {"params": {}, "lithops_config": {"lithops": {"backend": "elsewhere"}}},
        {"params": {}, "lithops_config": {"lithops": {"data_limit": False}}},
        {"params": {}, "lithops_config": {"lithops": {"data_limit": "256"}}},
        {"params": {}, "lithops_config": {"lithops": {"data_limit": 0.5}}},
        {"params": {}, "lithops_config": {"lithops": {"log_level": 10}}},
    ],
)
def test_a_body_of_another_shape_is_refused(body: Any) -> None:
    with pytest.raises(ValidationError):
        WtBody.model_validate(body)


@pytest.mark.parametrize(
    "query",
    [
        {"execution_mode": "parallel"},
        {"mock_io": "perhaps"},
        {"timeout": "0"},
        {"timeout": "nan"},
        {"timeout": "inf"},
        {"mockio": "true"},
    ],
)
def test_a_query_of_another_shape_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        WtQuery.model_validate({"execution_mode": "async", "mock_io": "true", **query})
