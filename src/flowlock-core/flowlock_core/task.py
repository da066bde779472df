"""`@task`: a function that workflows are made of, with its bound arguments; frozen."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from importlib import import_module
from pickle import PicklingError
from typing import Any, Generic, ParamSpec, TypeVar, overload

P = ParamSpec("P")
R = TypeVar("R", covariant=True)  # noqa: PLC0105 - the letters are those of typing's own documentation


@dataclass(frozen=True, kw_only=True, slots=True, weakref_slot=True)
class Task(Generic[P, R]):
    """A function with a name, tags and bound arguments; calling it is calling the function.

    `tags`: `io` marks a task that reads from outside, which tests replace by `example`, a file in the task's
    package; `condition` marks a skip condition. `checked` tasks have their arguments checked and coerced.
    """

    func: Callable[P, R]
    name: str
    tags: tuple[str, ...] = ()
    title: str | None = None
    example: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    checked: bool = False

    def __reduce__(self) -> tuple[Callable[..., "Task[..., Any]"], tuple[Any, ...]]:
        """Pickle the name of the function: its module is imported where the task is unpickled.

        (The name stands for this task in its module, so pickle cannot find the function by itself.)
        """
        func = self.func
        try:
            importable = _function_named(func.__module__, func.__qualname__) is func
        except (ImportError, AttributeError):
            importable = False
        if not importable:
            raise PicklingError(
                f"the task {self.name} is not found under {func.__module__}.{func.__qualname__}: "
                f"define it at the top of a module that can be imported"
            )
        settings = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "func"}
        return _task_named, (func.__module__, func.__qualname__, settings)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the plain function: no bound arguments, no checks."""
        return self.func(*args, **kwargs)

    def partial(self, **arguments: Any) -> "Task[..., R]":
        """Return the task with more arguments bound; a later value replaces an earlier one."""
        return replace(self, arguments={**self.arguments, **arguments})

    def validate(self) -> "Task[P, R]":
        """Return the task with its arguments checked against the annotations (ArgumentError if they fail)."""
        return replace(self, checked=True)

    def call(self, **arguments: Any) -> R:
        """Run the task with its bound arguments and these."""
        bound: dict[str, Any] = {**self.arguments, **arguments}
        if self.checked:
            from flowlock_core.arguments import arguments_of

            bound = arguments_of(self.func).validate(bound)
        return self.func(**bound)  # type: ignore[call-arg] # bound by name, checked at run time

    def map(self, argnames: str | Sequence[str], argvalues: Iterable[Any]) -> list[R]:
        """Run the task once a value (a tuple of values for several argument names)."""
        names = argument_names(argnames)
        return [self.call(**bind(names, value)) for value in argvalues]

    def mapvalues(
        self, argnames: str | Sequence[str], argvalues: Iterable[tuple[Any, Any]]
    ) -> list[tuple[Any, R]]:
        """Run the task once a (key, value) pair, and keep the keys."""
        names = argument_names(argnames)
        return [(key, self.call(**bind(names, value))) for key, value in argvalues]


def _task_named(module: str, name: str, settings: Mapping[str, Any]) -> Task[..., Any]:
    return Task(func=_function_named(module, name), **settings)


def _function_named(module: str, name: str) -> Callable[..., Any]:
    """Import a function, which its module may know as a task."""
    member: Any = import_module(module)
    for part in name.split("."):
        member = getattr(member, part)
    return member.func if isinstance(member, Task) else member


@overload
def task(func: Callable[P, R], /) -> Task[P, R]: ...
@overload
def task(
    *, tags: Sequence[str] = (), title: str | None = None, example: str | None = None
) -> Callable[[Callable[P, R]], Task[P, R]]: ...


def task(
    func: Callable[P, R] | None = None,
    /,
    *,
    tags: Sequence[str] = (),
    title: str | None = None,
    example: str | None = None,
) -> Task[P, R] | Callable[[Callable[P, R]], Task[P, R]]:
    """Make a function a task. Use it bare, or with tags, a title, an example file of the package."""

    def decorate(function: Callable[P, R]) -> Task[P, R]:
        return Task(func=function, name=function.__name__, tags=tuple(tags), title=title, example=example)

    return decorate if func is None else decorate(func)


def humanised(name: str) -> str:
    """Turn an identifier into a title: `time_column` → `Time column`."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def argument_names(argnames: str | Sequence[str]) -> tuple[str, ...]:
    """Return one or several argument names as a tuple."""
    return (argnames,) if isinstance(argnames, str) else tuple(argnames)


def bind(names: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Give one element of a map to its argument names; ValueError if their number differs."""
    if len(names) == 1:
        return {names[0]: value}
    values = tuple(value) if isinstance(value, list | tuple) else (value,)
    if len(values) != len(names):
        raise ValueError(f"{len(values)} values for {len(names)} argument names ({', '.join(names)})")
    return dict(zip(names, values, strict=True))
