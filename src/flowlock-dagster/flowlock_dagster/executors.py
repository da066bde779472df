"""How the ops of a job are executed: in one process, or each in its own."""

from collections.abc import Sequence

import dagster as dg

# What the process of a step imports before it runs, most of it when it opens Dagster's storage: without this,
# that is most of the time of a short step. A module that another release of Dagster lacks is left out.
_PRELOADED = (
    "dagster",
    "dagster._core.launcher",
    "dagster._core.run_coordinator",
    "dagster._core.storage.base_storage",
    "dagster._core.storage.event_log",
    "dagster._core.storage.fs_io_manager",
    "dagster._core.storage.local_compute_log_manager",
    "dagster._core.storage.runs",
    "dagster._core.storage.schedules",
    "flowlock_dagster.job",
)


def multiprocess(*, max_concurrent: int | None = None, preload: Sequence[str] = ()) -> dg.ExecutorDefinition:
    """Return the executor that runs each op in a separate process, on this machine.

    The processes are forked from one that has imported what every step needs, and the modules `preload`.
    """
    server = {"preload_modules": [*_PRELOADED, *preload]}
    settings: dict[str, object] = {"start_method": {"forkserver": server}}
    if max_concurrent is not None:
        settings["max_concurrent"] = max_concurrent
    return dg.multiprocess_executor.configured(settings)
