"""@task, and calling tasks without an executor."""

import dataclasses

import pytest

from flowlock_core.arguments import ArgumentError
from flowlock_core.task import Task, bind, humanised, task


@task
def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


@task(tags=("io",), title="Read", example="x.csv")
def read() -> str:
    """Read."""
    return ""


def test_a_task_is_called_like_its_function() -> None:
    assert add(1, b=2) == 3


def test_a_task_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        add.name = "other"  # type: ignore[misc] # the point


def test_a_decorator_with_arguments_sets_them() -> None:
    assert (read.name, read.tags, read.title, read.example) == ("read", ("io",), "Read", "x.csv")


def test_partial_gives_a_new_task_and_leaves_the_old_one() -> None:
    bound = add.partial(a=1).partial(a=2, b=3)
    assert bound.call() == 5
    assert add.arguments == {}


def test_call_takes_more_arguments() -> None:
    assert add.partial(a=1).call(b=4) == 5


def test_map_takes_values_or_tuples_of_values() -> None:
    assert add.map("a", [1, 2]) == [2, 3]
    assert add.map(["a", "b"], [(1, 2), (3, 4)]) == [3, 7]


def test_mapvalues_keeps_keys_in_their_order() -> None:
    assert add.mapvalues(["a"], [("y", 1), ("x", 2)]) == [("y", 2), ("x", 3)]


def test_validate_coerces_and_refuses() -> None:
    checked: Task[..., int] = add.validate()
    assert checked.call(a="3") == 4
    with pytest.raises(ArgumentError, match=r"a: expected an integer, not \"x\""):
        checked.call(a="x")


def test_a_map_over_tuples_of_another_length_says_how_many() -> None:
    with pytest.raises(ValueError, match=r"3 values for 2 argument names \(a, b\)"):
        bind(("a", "b"), (1, 2, 3))


def test_identifiers_become_titles() -> None:
    assert humanised("body_mass_g") == "Body mass g"
