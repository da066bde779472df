import json
from typing import Any

from flowlock.builder.environments.declared import Needs, wanted
from flowlock.names import Platform
from flowlock.recipe.document import Recipe, parse

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


HERE, THERE = Platform("linux-64"), Platform("win-64")


def found(
    *recipes: Recipe, native: dict[str, Needs] | None = None
) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    environments = wanted({one.name: one for one in recipes}, PINS, platforms=[HERE], native=native or {})
    return dict(environments.of), {
        name: specs[HERE] for name, specs in environments.specs.items() if HERE in specs
    }


def test_packages_that_need_only_the_pinned_tools_share_an_environment() -> None:
    of, specs = found(
        recipe("alpha", host=["python >=3.11", *PINS]), recipe("beta", host=["python >=3.12", *PINS])
    )
    assert of == {"alpha": ("default",), "beta": ("default",)}
    assert specs == {"default": ("hatchling ==1.30.1", "python >=3.11", "python >=3.12", "uv ==0.11.21")}


def test_what_a_workspace_package_in_the_host_needs_to_run_is_in_the_environment() -> None:
    of, specs = found(
        recipe("alpha", host=["python", "beta"]),
        recipe("beta", host=["python"], run=["python", "gamma >=1"]),
        recipe("gamma", host=["python"], run=["numpy >=2"]),
    )
    assert of == {"alpha": ("alpha",), "beta": ("default",), "gamma": ("default",)}
    assert specs["alpha"] == ("numpy >=2", "python")


def test_a_package_that_needs_nothing_has_no_environment() -> None:
    assert found(recipe("alpha", host=[])) == ({}, {})


def test_a_native_package_has_an_environment_for_each_section() -> None:
    pinned = "${{ pin_compatible('zlib', upper_bound='x') }}"
    of, specs = found(
        recipe("alpha", host=["python", "beta"], noarch=None),
        recipe("beta", host=[], run=[pinned]),
        native={
            "alpha": {HERE: {"build": ("gcc_linux-64 13.*",), "host": ("python 3.12.*", "beta")}, THERE: {}}
        },
    )
    assert of == {"alpha": ("alpha/build", "alpha/host")}
    assert specs == {"alpha/build": ("gcc_linux-64 13.*",), "alpha/host": ("python 3.12.*", "zlib")}


def test_the_manifest_asks_on_every_platform() -> None:
    recipes = {"alpha": recipe("alpha", host=["python >=3.11"]), "fast": recipe("fast", host=[], noarch=None)}
    native: dict[str, Needs] = {"fast": {THERE: {"host": ("zlib",)}}}
    environments = wanted(recipes, PINS, platforms=[HERE, THERE], native=native)
    manifest = environments.manifest(file="recipes", channels=["conda-forge"])
    subdirs = {one.name: [platform.subdir for platform in one.platforms] for one in manifest.environments}
    assert subdirs == {"default": [HERE, THERE], "fast/host": [THERE]}
    assert manifest.environments[0].channels == ("https://conda.anaconda.org/conda-forge/",)
