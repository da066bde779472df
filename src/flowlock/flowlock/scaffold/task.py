"""A new task: its module and test, and how a package registers, requires and documents it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tomlkit
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from flowlock.errors import FlowlockError
from flowlock.names import TASK_GROUP
from flowlock.recipe.document import Recipe, parse
from flowlock.recipe.requirement import match_spec
from flowlock.recipe.values import table
from flowlock.scaffold.templates import filled

# What the module of a new task imports, beside flowlock-core.
REQUIRED = ("pandas>=2.2",)
_HEADING = "## Tasks"


@dataclass(frozen=True, kw_only=True, slots=True)
class NewTask:
    """A task's name, the module that it is a function of, and what it does, for the README."""

    name: str
    module: str
    sentence: str = "keep the rows that have a value in a column"


def task_files(name: str, *, project: str, package: str, tests: str) -> dict[str, str]:
    """Return the module of a new task and its test, by path; `package` is the name that is imported."""
    return {
        f"{project}/{package}/{name}.py": filled("task.py", {"task": name}),
        f"{tests}/test_{name}.py": filled("test_task.py", {"task": name, "package": package}),
    }


def with_task(
    texts: Mapping[str, str], task: NewTask, *, project: str, recipe: str, names: Mapping[str, str]
) -> dict[str, str]:
    """Return the files of a package, by path, as they are with a new task.

    `project` is the distribution's folder, `recipe` the recipe's path, `names` the wheels whose conda names
    differ. A package without a README gets none.
    """
    registry, readme = f"{project}/pyproject.toml", f"{project}/README.md"
    changed = {
        registry: _registered(texts[registry], task),
        recipe: _required(texts[recipe], recipe, names),
    }
    if readme in texts:
        changed[readme] = _documented(texts[readme], task)
    return {**texts, **changed}


def _registered(text: str, task: NewTask) -> str:
    """Add the entry point and what the task requires; comments, order and quotes of the text stay."""
    document = tomlkit.parse(text)
    project: Any = document["project"]
    dependencies = project.setdefault("dependencies", tomlkit.array())
    for requirement in _missing(dependencies):
        dependencies.append(requirement)
    groups = project.setdefault("entry-points", tomlkit.table(is_super_table=True))
    target = f"{task.module}:{task.name}"
    if TASK_GROUP in groups:
        groups[TASK_GROUP][task.name] = target
    else:
        groups[TASK_GROUP] = tomlkit.item({task.name: target}).add(tomlkit.nl())
    return tomlkit.dumps(document)


def _missing(dependencies: list[str]) -> Iterator[str]:
    present = {canonicalize_name(Requirement(text).name) for text in dependencies}
    for text in REQUIRED:
        if canonicalize_name(Requirement(text).name) not in present:
            yield text


def _required(text: str, file: str, names: Mapping[str, str]) -> str:
    """Add what a new task imports to what a recipe requires at run time; the rest of the text stays."""
    recipe = parse(text, file)
    present = {spec.split()[0] for spec in recipe.requirements("run")}
    wanted = [match_spec(Requirement(each), names) for each in REQUIRED]
    missing = [spec for spec in wanted if spec.split()[0] not in present]
    if not missing:
        return text
    lines = text.splitlines(keepends=True)
    at = _last_item(recipe, lines)
    if at is None:
        raise FlowlockError(
            f"{file} has no list of run requirements with a line for each",
            code="FL345",
            hint=f"write them as `- NAME` in lines below `run:`, and add {', '.join(missing)}",
        )
    indent, _, item = lines[at].rstrip("\n").partition("- ")
    added = [f"{indent}- {spec}\n" for spec in missing]
    # A selector goes on in the lines below.
    parts = [*added, lines[at]] if item.startswith("if:") else [f"{indent}- {item}\n", *added]
    return "".join([*lines[:at], *parts, *lines[at + 1 :]])


def _last_item(recipe: Recipe, lines: Sequence[str]) -> int | None:
    """Return the index of the line of the last run requirement; None unless a line is only about it."""
    items = table(recipe.document, "requirements").get("run")
    if not isinstance(items, list) or not items:
        return None
    place = recipe.places.values.get(("requirements", "run", len(items) - 1))
    if place is None or place.line is None:
        return None
    return place.line - 1 if lines[place.line - 1].lstrip().startswith("- ") else None


def _documented(readme: str, task: NewTask) -> str:
    """Add a line about a new task at the end of the README's section about tasks."""
    line = f"- `{task.name}`: {task.sentence}.\n"
    if _HEADING not in readme:
        return f"{readme.rstrip()}\n\n{_HEADING}\n\n{line}"
    before, heading, after = readme.partition(_HEADING)
    section, more, rest = after.partition("\n#")
    return f"{before}{heading}{section.rstrip()}\n{line}{more}{rest}"
