"""The parameters file: YAML or JSON to a mapping of steps, and where in it each problem is."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from flowlock_core.documents import Document, KeyPath, parse_document, read_text, text_of
from flowlock_core.errors import Location, Problem, WorkflowError

STDIN = "-"
# How messages name what was not read from a file.
STDIN_NAME = "<stdin>"
# Problems of a name in the file, not of its value.
_OF_NAMES = ("FL724", "FL725", "FL726")
MISSING = "FL727"
# What to write where a parameter is missing, by where the parameters come from.
_ADD_WITHOUT_A_FILE = (
    "write `{step}: {{{parameter}: …}}` into a file params.yaml and add `--params params.yaml`, "
    "or add `--set {step}.{parameter}=…`; the subcommand `params` prints a file to complete"
)
_ADD_TO_THE_FILE = "add `{parameter}: …` under `{step}:` in {file}"
ADD_TO_A_CASE = "add `{step}: {{{parameter}: …}}` under `params` of the case"


@dataclass(frozen=True, kw_only=True, slots=True)
class Params:
    """Parameters by step, the folder that relative paths start at, and where in the file each value is.

    `problems` are those of the file's form; what can be read despite them is included. `way_to_add` tells
    how to give a parameter that is missing.
    """

    by_step: Mapping[str, Mapping[str, Any]]
    base: Path
    keys: Mapping[KeyPath, Location] = field(default_factory=dict)
    values: Mapping[KeyPath, Location] = field(default_factory=dict)
    end: Location | None = None
    problems: tuple[Problem, ...] = ()
    way_to_add: str = _ADD_WITHOUT_A_FILE

    def locate(self, problem: Problem) -> Location | None:
        """Return where a problem is: at a name, at its value, or at what lacks a value.

        None if the file has nothing about the step; what lacks altogether belongs at the end.
        """
        if problem.step is None:
            return None
        path = (problem.step.partition("[")[0], *parts_of(problem.parameter or ""))
        if problem.code in _OF_NAMES and path in self.keys:
            return self.keys[path]
        if problem.code == MISSING:
            return self._nearest(path[:-1]) or self.end
        return self._nearest(path)

    def _nearest(self, path: KeyPath) -> Location | None:
        """Return the location of a value, or of the innermost one around it that the file has."""
        while len(path) > 1 and path not in self.values:
            path = path[:-1]
        return self.values.get(path) if len(path) > 1 else self.keys.get(path)

    def named_at(self, step: str, path: Path) -> Location | None:
        """Return where a step's parameters name a file."""
        for name, value in self.by_step.get(step, {}).items():
            if isinstance(value, str) and self.base / value == path:
                return self.values.get((step, name))
        return None

    def placed(self, error: WorkflowError) -> WorkflowError:
        """Return an error whose problems have their places, and name the data that they are about.

        A value that cannot be read is not refused a second time for what it is not.
        """
        unreadable = {problem.location for problem in self.problems if problem.location}
        problems = []
        for problem in error.problems:
            placed = self._placed(problem)
            if placed in self.problems or placed.location not in unreadable:
                problems.append(placed)
        return WorkflowError(error.message, problems=problems)

    def _placed(self, problem: Problem) -> Problem:
        location, hint = problem.location or self.locate(problem), problem.hint
        if problem.code == MISSING and problem.step and problem.parameter:
            hint = self._hint_to_add(problem.step, problem.parameter, problem.hint)
        named = [(data.path, self.named_at(data.step, data.path)) for data in problem.data]
        if named:
            files = ", ".join(f"{path} ({at})" if at else str(path) for path, at in named)
            hint = " ".join(filter(None, [hint, f"The table was made from {files}"]))
            location = location or named[0][1]
        return replace(problem, location=location, hint=hint)

    def _hint_to_add(self, step: str, parameter: str, description: str | None) -> str:
        file = self.end.file if self.end else "the file"
        step = step.partition("[")[0]
        way = self.way_to_add.format(step=step, parameter=parameter, file=file)
        return f"{way}. {description}" if description else way


def parts_of(parameter: str) -> list[str]:
    """Return the keys and positions of a path like `range.days[2]`."""
    return [part for part in parameter.replace("[", ".").replace("]", "").split(".") if part]


def load_params(source: str) -> Params:
    """Read a file, or stdin for `-`; a WorkflowError has the reason and the place if it cannot be read."""
    if source == STDIN:
        text = text_of(sys.stdin.buffer.read(), STDIN_NAME, "parameters", code="FL720")
        return parse_params(text, file=STDIN_NAME, base=Path.cwd())
    path = Path(source)
    text = read_text(path, "parameters file", code="FL720")
    return parse_params(text, file=str(path), base=path.resolve().parent)


def parse_params(text: str, *, file: str, base: Path) -> Params:
    """Parse YAML or JSON; the top level maps steps to their parameters."""
    document = parse_document(text, file)
    problems = (*document.problems, *_shape_problems(document, file))
    content = document.content if isinstance(document.content, dict) else {}
    by_step = {step: values if isinstance(values, dict) else {} for step, values in content.items()}
    return Params(
        by_step=by_step,
        base=base,
        keys=document.keys,
        values=document.values,
        end=document.end,
        problems=problems,
        way_to_add=_ADD_TO_THE_FILE,
    )


def _shape_problems(document: Document, file: str) -> Iterator[Problem]:
    content = document.content
    if content is not None and not isinstance(content, dict):
        yield Problem(
            code="FL723",
            message="expected a mapping of steps to their parameters",
            location=Location(file=file, line=1, column=1),
            hint="write each step as `step:`, and its parameters indented under it as `name: value`",
        )
        return
    for step, values in (content or {}).items():
        if values is not None and not isinstance(values, dict):
            yield Problem(
                code="FL723",
                message="expected a mapping of parameters to values",
                step=step,
                location=document.values.get((step,)) or document.end,
                hint="write the parameters indented under the step as `name: value`",
            )
