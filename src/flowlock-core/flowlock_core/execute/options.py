"""What a run is given in addition to the workflow."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from flowlock_core.execute.context import DEFAULT_RESULTS
from flowlock_core.execute.record import Observer, Unobserved


class Executor(Enum):
    """How the steps of a workflow are executed."""

    # At once, where the workflow function names them: for debuggers, and the reference for the others.
    EAGER = "eager"
    # By the plan, one call at a time, in its order.
    SEQUENTIAL = "sequential"
    # By the plan, calls that do not need each other at the same time.
    THREADS = "threads"
    # The same, each call in another process.
    PROCESSES = "processes"
    # The same, in processes that may be on other machines; results stay there.
    DASK = "dask"


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What a run is given in addition to the workflow; relative input paths are relative to `base`.

    `jobs` is how many calls run at the same time, None for as many as there are processors. With
    `keep_going`, steps that do not need the result of a failed one run all the same. `scheduler` is the
    address of a Dask cluster, None for one of the run's own.
    """

    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    base: Path | None = None
    results: Path = DEFAULT_RESULTS
    mock_io: bool = False
    mocks: Mapping[str, Path] = field(default_factory=dict)
    observer: Observer = field(default_factory=Unobserved)
    executor: Executor = Executor.SEQUENTIAL
    jobs: int | None = None
    keep_going: bool = False
    scheduler: str | None = None
