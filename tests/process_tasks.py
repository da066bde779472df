"""Tasks for runs on processes, in a module that other processes can import."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from flowlock_core.execute import Steps
from flowlock_core.execute.context import current
from flowlock_core.masking import remember
from flowlock_core.task import task


@task
def process_of(value: int) -> int:
    """Tell in which process it runs."""
    return os.getpid() + 0 * value


@task
def dies(value: int, at: int, how: str) -> int:
    """End the process at one of the values."""
    if value == at and how == "exit":
        os._exit(3)
    if value == at:
        os.kill(os.getpid(), getattr(signal, how))
    return value


@task
def leaves_a_child() -> None:
    """End the process, and leave another one that keeps its files open."""
    if os.fork() == 0:
        time.sleep(60)
    os.kill(os.getpid(), signal.SIGKILL)


@task
def function_of(value: int) -> Any:
    """Give what cannot be pickled."""
    return lambda: value


@task
def called(function: Any) -> int:
    """Call a function."""
    return int(function())


@task
def prints(text: str) -> None:
    """Print, also without Python."""
    sys.stdout.write(f"python {text}\n")
    os.write(1, b"system\n")


@task
def tells_secret(value: str) -> None:
    """Fail with a secret that only this process knows."""
    remember(value)
    raise ValueError(f"the password {value} is wrong")


@task
def array(size: int) -> Any:
    """Make a large array."""
    return np.arange(size)


@task
def changed(values: Any) -> int:
    """Change the array in place."""
    values[0] = 5
    return int(values[:3].sum())


@task
def naps(value: int, seconds: float) -> int:
    """Sleep for a moment."""
    time.sleep(seconds)
    return value


@task
def lasts(value: int, kind: str, after: str = "") -> None:
    """Take a minute or more in one of several ways, with a process of its own; tell the ids of both."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    path = current().output_path("pids.txt")
    Path(f"{path}.part").write_text(f"{os.getpid()} {child.pid}")
    Path(f"{path}.part").rename(path)
    until = time.monotonic() + 60
    if kind == "sleeping":
        time.sleep(60)
    while kind == "python" and time.monotonic() < until:
        pass
    if kind == "c":
        # It never lets go of the interpreter's lock, and looks at no signal.
        sum(range(10**11))


def lasting(step: Steps) -> Any:
    """Write a file, then run two calls that take a minute."""
    written = step(writes, "written").partial(text="whole").call()
    return step(lasts, "lasts").partial(after=written).map("value", [1, 2])


@task
def flaky(folder: str, failures: int, how: str = "raise") -> int:
    """Fail a few times, which it counts in a folder; tell how often it was called."""
    files = Path(folder)
    calls = len(list(files.iterdir())) + 1
    (files / str(calls)).touch()
    if calls > failures:
        return calls
    if how == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "last":
        time.sleep(60)
    current().output_path("half.txt").write_text("half")
    raise ConnectionError("refused")


@task
def writes(text: str) -> str:
    """Write a file."""
    path = current().output_path("half.txt")
    path.write_text(text)
    return path.name


class Traced:
    """A value of 100 kB that writes down in which processes it is read back."""

    def __init__(self, folder: str) -> None:
        self.folder, self.data = folder, b"x" * 100_000

    def __reduce__(self) -> tuple[Any, ...]:
        return _read_back, (self.folder, self.data)


def _read_back(folder: str, data: bytes) -> Traced:
    Path(folder, str(os.getpid())).touch()
    value = Traced(folder)
    value.data = data
    return value


@task
def traced(folder: str) -> Any:
    """Give a value that tells where it goes."""
    return Traced(folder)


@task
def traced_items(folder: str, count: int) -> list[Any]:
    """Give several of them, with keys."""
    return [(f"k{number}", Traced(folder)) for number in range(count)]


@task
def size_of(value: Any) -> int:
    """Look at it."""
    return len(value.data)


@task
def passed_on(value: Any) -> Any:
    """Give back what is given."""
    return value


@task(tags=("random",))
def drawn_once(folder: str) -> Any:
    """Give a large value, and count how often."""
    files = Path(folder)
    (files / str(len(list(files.iterdir())))).touch()
    return b"x" * 100_000


@task
def counted(folder: str, value: int) -> Any:
    """Give a large value, and count how often."""
    files = Path(folder)
    (files / f"{value}-{os.getpid()}").touch()
    return b"x" * 100_000


@task
def length_after(value: Any, seconds: float = 0.0) -> int:
    """Look at it, after a moment."""
    time.sleep(seconds)
    return len(value)


@task
def added(values: list[int]) -> int:
    """Add up."""
    return sum(values)


def sleeping_sum(step: Steps) -> Any:
    """Sleep for a moment a few times, and add up."""
    return step(added, "total").partial(values=step(naps, "naps").map("value", [1, 2, 3])).call()


def limited(step: Steps) -> Any:
    """Sleep for a moment, at most."""
    return step(naps, "naps").partial(value=1, seconds=0.0).policy(timeout=60.0).call()
