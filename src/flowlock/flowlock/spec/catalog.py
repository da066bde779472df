"""The tasks that a spec may name: signatures by name, and tasks that cannot be imported."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TypeVar

from packaging.utils import canonicalize_name

from flowlock.names import CORE
from flowlock.spec.facts import WorkspaceFacts
from flowlock.spec.model import LocatedText, Spec, Step
from flowlock_core.parameters.literals import LiteralCheck, Refusal
from flowlock_core.schema import TaskSignature

# What the tasks of a distribution say of literals.
Verdicts = Mapping[tuple[str, LiteralCheck], tuple[Refusal, ...]]

CONDITION = "condition"


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class BrokenTask:
    """A task that is registered and cannot be imported: whose it is, and the original message."""

    name: str
    distribution: str
    message: str


_Registered = TypeVar("_Registered", TaskSignature, BrokenTask)


@dataclass(frozen=True, kw_only=True, slots=True)
class Catalog:
    """Signatures by bare name, sorted; the distributions that were looked at, by canonical name.

    `unavailable` says of distributions why they could not be looked at; `verdicts` has the problems of
    literals, by canonical distribution and check; `own_versions` are those of the workspace's packages.
    `registration` looks for a function that no package registers, and says how it becomes a task.
    """

    tasks: Mapping[str, tuple[TaskSignature, ...]]
    broken: Mapping[str, tuple[BrokenTask, ...]]
    distributions: frozenset[str]
    unavailable: Mapping[str, str] = field(default_factory=dict)
    verdicts: Verdicts = field(default_factory=dict)
    own_versions: Mapping[str, str] = field(default_factory=dict)
    registration: Callable[[str], str | None] = lambda _name: None

    @classmethod
    def of(
        cls,
        signatures: Iterable[TaskSignature],
        *,
        broken: Iterable[BrokenTask] = (),
        distributions: Iterable[str] = (),
        verdicts: Verdicts | None = None,
    ) -> "Catalog":
        """Arrange signatures; the order in which they come does not matter."""
        ordered = sorted(signatures, key=lambda task: (task.name, task.distribution, task.module))
        names = {*distributions, *(task.distribution for task in ordered)}
        tasks: dict[str, list[TaskSignature]] = defaultdict(list)
        for task in ordered:
            tasks[task.name].append(task)
        faults: dict[str, list[BrokenTask]] = defaultdict(list)
        for fault in sorted(broken):
            faults[fault.name].append(fault)
        return cls(
            tasks={name: tuple(same_named) for name, same_named in tasks.items()},
            broken={name: tuple(same_named) for name, same_named in faults.items()},
            distributions=frozenset(map(canonicalize_name, names)),
            verdicts=verdicts or {},
        )

    def joined(self, other: "Catalog") -> "Catalog":
        """Return both; of a distribution that both know, this one's tasks count."""
        new_tasks = _of_others(other.tasks, self.distributions)
        new_faults = _of_others(other.broken, self.distributions)
        joined = Catalog.of(
            [*chain.from_iterable(self.tasks.values()), *new_tasks],
            broken=[*chain.from_iterable(self.broken.values()), *new_faults],
            distributions=self.distributions | other.distributions,
            verdicts={**other.verdicts, **self.verdicts},
        )
        return replace(joined, own_versions=self.own_versions, registration=self.registration)

    def refusals(self, task: TaskSignature, check: LiteralCheck) -> tuple[Refusal, ...]:
        """Return what the type of a parameter refuses about a literal; nothing if it was not checked."""
        return self.verdicts.get((canonicalize_name(task.distribution), check), ())

    def knows(self, text: str) -> bool:
        """Return whether a task of this name is registered, though it may be one that cannot be imported."""
        return bool(self.named(text)) or text.rpartition(".")[2] in self.broken

    def named(self, text: str) -> tuple[TaskSignature, ...]:
        """Return the tasks that a bare or qualified name may mean, whatever package has them.

        A qualified name has the module (`package.tasks.io.load_table`), a package that contains the module
        (which often exports what a private module defines) or the distribution before the last dot.
        """
        owner, _, name = text.rpartition(".")
        tasks = self.tasks.get(name, ())
        if not owner:
            return tasks
        return tuple(
            task
            for task in tasks
            if owner == task.module
            or task.module.startswith(f"{owner}.")
            or canonicalize_name(owner) == canonicalize_name(task.distribution)
        )


def _of_others(
    tasks: Mapping[str, tuple[_Registered, ...]], distributions: frozenset[str]
) -> Iterator[_Registered]:
    """Yield the tasks that belong to none of these distributions."""
    for task in chain.from_iterable(tasks.values()):
        if canonicalize_name(task.distribution) not in distributions:
            yield task


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """A catalog as one spec sees it: the packages that it requires, and the run time.

    The run time is there without being asked for (`implied`), so that its tasks stand behind those of the
    packages that the spec names: a published spec does not know them.
    """

    catalog: Catalog
    required: frozenset[str]
    implied: bool = False

    def tasks(self, text: str) -> tuple[TaskSignature, ...]:
        """Return the tasks of required packages that a name may mean; exactly one is right."""
        tasks = tuple(task for task in self.catalog.named(text) if self.requires(task.distribution))
        outside_core = tuple(task for task in tasks if canonicalize_name(task.distribution) != CORE)
        return outside_core if self.implied and outside_core else tasks

    def broken(self, text: str) -> tuple[BrokenTask, ...]:
        """Return the tasks of required packages that a name may mean and that cannot be imported."""
        tasks = self.catalog.broken.get(text.rpartition(".")[2], ())
        return tuple(task for task in tasks if self.requires(task.distribution))

    def task(self, text: LocatedText | None) -> TaskSignature | None:
        """Return the task that a name means, if that is clear."""
        tasks = self.tasks(text.value) if text else ()
        return tasks[0] if len(tasks) == 1 else None

    def requires(self, distribution: str) -> bool:
        """Return whether the spec requires a distribution."""
        return canonicalize_name(distribution) in self.required

    def taken(self, used: Iterable[str]) -> set[str]:
        """Return the names that ids cannot have: required packages' tasks, the run time's if used."""
        used = set(used)
        return {
            name
            for name, same_named in self.catalog.tasks.items()
            if name in used or any(map(self._is_required_by_name, same_named))
        }

    def _is_required_by_name(self, task: TaskSignature) -> bool:
        named = canonicalize_name(task.distribution) != CORE or not self.implied
        return named and self.requires(task.distribution)

    def names(self, *, conditions: bool = False) -> list[str]:
        """Return the bare names of the tasks, or skip conditions, of required packages."""
        names = []
        for name, tasks in self.catalog.tasks.items():
            wanted = [task for task in tasks if is_condition(task) == conditions]
            if any(self.requires(task.distribution) for task in wanted):
                names.append(name)
        return names


def scope(spec: Spec, catalog: Catalog, facts: WorkspaceFacts) -> Scope:
    """Look at a catalog through a spec's requirements; a spec that says none sees all of it."""
    if spec.open:
        return Scope(catalog=catalog, required=catalog.distributions | {CORE})
    names = [requirement.name.value for requirement in spec.requirements if requirement.name]
    required = set(map(facts.distribution, names))
    return Scope(catalog=catalog, required=frozenset({CORE, *required}), implied=CORE not in required)


def is_condition(task: TaskSignature) -> bool:
    """Return whether a task is a skip condition: it has the tag, or takes `*args` and returns a bool."""
    return CONDITION in task.tags or (task.returns == "bool" and not task.parameters)


def filled(step: Step) -> set[str]:
    """Return the names of the arguments that a step gives."""
    iterated = {name.value for iteration in step.iterations for name in iteration.argnames}
    return {argument.name.value for argument in step.partial} | iterated
