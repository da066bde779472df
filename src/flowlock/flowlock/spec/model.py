"""A spec as data: what it says, and where it says it. Nothing here is checked against tasks or channels."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from flowlock.errors import Location
from flowlock_core.documents.nodes import Node
from flowlock_core.documents.scalars import Plain


@dataclass(frozen=True, slots=True)
class LocatedText:
    """A text and its place."""

    value: str
    at: Location


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that is what it is."""

    value: Plain
    at: Location


@dataclass(frozen=True, slots=True)
class Reference:
    """`${{ workflow.<step>.return }}`."""

    step: str
    at: Location


@dataclass(frozen=True, slots=True)
class EnvironmentVariable:
    """`${{ env.<NAME> }}`."""

    name: str
    at: Location


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of values."""

    items: "tuple[Value, ...]"
    at: Location


@dataclass(frozen=True, slots=True)
class MappingOf:
    """A mapping of values; keys are literal texts, in the order of the spec."""

    entries: "tuple[tuple[LocatedText, Value], ...]"
    at: Location


Value: TypeAlias = Literal | Reference | EnvironmentVariable | ListOf | MappingOf


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument's name and value in `partial`."""

    name: LocatedText
    value: Value


class IterationKind(Enum):
    """How a step is called several times."""

    MAP = "map"
    MAPVALUES = "mapvalues"


@dataclass(frozen=True, kw_only=True, slots=True)
class Iteration:
    """`map` or `mapvalues`: which arguments get which values."""

    over: IterationKind
    argnames: tuple[LocatedText, ...]
    argvalues: Value | None
    at: Location


@dataclass(frozen=True, kw_only=True, slots=True)
class SkipIf:
    """When a step is not run; replaces the spec's defaults whole."""

    conditions: tuple[LocatedText, ...]
    unpack_depth: int
    at: Location


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """How the calls of a step are executed: those of its settings that the spec gives."""

    settings: Mapping[str, int | float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One task instance. `id` and `task` are None where the spec gives no usable ones."""

    at: Location
    id: LocatedText | None
    task: LocatedText | None
    name: LocatedText | None
    partial: tuple[Argument, ...]
    iterations: tuple[Iteration, ...]
    skipif: SkipIf | None
    policy: Policy

    @property
    def iteration(self) -> Iteration | None:
        """The map or the mapvalues, if there is one."""
        return self.iterations[0] if self.iterations else None

    @property
    def title(self) -> str:
        """What people call the step: its name, or its id in words."""
        if self.name and _is_visible(self.name.value):
            return self.name.value
        words = self.id.value.replace("_", " ").strip() if self.id else ""
        return words[:1].upper() + words[1:]

    @property
    def values(self) -> Iterator[Value]:
        """Every value of the step, in the order of the spec."""
        for argument in self.partial:
            yield argument.value
        for iteration in self.iterations:
            if iteration.argvalues is not None:
                yield iteration.argvalues


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskGroup:
    """Steps under one heading."""

    at: Location
    title: LocatedText | None
    description: LocatedText | None
    steps: tuple[Step, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SpecRequirement:
    """A package that the workflow needs, as the spec writes it; `requirements.py` reads the parts."""

    at: Location
    name: LocatedText | None
    version: LocatedText | None
    channel: LocatedText | None


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkflowMetadata:
    """The description of a workflow for users and package indexes."""

    title: LocatedText | None = None
    description: LocatedText | None = None
    license: LocatedText | None = None
    maintainers: tuple[LocatedText, ...] = ()
    keywords: tuple[LocatedText, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Overrides:
    """`rjsf-overrides`: changes to the parameter form, by dotted path."""

    properties: tuple[tuple[LocatedText, Node], ...] = ()
    definitions: tuple[tuple[LocatedText, Node], ...] = ()
    ui_schema: tuple[tuple[LocatedText, Node], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Spec:
    """A workflow.

    One without the key `requirements` is `open`: it leaves to us which packages its tasks are of.
    """

    file: str
    id: LocatedText | None
    metadata: WorkflowMetadata
    requirements: tuple[SpecRequirement, ...]
    skipif: SkipIf | None
    overrides: Overrides
    open: bool = False
    workflow: tuple[Step | TaskGroup, ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step in the order in which it runs."""
        return tuple(
            step
            for member in self.workflow
            for step in (member.steps if isinstance(member, TaskGroup) else (member,))
        )

    @property
    def groups(self) -> tuple[TaskGroup, ...]:
        """The task groups."""
        return tuple(member for member in self.workflow if isinstance(member, TaskGroup))

    @property
    def title(self) -> str:
        """What people call the workflow."""
        if self.metadata.title and _is_visible(self.metadata.title.value):
            return self.metadata.title.value
        words = self.id.value.replace("_", " ").strip() if self.id else ""
        return words[:1].upper() + words[1:]


def _is_visible(text: str) -> bool:
    """Return whether a reader would see anything: control characters and spaces alone are not a title."""
    return any(letter.isprintable() and not letter.isspace() for letter in text)


def references(value: Value) -> Iterator[Reference]:
    """Yield every reference inside a value."""
    match value:
        case Reference():
            yield value
        case ListOf():
            for item in value.items:
                yield from references(item)
        case MappingOf():
            for _, item in value.entries:
                yield from references(item)
        case Literal() | EnvironmentVariable():
            return


def environment(value: Value) -> Iterator[EnvironmentVariable]:
    """Yield every reference to the environment inside a value."""
    match value:
        case EnvironmentVariable():
            yield value
        case ListOf():
            for item in value.items:
                yield from environment(item)
        case MappingOf():
            for _, item in value.entries:
                yield from environment(item)
        case Literal() | Reference():
            return


def split_requirement(at: Location, whole: LocatedText, channel: LocatedText | None) -> SpecRequirement:
    """Read `channel::name version` in one text, as conda writes it."""
    text, place = whole.value.strip(), whole.at
    prefix, separator, rest = text.partition("::")
    if separator and channel is None:
        channel, text = LocatedText(prefix.strip(), place), rest.strip()
    match = re.match(r"[^\s=<>!~\[]*", text)
    name = match[0] if match else ""
    version = text[len(name) :].strip()
    return SpecRequirement(
        at=at,
        name=LocatedText(name, place),
        version=LocatedText(version, place) if version else None,
        channel=channel,
    )
