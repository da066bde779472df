"""From a distribution's pyproject to its recipe."""

from collections.abc import Mapping
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from flowlock.names import import_name
from flowlock.recipe.document import Recipe, from_document
from flowlock.recipe.requirement import match_spec, version_spec

# Nothing but the build environment is used: no index, no cache, no settings of the machine.
SCRIPT = (
    "uv pip install --no-deps --no-build-isolation --no-index --no-cache --no-config"
    ' --python "${{ PYTHON }}" .'
)


def render(
    pyproject: Mapping[str, Any], *, source: str, backend: str, installer: str, names: Mapping[str, str]
) -> Recipe:
    """Return the recipe of a pure Python distribution.

    `source` is the distribution's folder relative to the recipe's, `backend` and `installer` the exact match
    specs of flowlock.toml's [build]. ValueError names a requirement without a conda equivalent.
    """
    project = pyproject["project"]
    name = canonicalize_name(project["name"])
    python = f"python {version_spec(SpecifierSet(project['requires-python']))}"
    commands = entry_points(pyproject)
    build: dict[str, Any] = {"number": 0, "noarch": "python"}
    if commands:
        build["python"] = {"entry_points": list(commands)}
    tests: list[dict[str, Any]] = [{"python": {"imports": [import_name(name)], "pip_check": False}}]
    if commands:
        tests.append({"script": [f"{line.split(' = ')[0]} --help" for line in commands]})
    # A dependency with a marker is left out: a noarch package has one list for every platform.
    dependencies = [Requirement(text) for text in project.get("dependencies", ())]
    everywhere = [dependency for dependency in dependencies if dependency.marker is None]
    return from_document(
        {
            "context": {"version": project["version"]},
            "package": {"name": name, "version": "${{ version }}"},
            "source": {"path": source},
            "build": {**build, "script": [SCRIPT]},
            "requirements": {
                "host": [python, backend, installer],
                "run": [python, *(match_spec(dependency, names) for dependency in everywhere)],
            },
            "tests": tests,
            "about": _about(project),
        }
    )


def entry_points(pyproject: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the commands as a recipe writes them, `name = module:function`."""
    project = pyproject["project"]
    scripts = {**project.get("scripts", {}), **project.get("gui-scripts", {})}
    return tuple(f"{name} = {target}" for name, target in sorted(scripts.items()))


def _about(project: Mapping[str, Any]) -> dict[str, Any]:
    about: dict[str, Any] = {"summary": project["description"]}
    if isinstance(project.get("license"), str):
        about["license"] = project["license"]
    if project.get("license-files"):
        about["license_file"] = list(project["license-files"])
    urls = {str(key).lower(): value for key, value in project.get("urls", {}).items()}
    for key in ("homepage", "repository", "documentation"):
        if key in urls:
            about[key] = urls[key]
    return about
