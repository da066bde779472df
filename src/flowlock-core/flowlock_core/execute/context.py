"""The context of a running task: where results go, which element of a map this is."""

import re
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, TypeAlias

from flowlock_core.errors import TaskError

DEFAULT_RESULTS = Path("results")
# A part of a group key: column, "=", value.
TRIPLE = 3

# The number of a step in its plan and of a call in its step: calls are compared by it.
Position: TypeAlias = tuple[int, int]
_NOTHING_TAKEN: Mapping[Path, Position] = {}


class RunContext(NamedTuple):
    """The context of one call of a task; it is separate for each call, and immutable.

    `element` is the key or number of the map's element, if any. `taken` are the files that other calls of
    the run are known to have written.
    """

    results: Path = DEFAULT_RESULTS
    base: Path | None = None
    element: str = ""
    position: Position = (0, 0)
    taken: Mapping[Path, Position] = _NOTHING_TAKEN

    def of_call(self, element: str, position: Position) -> "RunContext":
        """Return the context of one call of the run."""
        return self._replace(element=element, position=position)

    def output_path(self, name: str) -> Path:
        """Return where to write a file of this name, its folder made.

        In a map the element's key goes before the suffix, so that elements do not overwrite each other;
        two writes of one file in one run are a TaskError.
        """
        path_in_results = PurePosixPath(name)
        relative = path_in_results.with_name(self.name_in_map(path_in_results.name))
        path = self.results / relative
        running = RUNNING.get()
        written = {} if running is None else running[3]
        writer = self.taken.get(path)
        if path in written or (writer is not None and writer < self.position):
            raise written_twice(str(relative))
        written[path] = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TaskError(
                f"cannot make the folder {path.parent}: {error.strerror}", code="FL734"
            ) from error
        return path

    def name_in_map(self, name: str) -> str:
        """Return the name of a file with the element's key before the suffix, in a map."""
        if not self.element:
            return name
        path = PurePosixPath(name)
        return f"{path.stem}-{self.element}{path.suffix}"


def written_twice(name: str) -> TaskError:
    """Return the error of a call that writes a file which an earlier call of the run has written."""
    return TaskError(
        f"an earlier step of this run already wrote {name}",
        parameter="filename",
        hint="give each step its own file name",
    )


# The call that runs: the context of its run, its element and position, and the files that it has written so
# far, in their order. Most tasks do not ask for a context, so that of a call is made only on request.
RUNNING: ContextVar[tuple[RunContext, str, Position, dict[Path, None]] | None] = ContextVar(
    "flowlock_run", default=None
)


def current() -> RunContext:
    """Return the context of the running step; outside a run, one that writes to ./results."""
    running = RUNNING.get()
    if running is None:
        return RunContext()
    of_run, element, position, _ = running
    return of_run.of_call(element, position)


def element_name(key: Any) -> str:
    """Write a group key as a part of a file name: `island-Biscoe_sex-male`."""
    if isinstance(key, tuple) and all(isinstance(part, tuple) and len(part) == TRIPLE for part in key):
        text = "_".join(f"{column}-{value}" for column, _, value in key)
    else:
        text = str(key)
    plain = re.sub(r"[^\w.=-]+", "-", text).strip("-.")
    # A file's name holds 255 bytes at most, of which a part is the author's.
    return plain.encode()[:100].decode(errors="ignore") or "all"
