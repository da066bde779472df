"""A plan as a Mermaid flowchart."""

from flowlock_core.execute.plan import Method, Plan, PlannedStep

SHAPES = {Method.CALL: ('["', '"]'), Method.MAP: ('[["', '"]]'), Method.MAPVALUES: ('[["', '"]]')}


def mermaid(plan: Plan) -> str:
    """Draw each step as a node and each use of a result as an edge.

    Steps that run once an element have double sides and thick edges from what they map over; steps that may
    be skipped have a dashed border.
    """
    lines = ["flowchart TD"]
    lines += [f"  {step.id}{_label(step)}" for step in plan.steps]
    lines += [
        f"  {source} {'==>' if mapped else '-->'} {step.id}"
        for step in plan.steps
        for source, mapped in step.dependencies().items()
    ]
    skippable = [step.id for step in plan.steps if step.conditions]
    if skippable:
        lines += ["  classDef skippable stroke-dasharray: 5 4", f"  class {','.join(skippable)} skippable"]
    return "\n".join(lines) + "\n"


def _label(step: PlannedStep) -> str:
    opening, closing = SHAPES[step.method]
    return f"{opening}{step.id}<br/><small>{step.task.name}</small>{closing}"
