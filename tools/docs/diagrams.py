"""Flowcharts of the documentation as SVG: made when the site is built, so that no page loads a renderer."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from html import escape

from flowlock.compile.graph.geometry import Picture, Size, picture

LETTER, LINE, MARGIN = 8, 20, 12
_NODE = r'(\w+)(?:\["([^"]+)"\])?'
_ARROW = re.compile(r"\s*(?:--\s*([^->]+?)\s*)?-->\s*")
STYLE = """\
text { font: 14px system-ui, sans-serif; text-anchor: middle; fill: #1f2933; }
.word { font-size: 12px; font-style: italic; fill: #52606d; }
rect.node { fill: #eef4fb; stroke: #3b6ea5; rx: 6px; }
rect.paper { fill: #ffffff; rx: 6px; }
path { fill: none; stroke: #52606d; stroke-width: 1.5; }
path.tip { fill: #52606d; stroke: none; }
@media (prefers-color-scheme: dark) {
  text { fill: #e4e7eb; } .word { fill: #9aa5b1; } rect.paper { fill: #1e2129; }
  rect.node { fill: #243b53; stroke: #7bb0e0; } path { stroke: #9aa5b1; } path.tip { fill: #9aa5b1; }
}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Flowchart:
    """Nodes with their labels in an order in which edges lead on, and edges with the words on them."""

    nodes: dict[str, str]
    edges: dict[tuple[str, str], str]


def read_flowchart(text: str) -> Flowchart:
    """Read a Mermaid flowchart of labelled boxes and arrows; what else Mermaid has is a ValueError."""
    first, *lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not re.fullmatch(r"(flowchart|graph) (LR|TD|TB)", first):
        raise ValueError(f"not a flowchart: {first}")
    nodes: dict[str, str] = {}
    edges: dict[tuple[str, str], str] = {}
    for line in lines:
        source, at = None, 0
        word = ""
        while at < len(line):
            node = re.compile(_NODE).match(line, at)
            if node is None:
                raise ValueError(f"not a box: {line[at:]}")
            nodes[node[1]] = node[2] or nodes.get(node[1], node[1])
            if source is not None:
                edges[source, node[1]] = word
            source, at = node[1], node.end()
            arrow = _ARROW.match(line, at)
            if arrow is None and at < len(line):
                raise ValueError(f"not an arrow: {line[at:]}")
            if arrow is not None:
                word, at = arrow[1] or "", arrow.end()
    return Flowchart(nodes=nodes, edges=edges)


def flowchart_svg(chart: Flowchart) -> str:
    """Draw a flowchart from top to bottom."""
    sizes = {name: Size(len(label) * LETTER + 28, 2 * LINE) for name, label in chart.nodes.items()}
    order = _sorted(chart)
    drawn = picture([[name] for name in order], (), sizes, list(chart.edges))
    wide, high = drawn.size.width + 2 * MARGIN, drawn.size.height + 2 * MARGIN
    title = escape(", ".join(chart.nodes.values()))
    body = "\n".join(_body(chart, drawn))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{wide}" height="{high}" '
        f'viewBox="{-MARGIN} {-MARGIN} {wide} {high}">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n'
        f'<rect class="paper" x="{-MARGIN}" y="{-MARGIN}" width="{wide}" height="{high}"/>\n{body}\n</svg>\n'
    )


def _sorted(chart: Flowchart) -> Sequence[str]:
    sorter = TopologicalSorter[str](dict.fromkeys(chart.nodes, ()))
    for source, target in chart.edges:
        sorter.add(target, source)
    return list(sorter.static_order())


def _body(chart: Flowchart, drawn: Picture) -> Iterator[str]:
    for edge, word in chart.edges.items():
        points = drawn.edges[edge]
        (x, y), (tip_x, tip_y) = points[0], points[-1]
        yield f'<path d="{_curve([*points[:-1], (tip_x, tip_y - 6)])}"/>'
        yield f'<path class="tip" d="M{tip_x - 4} {tip_y - 8}L{tip_x + 4} {tip_y - 8}L{tip_x} {tip_y}Z"/>'
        if word:
            middle = (x + tip_x) // 2 + len(word) * LETTER // 2
            yield f'<text class="word" x="{middle}" y="{(y + tip_y) // 2 + 4}">{escape(word)}</text>'
    for name, label in chart.nodes.items():
        frame = drawn.steps[name]
        position = f'x="{frame.left}" y="{frame.top}" width="{frame.width}" height="{frame.height}"'
        yield f'<rect class="node" {position}/>'
        yield f'<text x="{frame.middle}" y="{frame.top + LINE + 5}">{escape(label)}</text>'


def _curve(points: Sequence[tuple[int, int]]) -> str:
    """Return a way through points that is upright at each of them."""
    (x, y), *rest = points
    way = [f"M{x} {y}"]
    for next_x, next_y in rest:
        bend = (next_y - y) // 2
        way.append(f"C{x} {y + bend} {next_x} {next_y - bend} {next_x} {next_y}")
        x, y = next_x, next_y
    return "".join(way)
