import json
from typing import Any

from flowlock.build.environments import wanted
from flowlock.recipe import Recipe, parse

PINS = ("hatchling ==1.30.1", "uv ==0.11.21")


def recipe(
    name: str, *, host: list[str], run: list[str] | None = None, noarch: str | None = "python"
) -> Recipe:
    document: dict[str, Any] = {
        "package": {"name": name, "version": "1.0"},
        "build": {"noarch": noarch} if noarch else {},
        "requirements": {"host": host, "run": run or []},
    }
    return parse(json.dumps(document), "recipe.yaml")


def found(*recipes: Recipe) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    asked = wanted({one.name: one for one in recipes}, PINS)
    return dict(asked.of), dict(asked.specs)


def test_packages_that_need_only_the_pinned_tools_share_an_environment() -> None:
    of, specs = found(
        recipe("alpha", host=["python >=3.11", *PINS]), recipe("beta", host=["python >=3.12", *PINS])
    )
    assert of == {"alpha": "default", "beta": "default"}
    assert specs == {"default": ("hatchling ==1.30.1", "python >=3.11", "python >=3.12", "uv ==0.11.21")}


def test_what_a_workspace_package_in_the_host_needs_to_run_is_in_the_environment() -> None:
    of, specs = found(
        recipe("alpha", host=["python", "beta"]),
        recipe("beta", host=["python"], run=["python", "gamma >=1"]),
        recipe("gamma", host=["python"], run=["numpy >=2"]),
    )
    assert of == {"alpha": "alpha", "beta": "default", "gamma": "default"}
    assert specs["alpha"] == ("numpy >=2", "python")


def test_a_native_package_and_one_that_needs_nothing_have_no_environment() -> None:
    of, specs = found(recipe("alpha", host=["python"], noarch=None), recipe("beta", host=[]))
    assert (of, specs) == ({}, {})


def test_the_manifest_asks_on_every_platform() -> None:
    asked = wanted({"alpha": recipe("alpha", host=["python >=3.11"])}, PINS)
    manifest = asked.manifest(file="recipes", channels=["conda-forge"], platforms=[])
    assert [environment.name for environment in manifest.environments] == ["default"]
    assert manifest.environments[0].channels == ("https://conda.anaconda.org/conda-forge/",)
