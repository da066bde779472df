"""A new task package: its pyproject.toml, its import package, and its recipe."""

from importlib.metadata import version

from flowlock.names import import_name
from flowlock.recipe import pyproject
from flowlock.recipe.document import yaml_text
from flowlock.recipe.render import render
from flowlock.scaffold.templates import filled


def package_files(
    distribution: str, summary: str, *, sources: str, recipes: str, backend: str, installer: str
) -> dict[str, str]:
    """Return the files of a package without tasks, by their paths from the workspace.

    `sources` and `recipes` are the folders of flowlock.toml, `backend` and `installer` its build tools.
    """
    package = import_name(distribution)
    values = {
        "distribution": distribution,
        "package": package,
        "summary": summary,
        "core": version("flowlock-core"),
    }
    folder = f"{sources}/{distribution}"
    project = filled("pyproject.toml", values)
    levels = "/".join([".."] * len(f"{recipes}/{distribution}".split("/")))
    recipe = render(
        pyproject.read(project, f"{folder}/pyproject.toml"),
        source=f"{levels}/{folder}",
        backend=backend,
        installer=installer,
        names={},
    )
    return {
        f"{folder}/pyproject.toml": project,
        f"{folder}/README.md": filled("package-readme.md", values),
        f"{folder}/{package}/__init__.py": filled("package-init.py", values),
        f"{recipes}/{distribution}/recipe.yaml": yaml_text(recipe),
    }
