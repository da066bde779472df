"""The positions of the steps, groups and edges of a workflow in a drawing.

Each group is laid out alone, then groups and single steps together. Steps are listed in an order in which
they can run, and a group is a run of steps, so edges between groups have one direction.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from flowlock.compile.graph.layers import Chain, arranged, centres, passing, ranks

Point = tuple[int, int]
GAP_X, GAP_Y, PADDING, HEADING = 26, 46, 18, 26


@dataclass(frozen=True, slots=True)
class Size:
    """The width and height of an element."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Frame:
    """The position and size of an element."""

    left: int
    top: int
    width: int
    height: int

    @property
    def middle(self) -> int:
        """The horizontal middle."""
        return self.left + self.width // 2

    @property
    def bottom(self) -> int:
        """The lower side."""
        return self.top + self.height

    def inner(self, height: int) -> "Frame":
        """Return a frame of that height in the vertical middle of this one."""
        return Frame(self.left, self.top + (self.height - height) // 2, self.width, height)

    def moved(self, right: int, down: int) -> "Frame":
        """Return the frame moved by this number of pixels."""
        return Frame(self.left + right, self.top + down, self.width, self.height)


@dataclass(frozen=True, slots=True)
class Picture:
    """Frames of steps and of groups (by number), the points of edges, and the whole size."""

    steps: Mapping[str, Frame]
    groups: Mapping[int, Frame]
    edges: Mapping[tuple[str, str], tuple[Point, ...]]
    size: Size


@dataclass(frozen=True, slots=True)
class _Layout:
    """A laid out graph: frames of its things, the points of its chains, and its size."""

    frames: Mapping[str, Frame]
    routes: Mapping[Chain, tuple[Point, ...]]
    size: Size


@dataclass(frozen=True, slots=True)
class _Member:
    """A group or a single step: what is inside, where that begins, and its chains by what they are for.

    Chains are for edges within (`source`, `target`), edges that come in (`>source`, `target`) and edges that
    go out (`source`, `>`).
    """

    layout: _Layout
    chains: Mapping[tuple[str, str], Chain]
    offset: Point
    size: Size

    def way(self, source: str, target: str) -> tuple[Point, ...]:
        """Return the points of a chain within the member's frame."""
        right, down = self.offset
        chain = self.chains[source, target]
        points = self.layout.routes[chain]
        if len(chain.keys) == 1:
            points = points[:2] if source.startswith(">") else points[2:]
        return tuple((x + right, y + down) for x, y in points)


def picture(
    members: Sequence[Sequence[str]],
    groups: Collection[int],
    sizes: Mapping[str, Size],
    edges: Sequence[tuple[str, str]],
) -> Picture:
    """Lay out members (a group's steps, or one step alone) and the edges between steps.

    `groups` are the numbers of the members that are groups.
    """
    home = {step: number for number, steps in enumerate(members) for step in steps}
    inside = [
        _member(steps, sizes, _own(number, edges, home), group=number in groups)
        for number, steps in enumerate(members)
    ]
    outside, chains = _outside(inside, edges, home)
    frames = {number: outside.frames[str(number)] for number in range(len(members))}
    placed: dict[str, Frame] = {}
    for number, (member, steps) in enumerate(zip(inside, members, strict=True)):
        right, down = frames[number].left + member.offset[0], frames[number].top + member.offset[1]
        placed |= {step: member.layout.frames[step].moved(right, down) for step in steps}

    def way(source: str, target: str) -> tuple[Point, ...]:
        a, b = home[source], home[target]
        if a == b:
            return _moved(inside[a].way(source, target), frames[a])
        out = _moved(inside[a].way(source, ">"), frames[a])
        return (
            out
            + outside.routes[chains[source, target]]
            + _moved(inside[b].way(f">{source}", target), frames[b])
        )

    return Picture(
        steps=placed,
        groups={number: frames[number] for number in groups},
        edges={(source, target): tuple(dict.fromkeys(way(source, target))) for source, target in edges},
        size=outside.size,
    )


def _own(number: int, edges: Iterable[tuple[str, str]], home: Mapping[str, int]) -> list[tuple[str, str]]:
    """Return what edges are for a member: within it, into it, or out of it."""
    own: dict[tuple[str, str], None] = {}
    for source, target in edges:
        starts, ends = home[source] == number, home[target] == number
        if starts or ends:
            own[source if starts else f">{source}", target if ends else ">"] = None
    return list(own)


def _member(
    steps: Sequence[str], sizes: Mapping[str, Size], own: Sequence[tuple[str, str]], *, group: bool
) -> _Member:
    rank = ranks(steps, [(source, target) for source, target in own if ">" not in source + target])
    last = max(rank.values())
    chains = {}
    for source, target in own:
        first = rank[source] + 1 if source in rank else 0
        until = rank[target] - 1 if target in rank else last
        keys = list(passing(source, first, until))
        if source in rank:
            keys.insert(0, source)
        if target in rank:
            keys.append(target)
        chains[source, target] = Chain(tuple(keys))
    layout = _laid_out(rank, list(chains.values()), sizes)
    if not group:
        return _Member(layout, chains, (0, 0), layout.size)
    size = Size(layout.size.width + 2 * PADDING, layout.size.height + 2 * PADDING + HEADING)
    return _Member(layout, chains, (PADDING, PADDING + HEADING), size)


def _outside(
    inside: Sequence[_Member], edges: Iterable[tuple[str, str]], home: Mapping[str, int]
) -> tuple[_Layout, dict[tuple[str, str], Chain]]:
    """Lay out the members themselves; edges leave and enter them where their parts inside do."""
    between = [(source, target) for source, target in edges if home[source] != home[target]]
    keys = [str(number) for number in range(len(inside))]
    rank = ranks(keys, [(str(home[source]), str(home[target])) for source, target in between])
    chains = {}
    for source, target in between:
        a, b = home[source], home[target]
        leave = inside[a].way(source, ">")[-1][0] - inside[a].size.width // 2
        enter = inside[b].way(f">{source}", target)[0][0] - inside[b].size.width // 2
        way = passing(source, rank[str(a)] + 1, rank[str(b)] - 1)
        chains[source, target] = Chain((str(a), *way, str(b)), leave, enter)
    sizes = {str(number): member.size for number, member in enumerate(inside)}
    return _laid_out(rank, list(chains.values()), sizes), chains


def _laid_out(rank: Mapping[str, int], chains: Sequence[Chain], sizes: Mapping[str, Size]) -> _Layout:
    """Lay out a graph; `rank` has the layers of its nodes, in the order of the nodes."""
    layers = _layers(rank, chains)
    ordered = arranged(layers, chains)
    widths = {key: _width(key, sizes) for layer in layers for key in layer}
    lanes = _lanes(ordered, centres(ordered, chains, widths, GAP_X), sizes)
    frames = {key: lane.inner(_height(key, sizes) or lane.height) for key, lane in lanes.items()}
    width = max(frame.left + frame.width for frame in frames.values())
    height = max(lane.bottom for lane in lanes.values())
    routes = {chain: _way(chain, frames, lanes, rank) for chain in chains}
    return _Layout(frames, routes, Size(width, height))


def _layers(rank: Mapping[str, int], chains: Iterable[Chain]) -> list[list[str]]:
    """Return the keys of each layer: nodes, then those that edges pass, whose names end in their layer."""
    layers: list[list[str]] = [[] for _ in range(max(rank.values()) + 1)]
    for key, number in rank.items():
        layers[number].append(key)
    for passed in dict.fromkeys(key for chain in chains for key in chain.keys if key not in rank):
        layers[int(passed.rpartition("@")[2])].append(passed)
    return layers


def _lanes(
    layers: Iterable[Sequence[str]], middles: Mapping[str, int], sizes: Mapping[str, Size]
) -> dict[str, Frame]:
    """Return for each key a frame with its own width and of its layer's height; layers follow one another."""
    lanes: dict[str, Frame] = {}
    top = 0
    for layer in layers:
        height = max(_height(key, sizes) for key in layer)
        for key in layer:
            width = _width(key, sizes)
            lanes[key] = Frame(middles[key] - width // 2, top, width, height)
        top += height + GAP_Y
    return lanes


def _width(key: str, sizes: Mapping[str, Size]) -> int:
    """Return a node's width; what an edge passes has none."""
    return sizes[key].width if key in sizes else 0


def _height(key: str, sizes: Mapping[str, Size]) -> int:
    """Return a node's height; what an edge passes has none."""
    return sizes[key].height if key in sizes else 0


def _way(
    chain: Chain, frames: Mapping[str, Frame], lanes: Mapping[str, Frame], things: Collection[str]
) -> tuple[Point, ...]:
    """Return an edge's points: from a thing's lower side, through what it passes, to a thing's upper side.

    Within a layer an edge is upright, so that it does not cross what is next to it.
    """
    points: list[Point] = []
    for number, key in enumerate(chain.keys):
        frame, lane = frames[key], lanes[key]
        if key not in things:
            points += [(lane.middle, lane.top), (lane.middle, lane.bottom)]
            continue
        if number == len(chain.keys) - 1:
            x = frame.middle + chain.enter
            points += [(x, lane.top), (x, frame.top)]
        if number == 0:
            x = frame.middle + chain.leave
            points += [(x, frame.bottom), (x, lane.bottom)]
    return tuple(points)


def _moved(points: Iterable[Point], frame: Frame) -> tuple[Point, ...]:
    return tuple((x + frame.left, y + frame.top) for x, y in points)
