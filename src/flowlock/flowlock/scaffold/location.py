"""A new code location: its table in flowlock.toml, and a package with jobs that are written by hand."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version

import tomlkit

from flowlock.names import import_name
from flowlock.recipe import pyproject
from flowlock.recipe.document import yaml_text
from flowlock.recipe.render import render
from flowlock.scaffold.templates import filled

FOLDER = "locations"
REASON = "not locked yet"

# Where each template goes in the package; the name in braces is what is imported.
_LAYOUT = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "{package}/__init__.py": "package-init.py",
    "{package}/definitions.py": "definitions.py",
    "{package}/jobs/__init__.py": "jobs-init.py",
    "{package}/jobs/report.py": "report.py",
    "{package}/ops/__init__.py": "ops-init.py",
    "{package}/ops/tables.py": "tables.py",
    "tests/unit/test_ops.py": "test_ops.py",
    "tests/integration/test_jobs.py": "test_jobs.py",
}


def hand_written_name(name: str) -> str:
    """Return the distribution of the hand-written jobs of a location."""
    return f"{name}-jobs"


def location_files(
    name: str, *, recipes: str, backend: str, installer: str, names: Mapping[str, str]
) -> dict[str, str]:
    """Return the files of the package with hand-written jobs, and its recipe, by path from the workspace.

    `recipes` is the folder of flowlock.toml, `backend` and `installer` its build tools, `names` the wheels
    whose conda names differ.
    """
    distribution = hand_written_name(name)
    package = import_name(distribution)
    values = {
        "name": name,
        "distribution": distribution,
        "package": package,
        "core": version("flowlock-core"),
    }
    folder = f"{FOLDER}/{name}/{distribution}"
    made = {
        f"{folder}/{path.format(package=package)}": filled(f"location/{template}", values)
        for path, template in _LAYOUT.items()
    }
    project = f"{folder}/pyproject.toml"
    levels = "/".join([".."] * len(f"{recipes}/{distribution}".split("/")))
    recipe = render(
        pyproject.read(made[project], project),
        source=f"{levels}/{folder}",
        backend=backend,
        installer=installer,
        names=names,
    )
    return {**made, f"{recipes}/{distribution}/recipe.yaml": yaml_text(recipe)}


def with_location(settings: str, name: str, workflows: Sequence[str]) -> str:
    """Return flowlock.toml with the table of a new location at its end; the rest of the text stays."""
    table = tomlkit.table()
    table.add(tomlkit.comment("The jobs of Dagster: workflows, and packages with hand-written jobs."))
    table.add("name", name)
    table.add("workflows", list(workflows))
    table.add("packages", [hand_written_name(name)])
    # Its lock needs flowlock-dagster from a channel; without one, `sync` of a new workspace would fail.
    table.add(tomlkit.comment(f"Remove these two when it has a lock: flowlock lock {name}"))
    table.add("locked", value=False)
    table.add("reason", REASON)
    document = tomlkit.document()
    document.add("location", table)
    return f"{settings.rstrip()}\n\n{tomlkit.dumps(document)}"
