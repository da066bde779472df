"""The parameters file: YAML or JSON to a mapping of steps, and every problem of it before anything runs."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from flowlock_core.arguments import arguments_of
from flowlock_core.errors import Problem, UsageError, WorkflowError, nearest
from flowlock_core.execute.plan import Plan, PlannedStep, env_refs_in, refs_in

STDIN = "-"
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, kw_only=True, slots=True)
class Params:
    """Parameters by step, the folder that relative paths start at, and where in the file each value is."""

    by_step: Mapping[str, Mapping[str, Any]]
    base: Path
    places: Mapping[tuple[str, ...], str]

    def place(self, step: str, parameter: str | None) -> str | None:
        """Return `file:line:column` of a parameter, or of the nearest thing around it that is there."""
        path = (step, *_parts(parameter or ""))
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path)


def _parts(parameter: str) -> list[str]:
    return [part for part in parameter.replace("[", ".").replace("]", "").split(".") if part]


def load_params(source: str) -> Params:
    """Read a file, or stdin for `-`; a WorkflowError tells what is wrong with its form, and where."""
    if source == STDIN:
        return parse_params(sys.stdin.read(), file="<stdin>", base=Path.cwd())
    path = Path(source)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise WorkflowError(
            f"cannot read the parameters file {path}: {error.strerror}", hint="check the path"
        ) from error
    except UnicodeDecodeError as error:
        raise WorkflowError(f"the parameters file {path} is not in UTF-8: {error.reason}") from error
    return parse_params(text, file=str(path), base=path.resolve().parent)


def parse_params(text: str, *, file: str, base: Path) -> Params:
    """Parse YAML (and so JSON); the top level maps steps to their parameters."""
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else file
        raise _malformed(error.problem or "the YAML is malformed", place) from error
    except yaml.YAMLError as error:
        raise _malformed(str(error), file) from error
    places: dict[tuple[str, ...], str] = {}
    problems = list(_walk(node, (), file, places))
    values: Any = None
    if node is not None and not problems:
        try:
            values = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader, in C where there is one
        except (yaml.YAMLError, ValueError) as error:
            raise _malformed(str(error), file) from error
    problems = problems or list(_shape_problems(values, places, file))
    if problems:
        raise WorkflowError(f"{file} is no parameters file", problems=problems)
    return Params(
        by_step={step: given or {} for step, given in (values or {}).items()}, base=base, places=places
    )


def with_values(params: Params, settings: Sequence[str]) -> Params:
    """Return parameters with `step.parameter=value` put over them.

    A value is YAML, a longer path goes into mappings. A UsageError tells which setting has another form.
    """
    values: dict[str, dict[str, Any]] = {step: dict(given) for step, given in params.by_step.items()}
    places = dict(params.places)
    for setting in settings:
        path, equals, text = setting.partition("=")
        parts = path.strip().split(".")
        if not equals or len(parts) < 2 or not all(parts):  # noqa: PLR2004 - step and parameter
            raise UsageError(
                f"`{setting}` is not step.parameter=value", hint="for example --set table.path=a.csv"
            )
        try:
            value = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader, in C where there is one
        except (yaml.YAMLError, ValueError) as error:
            raise UsageError(f"the value of `{path}` is no YAML: {error}") from error
        here: dict[str, Any] = values
        for part in parts[:-1]:
            inner = here.get(part)
            here[part] = dict(inner) if isinstance(inner, Mapping) else {}
            here = here[part]
        here[parts[-1]] = value
        places[tuple(parts)] = f"--set {path}"
    return replace(params, by_step=values, places=places)


def _malformed(message: str, place: str) -> WorkflowError:
    return WorkflowError(message, problems=[Problem(message=message, place=place)])


def _walk(
    node: yaml.Node | None, path: tuple[str, ...], file: str, places: dict[tuple[str, ...], str]
) -> Iterator[Problem]:
    """Note where each value is; yield a problem for each key that a mapping holds twice."""
    if node is None:
        return
    here = f"{file}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"
    # An alias is met again, under another path; a loop of aliases ends here.
    if path in places or len(path) > 64:  # noqa: PLR2004 - deeper than any task's parameters
        return
    places[path] = here
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = str(key.value)
            place = f"{file}:{key.start_mark.line + 1}:{key.start_mark.column + 1}"
            if (*path, name) in places:
                yield Problem(message=f"the key `{name}` stands here twice", place=place)
            yield from _walk(value, (*path, name), file, places)
            places[(*path, name)] = place
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _walk(value, (*path, str(number)), file, places)


def _shape_problems(values: Any, places: Mapping[tuple[str, ...], str], file: str) -> Iterator[Problem]:
    if values is not None and not isinstance(values, dict):
        yield Problem(message="a mapping of steps to their parameters is expected", place=f"{file}:1:1")
        return
    for step, given in (values or {}).items():
        if given is not None and not (isinstance(given, dict) and all(isinstance(key, str) for key in given)):
            yield Problem(
                message="a mapping of parameters to values is expected",
                step=str(step),
                place=places.get((str(step),)),
            )


def check_params(
    plan: Plan, values: Mapping[str, Mapping[str, Any]], *, context: Any = None, mocked: Sequence[str] = ()
) -> list[Problem]:
    """Return everything that is wrong with the parameters of a plan, before any step runs.

    Nothing is asked for in the steps named in `mocked`, which will not run.
    """
    import os

    steps = {step.id: step for step in plan.steps}
    problems = [_unknown_step(step, list(steps)) for step in values if step not in steps]
    for step in plan.steps:
        if step.id not in mocked:
            found = _step_problems(step, values.get(step.id, {}), context)
            problems.extend(replace(problem, step=step.id) for problem in found)
    wanted = dict.fromkeys(name for step in plan.steps for name in env_refs_in(step.arguments))
    problems.extend(
        Problem(message=f"the environment variable {name} is not set", hint=f"set it: export {name}=…")
        for name in wanted
        if name not in os.environ
    )
    return problems


def _unknown_step(step: str, known: Sequence[str]) -> Problem:
    return Problem(
        message="the workflow has no such step",
        step=str(step),
        hint=nearest(str(step), known) or f"the steps are {', '.join(known)}",
    )


def _step_problems(step: PlannedStep, given: Mapping[str, Any], context: Any) -> Iterator[Problem]:
    arguments = arguments_of(step.task.func)
    fixed = [*step.arguments, *step.argnames]
    for name, value in given.items():
        if name not in arguments.by_name:
            yield arguments.unknown(name)
        elif name in fixed:
            yield Problem(
                message="the workflow sets this itself", parameter=name, hint="remove it from the file"
            )
        else:
            yield from arguments.by_name[name].problems(value, context)
    for name, value in step.arguments.items():
        if name not in arguments.by_name:
            yield arguments.unknown(name)
        elif not (list(refs_in(value)) or list(env_refs_in(value))):
            yield from arguments.by_name[name].problems(value, context)
    for name, argument in arguments.by_name.items():
        if argument.required and name not in given and name not in fixed:
            yield arguments.missing(name)
