"""The graph of a workflow as Mermaid, which README pages draw: groups as boxes, mapped edges marked."""

from collections.abc import Iterator

from flowlock.compile.code.code_plan import Plan, PlannedStep
from flowlock.compile.code.python import one_line, shortened
from flowlock.spec.model import IterationKind, Step, TaskGroup, references

# Words that Mermaid reads as its own where a node's id stands.
_RESERVED = {
    "call", "class", "classdef", "click", "default", "direction", "end", "flowchart", "graph", "href",
    "linkstyle", "style", "subgraph",
}  # fmt: skip


def mermaid(plan: Plan) -> str:
    """Return the graph's text, without the fence."""
    planned = {planned_step.id: planned_step for planned_step in plan.steps}
    lines = ["flowchart TD"]
    for number, member in enumerate(plan.spec.workflow):
        if isinstance(member, TaskGroup):
            title = member.title.value if member.title else ""
            lines.append(f"  subgraph group_{number}[{_label(title)}]")
            lines += [f"    {_node(planned, step)}" for step in member.steps]
            lines.append("  end")
        else:
            lines.append(f"  {_node(planned, member)}")
    lines += [f"  {edge}" for step in plan.steps for edge in _edges(step)]
    return "\n".join(lines) + "\n"


def _node(planned: dict[str, PlannedStep], step: Step) -> str:
    name = step.id.value if step.id else ""
    opening, closing = ("([", "])") if "io" in planned[name].task.tags else ("[", "]")
    return f"{_id(name)}{opening}{_label(step.title)}{closing}"


def _edges(planned: PlannedStep) -> Iterator[str]:
    seen: set[tuple[str, str]] = set()
    for argument in planned.step.partial:
        for reference in references(argument.value):
            edge = (reference.step, f"{_id(reference.step)} --> {_id(planned.id)}")
            if edge not in seen:
                seen.add(edge)
                yield edge[1]
    for iteration in planned.step.iterations:
        words = {IterationKind.MAP: "each", IterationKind.MAPVALUES: "each group"}[iteration.over]
        for reference in references(iteration.argvalues) if iteration.argvalues else ():
            edge = (reference.step, f"{_id(reference.step)} -- {words} --> {_id(planned.id)}")
            if edge not in seen:
                seen.add(edge)
                yield edge[1]


def _id(name: str) -> str:
    return f"{name}_" if name.lower() in _RESERVED else name


def _label(text: str) -> str:
    """Quote a text; Mermaid's entities stand for what would end the quotes or mean something inside."""
    words = shortened(one_line(text), 60)
    entities = {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "`": "#96;", "&": "#amp;"}
    return '"' + "".join(entities.get(letter, letter) for letter in words) + '"'
