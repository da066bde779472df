"""A workflow is a function over `Steps`: `trace` records its steps as a plan, which `run_plan` executes.

`Run` executes the steps at once, while the function runs.
"""

from flowlock_core.execute.options import Executor, Options
from flowlock_core.execute.plan import EnvRef, Plan, PlannedStep, Ref, env, trace
from flowlock_core.execute.protocol import Step, Steps, Workflow
from flowlock_core.execute.record import Observer, RunLog, Status, StepRecord
from flowlock_core.execute.run import Run
from flowlock_core.execute.scheduler import run_plan

__all__ = [
    "EnvRef",
    "Executor",
    "Observer",
    "Options",
    "Plan",
    "PlannedStep",
    "Ref",
    "Run",
    "RunLog",
    "Status",
    "Step",
    "StepRecord",
    "Steps",
    "Workflow",
    "env",
    "run_plan",
    "trace",
]
