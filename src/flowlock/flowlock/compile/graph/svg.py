"""`graph.svg`: the steps of a workflow drawn, in light and dark, without any program's help."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files

from flowlock.compile.code.code_plan import Plan, PlannedStep
from flowlock.compile.code.python import one_line, shortened, width
from flowlock.compile.graph.geometry import HEADING, PADDING, Frame, Picture, Point, Size, picture
from flowlock.spec.model import IterationKind, TaskGroup, references

# A drawing of more steps than this is slow to make and of no use.
MOST = 300
MARGIN, LINE, WIDEST, NARROWEST = 24, 17, 30, 12
KINDS = {None: "plain", IterationKind.MAP: "each", IterationKind.MAPVALUES: "groups"}
WORDS = {"each": "each", "groups": "each group"}


@dataclass(frozen=True, slots=True)
class _Card:
    """The contents of a step's card, and how it is drawn."""

    lines: tuple[str, ...]
    task: str
    io: bool
    repeated: bool
    conditions: tuple[str, ...]

    @property
    def size(self) -> Size:
        columns = max(*map(width, self.lines), (width(self.task) * 9 + 9) // 10, NARROWEST)
        return Size(columns * 15 // 2 + 30, LINE * (len(self.lines) + 1) + 16)


def graph_svg(plan: Plan) -> str:
    """Return the drawing: groups as boxes, edges of map and mapvalues marked, skippable steps dashed."""
    title = one_line(plan.spec.title)
    if len(plan.steps) > MOST:
        return _page(
            title, Size(420, 60), [_text(20, 35, "legend", f"{len(plan.steps)} steps: too many to draw")]
        )
    cards = {step.id: _card(step) for step in plan.steps}
    edges = _edges(plan)
    members, groups = _members(plan)
    sizes = {name: card.size for name, card in cards.items()}
    drawn = picture(members, groups.keys(), sizes, list(edges))
    body = list(_body(drawn, cards, edges, groups))
    legend, height = _legend(drawn.size, cards, set(edges.values()))
    return _page(title, Size(max(drawn.size.width, 360), drawn.size.height + height), [*body, *legend])


def _members(plan: Plan) -> tuple[list[list[str]], dict[int, str]]:
    """Return the steps of each member of the workflow that has any, and the titles of groups by number."""
    members: list[list[str]] = []
    titles: dict[int, str] = {}
    for member in plan.spec.workflow:
        steps = member.steps if isinstance(member, TaskGroup) else (member,)
        names = [step.id.value for step in steps if step.id]
        if not names:
            continue
        if isinstance(member, TaskGroup):
            titles[len(members)] = one_line(member.title.value) if member.title else ""
        members.append(names)
    return members, titles


def _card(planned: PlannedStep) -> _Card:
    skipif = planned.skipif
    conditions = tuple(text.value for text in skipif.conditions if text.value != "never") if skipif else ()
    return _Card(
        lines=tuple(_wrapped(one_line(planned.step.title) or planned.id)),
        task=shortened(planned.task.name, WIDEST),
        io="io" in planned.task.tags or "output" in planned.task.tags,
        repeated=planned.step.iteration is not None,
        conditions=conditions,
    )


def _wrapped(text: str) -> Iterator[str]:
    """Break a title in two lines at most."""
    first = ""
    words = text.split(" ")
    while words and width(f"{first} {words[0]}".strip()) <= WIDEST:
        first = f"{first} {words.pop(0)}".strip()
    if first:
        yield first
    if words:
        yield shortened(" ".join(words), WIDEST)


def _edges(plan: Plan) -> dict[tuple[str, str], str]:
    """Return how each edge is drawn; iteration has precedence where a step also uses the whole result."""
    kinds: dict[tuple[str, str], str] = {}
    for planned in plan.steps:
        for argument in planned.step.partial:
            for reference in references(argument.value):
                kinds[reference.step, planned.id] = KINDS[None]
        iteration = planned.step.iteration
        if iteration and iteration.argvalues:
            for reference in references(iteration.argvalues):
                kinds[reference.step, planned.id] = KINDS[iteration.over]
    return kinds


def _body(
    drawn: Picture,
    cards: Mapping[str, _Card],
    edges: Mapping[tuple[str, str], str],
    groups: Mapping[int, str],
) -> Iterator[str]:
    for number in groups:
        yield _rect(drawn.groups[number], "group", 12)
    entering = _spread(drawn, edges)
    # What is marked is drawn last, over what it shares a way with.
    order = sorted(edges, key=lambda edge: edges[edge] != KINDS[None])
    for edge in order:
        yield from _edge(_ending_at(entering[edge], drawn.edges[edge]), edges[edge])
    for number, title in groups.items():
        frame = drawn.groups[number]
        words = shortened(title, max(8, (frame.width - 2 * PADDING) * 2 // 15))
        yield _text(frame.left + PADDING, frame.top + HEADING - 2, "heading", words)
    for name, card in cards.items():
        yield _step(name, card, drawn.steps[name])
    for edge in order:
        if edges[edge] in WORDS:
            x, y = entering[edge]
            yield _text(x, y - 16, f"word word-{edges[edge]}", WORDS[edges[edge]])


def _spread(drawn: Picture, edges: Mapping[tuple[str, str], str]) -> dict[tuple[str, str], Point]:
    """Return where each edge ends: side by side on the middle half of its step's upper side."""
    by_target: dict[str, list[tuple[str, str]]] = {}
    for edge in edges:
        by_target.setdefault(edge[1], []).append(edge)
    ends = {}
    for target, incoming in by_target.items():
        frame = drawn.steps[target]
        incoming.sort(key=lambda edge: (drawn.edges[edge][-2][0], edge))
        step = min(frame.width // 2 // len(incoming), 40)
        left = frame.middle - step * (len(incoming) - 1) // 2
        for number, edge in enumerate(incoming):
            ends[edge] = (left + number * step, frame.top)
    return ends


def _ending_at(end: Point, points: Sequence[Point]) -> list[Point]:
    """Let an edge end elsewhere on its step's upper side, upright still."""
    *rest, (was, _) = points
    upright = len(rest) > 1 and rest[-1][0] == was
    return [*rest[:-1], (end[0], rest[-1][1]), end] if upright else [*rest, end]


def _edge(points: Sequence[Point], kind: str) -> Iterator[str]:
    """Draw an edge: straight down where that leads on, else a curve that is upright at both ends."""
    (x, y), *rest = points
    path = [f"M{x} {y}"]
    tip_x, tip_y = rest[-1]
    for number, (next_x, next_y) in enumerate(rest):
        end_y = next_y - 6 if number == len(rest) - 1 else next_y
        if next_x == x:
            path.append(f"V{end_y}")
        else:
            bend = max(18, (end_y - y) // 2)
            path.append(f"C{x} {y + bend} {next_x} {end_y - bend} {next_x} {end_y}")
        x, y = next_x, end_y
    yield f'<path class="{kind}" d="{"".join(path)}"/>'
    tip = "tip" if kind == KINDS[None] else f"tip-{kind}"
    yield f'<path class="{tip}" d="M{tip_x - 4} {tip_y - 8}L{tip_x + 4} {tip_y - 8}L{tip_x} {tip_y}Z"/>'


def _step(name: str, card: _Card, frame: Frame) -> str:
    about = f"{name}: {card.task}"
    if card.conditions:
        about += f"; skipped if {' or '.join(card.conditions)}"
    kind = "card skippable" if card.conditions else "card"
    radius = frame.height // 2 if card.io else 7
    rectangles = [_rect(frame, kind, radius)]
    if card.repeated:
        rectangles.insert(0, _rect(frame.moved(4, 4), kind, radius))
    y = frame.top + 21
    lines = [_text(frame.middle, y + number * LINE, "name", line) for number, line in enumerate(card.lines)]
    task = _text(frame.middle, y + len(card.lines) * LINE, "task", card.task)
    inner = "".join([*rectangles, *lines, task])
    return f"<g><title>{escape(about)}</title>{inner}</g>"


def _legend(size: Size, cards: Mapping[str, _Card], kinds: set[str]) -> tuple[list[str], int]:
    """Explain what occurs and is not plain, a line each; return the height that it takes."""
    rows: list[tuple[str, str]] = []
    y = size.height + 36

    def at() -> int:
        return y + len(rows) * 24

    if "each" in kinds:
        rows.append((f'<path class="each" d="M0 {at()}H34"/>', "runs once for each item of a list"))
    if "groups" in kinds:
        rows.append((f'<path class="groups" d="M0 {at()}H34"/>', "runs once for each group"))
    if any(card.conditions for card in cards.values()):
        rows.append((_rect(Frame(0, at() - 8, 34, 16), "card skippable", 4), "may be skipped"))
    if any(card.io for card in cards.values()):
        rows.append((_rect(Frame(0, at() - 8, 34, 16), "card", 8), "reads or writes data"))
    marks = [mark for mark, _ in rows]
    words = [_text(46, y + number * 24 + 4, "legend", text) for number, (_, text) in enumerate(rows)]
    return [*marks, *words], (24 + 24 * len(rows)) if rows else 0


def _rect(frame: Frame, kind: str, radius: int) -> str:
    position = f'x="{frame.left}" y="{frame.top}" width="{frame.width}" height="{frame.height}"'
    return f'<rect class="{kind}" {position} rx="{radius}"/>'


def _text(x: int, y: int, kind: str, words: str) -> str:
    return f'<text class="{kind}" x="{x}" y="{y}">{escape(words)}</text>'


def _page(title: str, size: Size, body: Sequence[str]) -> str:
    wide, high = size.width + 2 * MARGIN, size.height + 2 * MARGIN
    content = "\n".join(body)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{wide}" height="{high}" '
        f'viewBox="{-MARGIN} {-MARGIN} {wide} {high}">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_style()}</style>\n"
        f'<rect class="paper" x="{-MARGIN}" y="{-MARGIN}" width="{wide}" height="{high}"/>\n'
        f"{content}\n</svg>\n"
    )


@cache
def _style() -> str:
    return (files("flowlock.compile") / "templates" / "graph.css").read_text(encoding="utf-8")
