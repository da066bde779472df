"""The catalogue of tasks: signatures, and for each task the smallest example that runs it."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from flowlock_core.schema import Parameter, TaskSignature
from tools.docs.markdown import fence, table
from tools.docs.spec_slices import SpecSlice

HEAD = """\
# Catalogue of tasks

`flowlock tasks` lists the tasks of your own workspace, too. [Writing tasks](../tasks.md) shows how to
add one.
"""


def task_pages(
    tasks: Sequence[TaskSignature], examples: Mapping[str, SpecSlice], root: Path
) -> Iterator[tuple[str, str]]:
    """Yield the path and text of the index and of a page for each distribution."""
    ordered = sorted(tasks, key=attrgetter("distribution", "name"))
    yield "catalogue/index.md", _index(ordered)
    for distribution, own in groupby(ordered, attrgetter("distribution")):
        sections = [_section(task, examples.get(task.name), root) for task in own]
        head = f"# Tasks of {distribution}\n\nA spec that uses them requires `{distribution}`.\n"
        yield f"catalogue/{distribution}.md", "\n".join([head, *sections])


def _index(tasks: Sequence[TaskSignature]) -> str:
    parts = [HEAD]
    for distribution, own in groupby(tasks, attrgetter("distribution")):
        rows = [[f"[`{one.name}`]({distribution}.md#{one.name})", one.description] for one in own]
        parts += [f"## {distribution}\n", table(("task", "what it does"), rows)]
    return "\n".join(parts)


def _section(task: TaskSignature, example: SpecSlice | None, root: Path) -> str:
    parts = [f"## {task.name}\n", f"{task.description}\n"]
    if task.parameters:
        rows = [
            [f"`{one.name}`", f"`{_short(one)}`", _default(one), one.description] for one in task.parameters
        ]
        parts.append(table(("argument", "type", "default", "meaning"), rows))
    parts.append(f"Returns `{task.returns}`. Module: `{task.module}`.\n")
    if example is not None:
        parts.append(fence("yaml", example.steps))
        if example.params:
            parts += ["with the parameters\n", fence("yaml", example.params)]
        if example.folder.parent == root / "examples":
            name = example.folder.name
            parts.append(f"This is part of [{name}](../examples/{name}.md).\n")
    return "\n".join(parts)


def _short(parameter: Parameter) -> str:
    return parameter.given_as.replace("collections.abc.", "").replace("flowlock_core.", "")


def _default(parameter: Parameter) -> str:
    if parameter.wired:
        return "from a step"
    if parameter.required:
        return "required"
    return f"`{parameter.as_json().get('default')!r}`"
