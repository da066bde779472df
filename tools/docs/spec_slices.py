"""The smallest part of a spec that runs a task: its step, and the steps that it needs."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flowlock.spec.model import Spec, Step, references
from flowlock.spec.parse import parse


@dataclass(frozen=True, kw_only=True, slots=True)
class SpecSlice:
    """Steps of a spec as its author wrote them, with their parameters."""

    folder: Path
    task: str
    steps: str
    params: str
    count: int


def slices(folders: Sequence[Path]) -> Mapping[str, SpecSlice]:
    """Return for each task that the specs in folders use its smallest slice, by the task's name."""
    smallest: dict[str, SpecSlice] = {}
    for folder in folders:
        for found in _slices(folder):
            known = smallest.get(found.task)
            if known is None or found.count < known.count:
                smallest[found.task] = found
    return smallest


def _slices(folder: Path) -> Iterator[SpecSlice]:
    text = (folder / "spec.yaml").read_text(encoding="utf-8")
    spec, _ = parse(text, "spec.yaml")
    if spec is None:
        raise ValueError(f"{folder}/spec.yaml is not a spec")
    params_file = folder / "params.yaml"
    params = params_file.read_text(encoding="utf-8") if params_file.exists() else ""
    by_id = {step.id.value: step for step in spec.steps if step.id}
    for step in spec.steps:
        needed = _needed(step, by_id)
        blocks = [_block(text, one) for one in spec.steps if one in needed]
        names = [one.id.value for one in needed if one.id]
        for task in _tasks(step, spec):
            yield SpecSlice(
                folder=folder,
                task=task,
                steps="\n".join(blocks),
                params=_entries(params, names),
                count=len(blocks),
            )


def _tasks(step: Step, spec: Spec) -> Iterator[str]:
    """Yield the tasks that a step shows: its own, and its conditions."""
    if step.task:
        yield step.task.value.rpartition(".")[2]
    skipif = step.skipif or spec.skipif
    for condition in skipif.conditions if skipif else ():
        yield condition.value.rpartition(".")[2]


def _needed(step: Step, by_id: Mapping[str, Step]) -> list[Step]:
    needed, pending = list[Step](), [step]
    while pending:
        one = pending.pop()
        if one not in needed:
            needed.append(one)
            ids = {reference.step for value in one.values for reference in references(value)}
            pending += [by_id[name] for name in sorted(ids)]
    return needed


def _block(text: str, step: Step) -> str:
    """Return the lines of a step, moved to the left edge; its line is that of its dash."""
    lines = text.splitlines()
    first = (step.at.line or 1) - 1
    indent = len(lines[first]) - len(lines[first].lstrip())
    last = first + 1
    while last < len(lines) and (not lines[last].strip() or lines[last].startswith(" " * (indent + 1))):
        last += 1
    block = [line[indent:] for line in lines[first:last]]
    return "\n".join(block).rstrip() + "\n"


def _entries(params: str, names: Sequence[str]) -> str:
    """Return the entries of a parameters file for steps."""
    entries = re.findall(r"^([\w-]+):(.*\n(?:(?: .*)?\n)*)", params, re.MULTILINE)
    return "".join(f"{name}:{rest.rstrip()}\n" for name, rest in entries if name in names)
