"""The package of a location: definitions as literals, whatever flowlock.toml says."""

import ast
import json
import tomllib
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from flowlock.compile.code.python import WIDTH
from flowlock.compile.location import LocatedWorkflow, render_location, serving
from flowlock.documents.location_table import LocationTable
from flowlock.lock.manifest import pixi
from flowlock.spec.facts import WorkspaceFacts

FACTS = WorkspaceFacts(
    version="1.0.0", runtime="1.0.0", channels=frozenset(), sources=("https://x",), platforms=("linux-64",)
)
CARBON = LocatedWorkflow(
    name="carbon-dioxide",
    function="carbon_dioxide",
    package="flowlock_carbon_dioxide_workflow",
    distribution="flowlock-carbon-dioxide-workflow",
)
HOSTILE = '""" + __import__("os").system("touch x") + """\n\\'
DECLARED = {"name": "services", "locked": False, "reason": "no metadata"}


def table(**more: Any) -> LocationTable:
    return LocationTable.model_validate({**DECLARED, **more})


def definitions(*workflows: LocatedWorkflow, **more: Any) -> str:
    rendered = render_location(table(**more), workflows, FACTS)
    return rendered["flowlock_services_location/definitions.py"]


def calls(source: str) -> dict[str, dict[str, Any]]:
    """Return the literal arguments of each call of a module, by function."""
    found: dict[str, dict[str, Any]] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            arguments = found.setdefault(node.func.id, {})
            for keyword in node.keywords:
                try:
                    arguments[str(keyword.arg)] = ast.literal_eval(keyword.value)
                except ValueError:
                    arguments[str(keyword.arg)] = ast.unparse(keyword.value)
    return found


def test_text_of_the_settings_enters_the_definitions_as_literals_only() -> None:
    params = {"weekly": {"path": HOSTILE, "numbers": [1, 2.5, True]}}
    source = definitions(
        CARBON,
        packages=[HOSTILE],
        schedules={"daily": {"workflow": "carbon-dioxide", "cron": "0 6 * * *", "params": params}},
    )
    found = calls(source)
    assert found["workflow_schedule"]["params"] == params
    assert found["definitions_of"]["packages"] == [HOSTILE]
    assert "__import__" not in found


def test_times_of_toml_are_texts_as_in_json() -> None:
    params = tomllib.loads("[period]\nsince = 1958-01-01\nuntil = 2001-12-31T23:00:00Z\nat = 06:30:00\n")
    schedules = {"daily": {"workflow": "carbon-dioxide", "cron": "0 6 * * *", "params": params}}
    assert calls(definitions(CARBON, schedules=schedules))["workflow_schedule"]["params"] == {
        "period": {"since": "1958-01-01", "until": "2001-12-31T23:00:00+00:00", "at": "06:30:00"}
    }


def test_every_setting_reaches_the_definitions() -> None:
    mail = {
        "host": "mail.example.org",
        "sender": "a@example.org",
        "receivers": ["b@example.org"],
        "user": "MAIL_USER",
        "password": "MAIL_PASSWORD",
        "encrypted": False,
    }
    source = definitions(
        CARBON,
        one_op=["carbon-dioxide"],
        executor="multiprocess",
        json_logs=True,
        values="lake",
        notifications={"webhooks": [{"url": "HOOK", "signed_with": "KEY"}], "mail": [mail]},
    )
    found = calls(source)
    assert found["workflow_job"] == {
        "shape": "Shape.ONE_OP",
        "executor": "multiprocess()",
        "resources": "{'io_manager': values}",
        "loggers": "{'json': json_logger}",
    }
    assert found["ObjectStoreIOManager"] == {"connection": "lake"}
    assert found["Webhook"] == {"url": "HOOK", "signed_with": "KEY"}
    assert found["Email"] == {**mail, "receivers": ("b@example.org",), "port": 587}
    assert found["notification_sensor"] == {"jobs": ["carbon_dioxide"]}
    assert max(map(len, source.splitlines())) <= WIDTH


def test_an_empty_location_is_sound_python() -> None:
    assert calls(definitions()) == {"definitions_of": {"jobs": []}}


def test_the_package_requires_what_it_loads_and_its_image_has_no_entry_point() -> None:
    rendered = render_location(table(packages=["acme-reports"]), [CARBON], FACTS)
    assert tomllib.loads(rendered["pyproject.toml"])["project"]["dependencies"] == [
        "acme-reports",
        "flowlock-carbon-dioxide-workflow",
        "flowlock-core>=1.0.0",
        "flowlock-dagster>=1.0.0",
    ]
    instructions = [line.split()[0] for line in rendered["Dockerfile"].splitlines() if line]
    assert "FROM" in instructions
    assert "ENTRYPOINT" not in instructions
    (loaded,) = yaml.safe_load(rendered["workspace.yaml"])["load_from"]
    assert loaded["python_module"]["module_name"] == "flowlock_services_location.definitions"


def test_the_manifest_has_an_environment_to_run_one_to_test_and_one_to_develop_in() -> None:
    text = render_location(table(), [CARBON], FACTS)["pixi.toml"]
    environments = {one.name: one for one in pixi.read(text, "pixi.toml", label="services").environments}
    specs = {name: {need.spec for need in one.requirements["linux-64"]} for name, one in environments.items()}
    own = "flowlock-services-location ==1.0.0"
    assert specs == {
        "default": {own},
        "test": {own, "pytest >=8"},
        "dev": {own, "dagster-webserver >=1.13,<1.14"},
    }
    assert {one.solve_group for one in environments.values()} == {environments["default"].solve_group}


def test_the_image_of_a_locked_location_is_made_of_its_lock_and_serves_the_definitions() -> None:
    rendered = render_location(table(locked=True, reason=""), [CARBON], FACTS)
    lines = [line for line in rendered["Dockerfile"].splitlines() if line and not line.startswith("#")]
    assert "RUN pixi install --locked --environment default" in lines
    assert any("flowlock_dagster.check flowlock_services_location.definitions" in line for line in lines)
    assert lines[-1] == f"CMD {json.dumps(serving('flowlock_services_location'))}"
    assert not [line for line in lines if line.startswith("ENTRYPOINT")]


@pytest.mark.parametrize(
    "wrong",
    [
        {"locked": True, "reason": "a reason, and a lock"},
        {"name": "Services"},
        {"name": "a__b"},
        {"folder": "../elsewhere"},
        {"executor": "dask"},
        {"schedules": {"1st": {"workflow": "a", "cron": "0 6 * * *"}}},
        {"schedules": {"daily": {"workflow": "a", "cron": "every day"}}},
        {"schedules": {"daily": {"workflow": "a", "cron": "0 6 * * *", "timezone": "Mars/Olympus"}}},
        {"notifications": {"webhooks": [{"url": "https://x", "signed_with": "KEY"}]}},
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        table(**wrong)
