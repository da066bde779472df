"""What the executor tells the tasks that it runs: where results go, which element of a map this is."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from flowlock_core.errors import TaskError

DEFAULT_RESULTS = Path("results")
# A part of a group key: column, "=", value.
TRIPLE = 3


@dataclass(kw_only=True, slots=True)
class RunContext:
    """The run that a task belongs to; `element` is the key or number of the map's element, if any."""

    results: Path = DEFAULT_RESULTS
    base: Path | None = None
    element: str = ""
    written: dict[Path, str] = field(default_factory=dict)

    def output_path(self, name: str) -> Path:
        """Return where to write a file of this name, its folder made.

        In a map the element's key goes before the suffix, so that elements do not overwrite each other;
        two writes of one file in one run are a TaskError.
        """
        relative = PurePosixPath(name)
        if self.element:
            relative = relative.with_name(f"{relative.stem}-{self.element}{relative.suffix}")
        path = self.results / relative
        if path in self.written:
            raise TaskError(
                f"an earlier step of this run already wrote {relative}",
                parameter="filename",
                hint="give each step its own file name",
            )
        self.written[path] = name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TaskError(
                f"cannot make the folder {path.parent}: {error.strerror}", code="FL734"
            ) from error
        return path


_current: ContextVar[RunContext | None] = ContextVar("flowlock_run", default=None)


def current() -> RunContext:
    """Return the context of the running step; outside a run, one that writes to ./results."""
    return _current.get() or RunContext()


@contextmanager
def active(context: RunContext) -> Iterator[RunContext]:
    """Make a context current for the block."""
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)


def element_name(key: Any) -> str:
    """Write a group key as a part of a file name: `island-Biscoe_sex-male`."""
    if isinstance(key, tuple) and all(isinstance(part, tuple) and len(part) == TRIPLE for part in key):
        text = "_".join(f"{column}-{value}" for column, _, value in key)
    else:
        text = str(key)
    plain = re.sub(r"[^\w.=-]+", "-", text).strip("-.")
    # A file's name holds 255 bytes at most, of which a part is the author's.
    return plain.encode()[:100].decode(errors="ignore") or "all"
