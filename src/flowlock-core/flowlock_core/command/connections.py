"""`connections ls` and `connections check`: which connections a workflow uses, and whether they work."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

from flowlock_core.arguments import arguments_of
from flowlock_core.connections import NAMES_ONLY, ConnectionSettings, is_secret
from flowlock_core.connections.problems import SettingsError
from flowlock_core.connections.settings import ResolvedSettings, Sources
from flowlock_core.errors import Problem, TaskError, UsageError, WorkflowError, nearest
from flowlock_core.execute.plan import Method, Plan, PlannedStep
from flowlock_core.masking import masked, masked_problem

SET = "(set)"


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class ConnectionUse:
    """A parameter of a step that takes a connection, and the name that it is given, if it is."""

    step: str
    parameter: str
    model: type[ConnectionSettings]
    name: str | None

    @property
    def place(self) -> str:
        """The step and the parameter."""
        return f"{self.step}.{self.parameter}"

    def as_unnamed(self) -> str:
        """Return the line about a parameter without a name."""
        return f"unnamed    {self.model.kind}  {self.place}: the parameters may name one"


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectionState:
    """A connection: who uses it, its settings without secrets, what is wrong, and what answered if asked."""

    model: type[ConnectionSettings]
    name: str
    used_by: tuple[str, ...]
    settings: Mapping[str, str]
    origins: Mapping[str, str]
    problems: tuple[Problem, ...] = ()
    answer: str | None = None
    seconds: float | None = None

    @property
    def kind(self) -> str:
        """The kind of the connection."""
        return self.model.kind

    def as_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            "kind": self.kind,
            "name": self.name,
            "used_by": list(self.used_by),
            "settings": dict(self.settings),
            "from": dict(self.origins),
            "problems": [problem.as_json() for problem in self.problems],
            "answer": self.answer,
            "seconds": self.seconds,
        }

    def __str__(self) -> str:
        state = "incomplete" if self.problems else "complete"
        if self.seconds is not None:
            state = "failed" if self.problems else "ok"
        head = f"{state:<10} {self.kind} {self.name}"
        lines = [f"{head}  {self.answer}  {self.seconds:.2f} s" if self.answer else head]
        if self.used_by:
            lines.append(f"  used by {', '.join(self.used_by)}")
        if self.seconds is None:
            lines += [f"  {key} = {value}  ({self.origins[key]})" for key, value in self.settings.items()]
        lines += [f"  {line}" for problem in self.problems for line in str(problem).splitlines()]
        return "\n".join(lines)


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectionsReport:
    """The connections of a workflow."""

    states: tuple[ConnectionState, ...]
    uses: tuple[ConnectionUse, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong with any of them."""
        return not any(state.problems for state in self.states)

    def as_json(self) -> dict[str, Any]:
        """Return {"ok", "connections", "unnamed"}; of an unnamed one the parameters give the name."""
        unnamed = [use.place for use in self.uses if use.name is None]
        return {"ok": self.ok, "connections": [one.as_json() for one in self.states], "unnamed": unnamed}

    def __str__(self) -> str:
        if not self.uses:
            return "the workflow uses no connections\n"
        lines = [str(state) for state in self.states]
        lines += [use.as_unnamed() for use in self.uses if use.name is None]
        return "".join(f"{line}\n" for line in lines)


def connection_uses(plan: Plan, params: Mapping[str, Mapping[str, Any]]) -> list[ConnectionUse]:
    """Return every parameter of a plan that takes a connection, with the name that it is given."""
    return [use for step in plan.steps for use in _uses_of(step, params.get(step.id, {}))]


def _uses_of(step: PlannedStep, given: Mapping[str, Any]) -> Iterator[ConnectionUse]:
    for name, argument in arguments_of(step.task.func).by_name.items():
        model = argument.connection
        if model is None:
            continue
        values = _mapped(step, name) if name in step.argnames else [{**given, **step.arguments}.get(name)]
        for value in values:
            problems = argument.problems(value, {NAMES_ONLY: True}) if value is not None else []
            named = value if isinstance(value, str) and not problems else None
            yield ConnectionUse(step=step.id, parameter=name, model=model, name=named)


def _mapped(step: PlannedStep, argument: str) -> list[Any]:
    """Return the names that a step is mapped over, which are literals."""
    values = step.argvalues if isinstance(step.argvalues, list | tuple) else []
    if step.method is Method.MAPVALUES:
        values = [value for _, value in values]
    position = step.argnames.index(argument)
    return [value[position] if len(step.argnames) > 1 else value for value in values]


def connections_report(
    plan: Plan,
    params: Mapping[str, Mapping[str, Any]],
    *,
    only: Sequence[str] = (),
    connect: bool = False,
) -> ConnectionsReport:
    """Return the connections of a workflow; with `connect`, each has answered or said why not."""
    sources, uses = Sources(), connection_uses(plan, params)
    try:
        states = _states(uses, sources)
    except SettingsError as error:
        raise WorkflowError("the connections cannot be read", problems=error.problems) from error
    chosen = _chosen(states, only)
    if connect:
        used = [state for state in chosen if state.used_by or only]
        chosen = [checked(state, sources) for state in used or chosen]
    return ConnectionsReport(states=tuple(chosen), uses=tuple(uses))


def _states(uses: Sequence[ConnectionUse], sources: Sources) -> list[ConnectionState]:
    """Return the connections that are used, and the others of the same kinds for which anything is set."""
    states = []
    for model in sorted({use.model for use in uses}, key=lambda model: model.kind):
        used = {use.name for use in uses if use.model is model and use.name}
        names = sorted({*used, *sources.names(model.kind)})
        states += [_state(model, name, uses, sources) for name in names]
    return states


def _chosen(states: Sequence[ConnectionState], only: Sequence[str]) -> list[ConnectionState]:
    """Return the connections of some names, or all; an unknown name is a UsageError."""
    names = sorted({state.name for state in states})
    for name in only:
        if name not in names:
            hint = nearest(name, names) or f"there are {', '.join(names) or 'none'}"
            raise UsageError(f"connection `{masked(name)}` does not exist", code="FL739", hint=hint)
    return [state for state in states if not only or state.name in only]


def _state(
    model: type[ConnectionSettings], name: str, uses: Sequence[ConnectionUse], sources: Sources
) -> ConnectionState:
    resolved = ResolvedSettings()
    problems: tuple[Problem, ...] = ()
    try:
        resolved = sources.settings(model.kind, name)
        model.named(name, sources)
    except SettingsError as error:
        problems = error.problems
    return ConnectionState(
        model=model,
        name=name,
        used_by=tuple(use.place for use in uses if (use.model, use.name) == (model, name)),
        settings={setting: _shown(model, setting, value) for setting, value in resolved.values.items()},
        origins={setting: str(origin) for setting, origin in resolved.origins.items()},
        problems=problems,
    )


def _shown(model: type[ConnectionSettings], setting: str, value: Any) -> str:
    """Return a setting as it may be shown: neither a secret nor a value with an unknown name."""
    field = model.model_fields.get(setting)
    return SET if field is None or is_secret(field) else masked(str(value))


def checked(state: ConnectionState, sources: Sources) -> ConnectionState:
    """Connect, and return the state with what answered, or with why that fails."""
    start = perf_counter()
    problems: tuple[Problem, ...] = ()
    answer = None
    try:
        answer = masked(state.model.named(state.name, sources).check())
    except SettingsError as error:
        problems = error.problems
    except TaskError as error:
        problems = (masked_problem(Problem(code=error.code, message=error.message, hint=error.hint)),)
    return replace(state, answer=answer, problems=problems, seconds=perf_counter() - start)
