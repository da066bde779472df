"""The tree of a document → a Spec, and everything that has the wrong shape.

What is wrong is left out of the Spec or kept where the rules can still say more about it, so that one reading
finds all problems.
"""

from collections.abc import Callable, Iterable, Iterator
from math import isfinite
from typing import TypeVar

from flowlock.documents.yaml import read
from flowlock.errors import Location, Problem, Severity, nearest
from flowlock.spec.model import (
    Argument,
    EnvironmentVariable,
    Iteration,
    IterationKind,
    ListOf,
    Literal,
    LocatedText,
    MappingOf,
    Overrides,
    Reference,
    SkipIf,
    Spec,
    SpecRequirement,
    Step,
    TaskGroup,
    Value,
    WorkflowMetadata,
    split_requirement,
)
from flowlock.spec.policy import POLICY_KEYS, read_policy
from flowlock.spec.references import REFERENCE, reference_fault
from flowlock_core.documents.nodes import Items, Mapping, Node, Scalar, shown

SPEC_KEYS = (
    "id",
    "metadata",
    "requirements",
    "defaults",
    "task-instance-defaults",
    "rjsf-overrides",
    "workflow",
)
# `name` is how other compilers call the title; they also take a `readme`, which is generated here.
METADATA_KEYS = ("title", "name", "description", "license", "maintainers", "keywords", "readme")
PERSON_KEYS = ("name", "email", "role")
REQUIREMENT_KEYS = ("name", "version", "channel", "requirement")
STEP_KEYS = ("id", "name", "task", "partial", "map", "mapvalues", "skipif", *POLICY_KEYS)
GROUP_KEYS = ("type", "title", "description", "tasks")
ITERATION_KEYS = ("argnames", "argvalues")
SKIPIF_KEYS = ("conditions", "unpack_depth")
OVERRIDE_KEYS = ("properties", "$defs", "uiSchema")
MAX_UNPACK = 10
GROUP_TYPE, STEP_TYPE = "task-group", "task-instance"

T = TypeVar("T")


def parse(text: str, file: str) -> tuple[Spec | None, list[Problem]]:
    """Read a spec; without a mapping at the top there is none. `file` is how the problems call it."""
    root, problems = read(text, file)
    if root is None and problems:
        return None, problems
    if not isinstance(root, Mapping):
        contents = "is empty" if root is None or _is_null(root) else f"is {kind(root)}"
        start = Location(file=file, line=1, column=1)
        hint = "a spec must be a mapping with `id`, `requirements` and `workflow`"
        problem = Problem(
            code="FL104", message=f"the spec {contents}", location=root.at if root else start, hint=hint
        )
        return None, [*problems, problem]
    shaper = _SpecReader(problems)
    return shaper.spec(root, file), shaper.problems


def kind(node: Node) -> str:
    """Return what a value is, with its article, for a message."""
    match node:
        case Mapping():
            return "a mapping"
        case Items():
            return "a list"
        case Scalar():
            names = {bool: "true or false", int: "a number", float: "a number", str: "a string"}
            return names.get(type(node.value), "nothing")


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None


class _SpecReader:
    """Reads one kind of thing a method, and keeps what is wrong."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems

    def spec(self, root: Mapping, file: str) -> Spec:
        """Read the top level."""
        values = self._keys(root, SPEC_KEYS, "a spec", required=("id", "workflow"))
        if "defaults" in values and "task-instance-defaults" in values:
            at = values["task-instance-defaults"].at
            self._problem(
                "FL110", "`defaults` and `task-instance-defaults` have the same meaning; keep one of them", at
            )
        defaults = values.get("task-instance-defaults") or values.get("defaults")
        return Spec(
            file=file,
            id=self._optional(values.get("id"), self._text),
            metadata=self._optional(values.get("metadata"), self._metadata) or WorkflowMetadata(),
            requirements=self._each(values.get("requirements"), "`requirements`", self._requirement),
            skipif=self._optional(defaults, self._defaults),
            overrides=self._optional(values.get("rjsf-overrides"), self._overrides) or Overrides(),
            open="requirements" not in values,
            workflow=self._workflow(values.get("workflow")),
        )

    def _workflow(self, node: Node | None) -> tuple[Step | TaskGroup, ...]:
        before = len(self.problems)
        members: tuple[Step | TaskGroup, ...] = self._each(node, "`workflow`", self._member)
        empty = not any(isinstance(member, Step) or member.steps for member in members)
        if node is not None and empty and len(self.problems) == before:
            self._problem("FL112", "`workflow` must have at least one step", node.at)
        return members

    def _metadata(self, node: Node) -> WorkflowMetadata | None:
        values = self._mapping(node, METADATA_KEYS, "`metadata`")
        if values is None:
            return None
        return WorkflowMetadata(
            title=self._optional(values.get("title") or values.get("name"), self._text),
            description=self._optional(values.get("description"), self._text),
            license=self._optional(values.get("license"), self._text),
            maintainers=self._each(values.get("maintainers"), "`maintainers`", self._person),
            keywords=self._each(values.get("keywords"), "`keywords`", self._text),
        )

    def _person(self, node: Node) -> LocatedText | None:
        """Read `Name <address>`, or a mapping of both."""
        if not isinstance(node, Mapping):
            return self._text(node)
        values = self._keys(node, PERSON_KEYS, "a maintainer", required=("name",))
        name = self._optional(values.get("name"), self._text)
        email = self._optional(values.get("email"), self._text)
        if name is None or email is None:
            return name
        return LocatedText(f"{name.value} <{email.value}>", name.at)

    def _requirement(self, node: Node) -> SpecRequirement | None:
        if isinstance(node, Scalar) and isinstance(node.value, str):
            return split_requirement(node.at, LocatedText(node.value, node.at), None)
        values = self._mapping(node, REQUIREMENT_KEYS, "a requirement")
        if values is None:
            return None
        if "requirement" not in values and "name" not in values:
            self._problem("FL111", "a requirement needs the key `name`", node.at)
        channel = self._optional(values.get("channel"), self._text)
        whole = self._optional(values.get("requirement"), self._text)
        if whole:
            for other in ("name", "version"):
                if other in values:
                    message = f"`requirement` is a complete requirement; it cannot be combined with `{other}`"
                    self._problem("FL110", message, values[other].at)
            return split_requirement(node.at, whole, channel)
        return SpecRequirement(
            at=node.at,
            name=self._optional(values.get("name"), self._text),
            version=self._optional(values.get("version"), self._version),
            channel=channel,
        )

    def _version(self, node: Node) -> LocatedText | None:
        """Read a version; `1.2` without quotes is a number to YAML, and a version to everyone else."""
        if isinstance(node, Scalar) and type(node.value) in (int, float):
            return LocatedText(node.text, node.at)
        return self._text(node)

    def _defaults(self, node: Node) -> SkipIf | None:
        values = self._mapping(node, ("skipif",), "`task-instance-defaults`")
        return self._optional((values or {}).get("skipif"), self._skipif)

    def _overrides(self, node: Node) -> Overrides | None:
        values = self._mapping(node, OVERRIDE_KEYS, "`rjsf-overrides`")
        if values is None:
            return None
        return Overrides(
            properties=self._paths(values.get("properties")),
            definitions=self._paths(values.get("$defs")),
            ui_schema=self._paths(values.get("uiSchema")),
        )

    def _paths(self, node: Node | None) -> tuple[tuple[LocatedText, Node], ...]:
        if node is None or _is_null(node):
            return ()
        if not isinstance(node, Mapping):
            self._wrong(node, "a mapping of dotted paths to values")
            return ()
        return tuple((LocatedText(key.text, key.at), value) for key, value in node.entries)

    def _member(self, node: Node) -> Step | TaskGroup | None:
        if not isinstance(node, Mapping):
            self._wrong(node, "a task instance or a task group (a mapping)")
            return None
        keys = {key.text: value for key, value in node.entries}
        marked = keys.get("type")
        if "tasks" in keys or (isinstance(marked, Scalar) and marked.value == GROUP_TYPE):
            return self._group(node)
        return self._step(node)

    def _group(self, node: Mapping) -> TaskGroup:
        values = self._keys(node, GROUP_KEYS, "a task group", required=("title", "tasks"))
        marked = values.get("type")
        if marked is not None and not (isinstance(marked, Scalar) and marked.value == GROUP_TYPE):
            self._problem("FL112", f"the type of a task group must be `{GROUP_TYPE}`", marked.at)
        return TaskGroup(
            at=node.at,
            title=self._optional(values.get("title"), self._text),
            description=self._optional(values.get("description"), self._text),
            steps=self._each(values.get("tasks"), "`tasks`", self._step_of_group),
        )

    def _step_of_group(self, node: Node) -> Step | None:
        if not isinstance(node, Mapping):
            self._wrong(node, "a task instance (a mapping)")
            return None
        if any(key.text == "tasks" for key, _ in node.entries):
            hint = "end the group above, and start this one at the level of `workflow`"
            self._problem("FL112", "a task group cannot contain a task group", node.at, hint)
            return None
        return self._step(node)

    def _step(self, node: Mapping) -> Step:
        keys = (*STEP_KEYS, "type")
        values = self._keys(node, keys, "a task instance", required=("id", "task"))
        marked = values.get("type")
        if marked is not None and not (isinstance(marked, Scalar) and marked.value == STEP_TYPE):
            hint = f"a task instance needs no type; a group has `type: {GROUP_TYPE}` and `tasks`"
            self._problem("FL112", "unknown type for a task instance", marked.at, hint)
        iterations: list[Iteration] = []
        for over in IterationKind:
            iteration = self._optional(values.get(over.value), self._iteration_over(over))
            if iteration:
                iterations.append(iteration)
        partial = self._optional(values.get("partial"), self._partial) or ()
        return Step(
            at=node.at,
            id=self._optional(values.get("id"), self._text),
            task=self._optional(values.get("task"), self._text),
            name=self._optional(values.get("name"), self._text),
            partial=tuple(self._not_iterated(partial, iterations)),
            iterations=tuple(iterations),
            skipif=self._optional(values.get("skipif"), self._skipif),
            policy=read_policy(values, self.problems),
        )

    def _partial(self, node: Node) -> tuple[Argument, ...] | None:
        if not isinstance(node, Mapping):
            self._wrong(node, "a mapping of arguments to values")
            return None
        return tuple(
            Argument(name=LocatedText(key.text, key.at), value=self._value(value))
            for key, value in node.entries
        )

    def _not_iterated(self, partial: tuple[Argument, ...], iterations: list[Iteration]) -> Iterator[Argument]:
        """Yield the arguments that `map` does not give; where both do, what `map` gives is what counts."""
        mapped = {name.value: iteration.over.value for iteration in iterations for name in iteration.argnames}
        for argument in partial:
            name = argument.name
            if name.value not in mapped:
                yield argument
                continue
            message = f"`{shown(name.value)}` is given by `{mapped[name.value]}`, which takes precedence"
            self.problems.append(
                Problem(
                    code="FL175",
                    message=message,
                    location=name.at,
                    hint="remove it here",
                    severity=Severity.WARNING,
                )
            )

    def _iteration_over(self, over: IterationKind) -> Callable[[Node], Iteration | None]:
        def iteration(node: Node) -> Iteration | None:
            if isinstance(node, Mapping) and not node.entries:
                return None
            keys = self._mapping(node, ITERATION_KEYS, f"`{over.value}`", required=ITERATION_KEYS)
            if keys is None:
                return None
            values = keys.get("argvalues")
            return Iteration(
                over=over,
                argnames=self._names(keys.get("argnames")),
                argvalues=None if values is None else self._value(values),
                at=node.at,
            )

        return iteration

    def _names(self, node: Node | None) -> tuple[LocatedText, ...]:
        if isinstance(node, Scalar) and isinstance(node.value, str):
            return tuple(LocatedText(part.strip(), node.at) for part in node.value.split(",") if part.strip())
        names = self._each(node, "`argnames`", self._text)
        if node is not None and not names:
            self._problem("FL112", "`argnames` must name at least one argument", node.at)
        return names

    def _skipif(self, node: Node) -> SkipIf | None:
        values = self._mapping(node, SKIPIF_KEYS, "`skipif`", required=("conditions",))
        if values is None:
            return None
        depth = values.get("unpack_depth")
        value = depth.value if isinstance(depth, Scalar) else None
        if depth is not None and (type(value) is not int or not 0 <= value <= MAX_UNPACK):
            self._problem("FL112", f"`unpack_depth` must be an integer from 0 to {MAX_UNPACK}", depth.at)
        return SkipIf(
            conditions=self._each(values.get("conditions"), "`conditions`", self._text),
            unpack_depth=value if type(value) is int else 1,
            at=node.at,
        )

    def _value(self, node: Node) -> Value:
        match node:
            case Scalar():
                return self._scalar(node)
            case Items():
                return ListOf(tuple(self._value(item) for item in node.items), node.at)
            case Mapping():
                entries = ((LocatedText(key.text, key.at), self._value(value)) for key, value in node.entries)
                return MappingOf(tuple(entries), node.at)

    def _scalar(self, node: Scalar) -> Value:
        if isinstance(node.value, float) and not isfinite(node.value):
            self._problem(
                "FL112", f"`{node.text}` is not a finite number, and JSON has no such numbers", node.at
            )
        fault = reference_fault(node.value) if isinstance(node.value, str) else None
        if fault is not None:
            self._problem("FL117", fault.message, node.at, fault.hint)
            # Whatever was meant, its value is not known here, so that no rule says more of it.
            return EnvironmentVariable("", node.at)
        match = REFERENCE.fullmatch(node.text.strip()) if isinstance(node.value, str) else None
        if match is None:
            return Literal(node.value, node.at)
        if match["env"] is not None:
            return EnvironmentVariable(match["env"], node.at)
        return Reference(match["step"], node.at)

    def _text(self, node: Node) -> LocatedText | None:
        if isinstance(node, Scalar) and isinstance(node.value, str):
            return LocatedText(node.value, node.at)
        hint = "put it in quotes" if isinstance(node, Scalar) and node.value is not None else None
        self._wrong(node, "a string", hint)
        return None

    def _optional(self, node: Node | None, reader: Callable[[Node], T | None]) -> T | None:
        """Read what may be left out, or be null."""
        return None if node is None or _is_null(node) else reader(node)

    def _each(self, node: Node | None, what: str, reader: Callable[[Node], T | None]) -> tuple[T, ...]:
        if node is None or _is_null(node):
            return ()
        if not isinstance(node, Items):
            self._problem("FL112", f"{what} must be a list, not {kind(node)}", node.at)
            return ()
        return tuple(value for item in node.items if (value := reader(item)) is not None)

    def _mapping(
        self, node: Node, keys: Iterable[str], what: str, *, required: Iterable[str] = ()
    ) -> dict[str, Node] | None:
        if isinstance(node, Mapping):
            return self._keys(node, keys, what, required=required)
        self._problem("FL112", f"{what} must be a mapping, not {kind(node)}", node.at)
        return None

    def _keys(
        self, node: Mapping, keys: Iterable[str], what: str, *, required: Iterable[str] = ()
    ) -> dict[str, Node]:
        values = {key.text: value for key, value in node.entries}
        names = tuple(keys)
        for key, _ in node.entries:
            if key.text not in names:
                hint = nearest(key.text, names) or f"{what} has the keys {', '.join(names)}"
                self._problem("FL110", f"{what} has no key `{shown(key.text)}`", key.at, hint)
        for name in required:
            if name not in values or _is_null(values[name]):
                self._problem("FL111", f"{what} needs the key `{name}`", node.at)
        return values

    def _wrong(self, node: Node, expected: str, hint: str | None = None) -> None:
        self._problem("FL112", f"expected {expected}, not {kind(node)}", node.at, hint)

    def _problem(self, code: str, message: str, at: Location, hint: str | None = None) -> None:
        self.problems.append(Problem(code=code, message=message, location=at, hint=hint))
