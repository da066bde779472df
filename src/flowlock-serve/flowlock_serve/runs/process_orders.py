"""The order for the process of a run: the arguments of the command `run`."""

import os

from flowlock_core.command.bundle import Bundle
from flowlock_core.execute.plan import Plan
from flowlock_serve.runs.connections import hidden_variables
from flowlock_serve.runs.record import RunRecord
from flowlock_serve.runs.run_files import RunFiles
from flowlock_serve.runs.run_process import ProcessOrder
from flowlock_serve.settings import RunSettings


def process_order(
    bundle: Bundle, plan: Plan, settings: RunSettings, record: RunRecord, files: RunFiles
) -> ProcessOrder:
    """Return what the process of a run does; relative input paths start at the first data folder."""
    order = record.order
    arguments = ["run", "--json", "--params", "-", "--no-history", "--id", record.id]
    arguments += ["--results", str(files.results), "--events", str(files.log), "--executor", order.executor]
    if order.jobs is not None:
        arguments += ["--jobs", str(order.jobs)]
    if settings.cache is not None:
        arguments += ["--cache", str(settings.cache)]
    flags = {
        "--mock-io": order.mock_io,
        "--keep-going": order.keep_going,
        "--resume": order.resumed_from is not None,
    }
    arguments += [flag for flag, is_set in flags.items() if is_set]
    return ProcessOrder(
        run=record.id,
        workflow=f"{bundle.module}:{bundle.function}",
        arguments=arguments,
        folder=files.folder,
        working_directory=settings.data[0],
        target=settings.target,
        hidden=hidden_variables(plan, order.params, os.environ),
    )
