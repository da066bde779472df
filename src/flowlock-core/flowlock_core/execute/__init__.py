"""A workflow is a function over `Steps`: `Run` executes its steps, `trace` records them as a plan."""

from flowlock_core.execute.plan import EnvRef, Plan, PlannedStep, Ref, env, trace
from flowlock_core.execute.protocol import Step, Steps, Workflow
from flowlock_core.execute.run import Options, Run, StepRecord

__all__ = [
    "EnvRef",
    "Options",
    "Plan",
    "PlannedStep",
    "Ref",
    "Run",
    "Step",
    "StepRecord",
    "Steps",
    "Workflow",
    "env",
    "trace",
]
