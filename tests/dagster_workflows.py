"""Small workflows of tasks that can be imported, for the tests of flowlock-dagster."""

import os
import time
from pathlib import Path
from typing import Any

from flowlock_core.errors import TaskError
from flowlock_core.execute import Steps
from flowlock_core.execute.context import current
from flowlock_core.task import task


@task
def number(value: int) -> int:
    """Give a number."""
    return value


@task
def increased(value: int, folder: str = "") -> int:
    """Add one, and leave a mark of each call."""
    if folder:
        marks = Path(folder, "marks")
        with marks.open("a", encoding="utf-8") as stream:
            stream.write(f"{value}\n")
    return value + 1


@task
def fails_until(value: int, folder: str) -> int:
    """Fail for the number 2 as long as a file is not there."""
    if value == 2 and not Path(folder, "ready").exists():
        raise TaskError("not ready yet", parameter="folder", hint="make it ready")
    return increased.func(value, folder)


@task
def fails_once(folder: str) -> int:
    """Fail in the first call."""
    marks = Path(folder, "failed")
    if marks.exists():
        return os.getpid()
    marks.touch()
    raise TaskError("the first call fails")


@task
def added(values: list[int]) -> int:
    """Add up."""
    return sum(values)


@task
def written(name: str, text: str) -> str:
    """Write a file."""
    path = current().output_path(name)
    path.write_text(text, encoding="utf-8")
    return str(path)


@task
def secret(text: str) -> str:
    """Fail and name the value."""
    raise ValueError(f"what {text} is")


def reserved(step: Steps) -> Any:
    """Steps whose ids Dagster or Python reserve."""
    config = step(number, "config").call()
    config_ = step(increased, "config_").partial(value=config).call()
    input_ = step(increased, "input").partial(value=config_).call()
    write_result = step(increased, "write_result").partial(value=input_).call()
    return step(increased, "type").partial(value=write_result).call()


def mapped(step: Steps) -> Any:
    """A map that fails until a file is there."""
    first = step(number, "first").call()
    several = step(fails_until, "several").map("value", [1, 2, 3])
    total = step(added, "total").partial(values=several).call()
    return [first, total]


def retried(step: Steps) -> Any:
    """A step that fails once and has a second try."""
    return step(fails_once, "once").policy(retries=1, backoff=0.01).call()


def twice(step: Steps) -> Any:
    """Two steps that write one file, of which neither needs the other."""
    one = step(written, "one").partial(name="a.txt", text="1").call()
    two = step(written, "two").partial(name="a.txt", text="2").call()
    return [one, two]


def twice_in_order(step: Steps) -> Any:
    """Two steps that write one file, of which one needs the other."""
    one = step(written, "one").partial(name="a.txt", text="1").call()
    return step(written, "two").partial(name="a.txt", text=one).call()


def leaks(step: Steps) -> Any:
    """A step that fails with a value of the environment in its message."""
    from flowlock_core.execute import env

    return step(secret, "secret").partial(text=env("FLOWLOCK_TEST_SECRET")).call()


@task
def waited(folder: str) -> str:
    """Wait for a file that never comes; a cancelled run ends it."""
    Path(folder, "begun").touch()
    while not Path(folder, "go on").exists():
        time.sleep(0.05)
    return folder


def waiting(step: Steps) -> Any:
    """A step that takes long."""
    return step(waited, "wait").call()


def single(step: Steps) -> Any:
    """One step."""
    return step(number, "only").call()
