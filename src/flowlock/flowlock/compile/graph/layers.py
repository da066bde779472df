"""Layered drawing of an acyclic graph: the layer, order and position of each node.

The method is that of Sugiyama, Tagawa and Toda: layers by longest path, few crossings by barycentres,
positions by least squares within the order. All numbers are integers, so that every Python draws the same.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TypeAlias

CROSSING_SWEEPS, PLACING_SWEEPS = 6, 12
# A bent long edge disturbs more than a node beside the middle of its neighbours.
STRAIGHT = 4

_Offsets: TypeAlias = dict[str, list[tuple[str, int]]]


@dataclass(frozen=True, slots=True)
class Chain:
    """An edge as the keys that it passes, one per layer.

    `leave` and `enter` are the distances of its ends from the centres of the first and the last key.
    """

    keys: tuple[str, ...]
    leave: int = 0
    enter: int = 0

    @property
    def pairs(self) -> "list[tuple[str, str, int, int]]":
        """The edge's parts from layer to layer, with each end's distance from the centre of its node."""
        last = len(self.keys) - 2
        return [
            (source, target, self.leave if number == 0 else 0, self.enter if number == last else 0)
            for number, (source, target) in enumerate(pairwise(self.keys))
        ]


def ranks(keys: Sequence[str], edges: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Return each key's layer; keys come in topological order. A key without a source is near its users."""
    targets: dict[str, list[str]] = defaultdict(list)
    sources: dict[str, list[str]] = defaultdict(list)
    for source, target in edges:
        targets[source].append(target)
        sources[target].append(source)
    layer: dict[str, int] = {}
    for key in keys:
        layer[key] = max((layer[source] + 1 for source in sources[key]), default=0)
    for key in keys:
        if not sources[key] and targets[key]:
            layer[key] = min(layer[target] for target in targets[key]) - 1
    return layer


def passing(source: str, first: int, last: int) -> list[str]:
    """Return keys for the layers that edges of a source pass; they share them."""
    return [f"~{source}@{layer}" for layer in range(first, last + 1)]


def arranged(layers: Sequence[Sequence[str]], chains: Iterable[Chain]) -> list[list[str]]:
    """Return the layers in an order with few crossings."""
    pairs = sorted({(upper, lower) for chain in chains for upper, lower, _, _ in chain.pairs})
    up: dict[str, list[str]] = defaultdict(list)
    down: dict[str, list[str]] = defaultdict(list)
    for upper, lower in pairs:
        down[upper].append(lower)
        up[lower].append(upper)
    current = [list(layer) for layer in layers]
    best, fewest = current, _crossings(current, down)
    for sweep in range(CROSSING_SWEEPS):
        if fewest == 0:
            break
        current = _swept_down(current, up) if sweep % 2 == 0 else _swept_up(current, down)
        count = _crossings(current, down)
        if count < fewest:
            best, fewest = current, count
    return best


def _swept_down(layers: Iterable[Sequence[str]], up: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Return the layers with each but the first ordered by its neighbours in the layer above."""
    swept = [list(layer) for layer in layers]
    for above, layer in pairwise(swept):
        _by_barycentre(layer, above, up)
    return swept


def _swept_up(layers: Iterable[Sequence[str]], down: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Return the layers with each but the last ordered by its neighbours in the layer below."""
    swept = [list(layer) for layer in layers]
    for below, layer in pairwise(reversed(swept)):
        _by_barycentre(layer, below, down)
    return swept


def _by_barycentre(layer: list[str], fixed: Sequence[str], near: Mapping[str, Sequence[str]]) -> None:
    position = {key: number for number, key in enumerate(fixed)}
    own = {key: number for number, key in enumerate(layer)}

    def barycentre(key: str) -> tuple[float, int]:
        positions = [position[neighbour] for neighbour in near.get(key, ()) if neighbour in position]
        mean = sum(positions) / len(positions) if positions else own[key]
        return mean, own[key]

    layer.sort(key=barycentre)


def _crossings(layers: Sequence[Sequence[str]], down: Mapping[str, Sequence[str]]) -> int:
    total = 0
    for upper, lower in pairwise(layers):
        position = {key: number for number, key in enumerate(lower)}
        seen: list[int] = []
        for key in upper:
            ends = sorted(position[target] for target in down.get(key, ()))
            total += sum(len(seen) - bisect_left(seen, end + 1) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def centres(
    layers: Sequence[Sequence[str]], chains: Iterable[Chain], widths: Mapping[str, int], gap: int
) -> dict[str, int]:
    """Return where each key's centre is, from the left edge of all, which is 0."""
    up, down = _offsets(chains)
    middles: dict[str, int] = {}
    for layer in layers:
        middles.update(_packed(layer, widths, gap))
    for _ in range(PLACING_SWEEPS // 2):
        for layer in layers:
            _settle(layer, middles, [up], widths, gap)
        for layer in reversed(layers):
            _settle(layer, middles, [down], widths, gap)
    for layer in layers:
        _settle(layer, middles, [up, down], widths, gap)
    left = min((middle - widths[key] // 2 for key, middle in middles.items()), default=0)
    return {key: middle - left for key, middle in middles.items()}


def _offsets(chains: Iterable[Chain]) -> "tuple[_Offsets, _Offsets]":
    """Return each key's neighbours above and below, with where its centre is when the edge is upright."""
    up: _Offsets = defaultdict(list)
    down: _Offsets = defaultdict(list)
    for upper, lower, leave, enter in sorted({pair for chain in chains for pair in chain.pairs}):
        up[lower].append((upper, leave - enter))
        down[upper].append((lower, enter - leave))
    return up, down


def _packed(layer: Sequence[str], widths: Mapping[str, int], gap: int) -> dict[str, int]:
    total = sum(widths[key] + gap for key in layer) - gap
    middles, left = {}, -total // 2
    for key in layer:
        middles[key] = left + widths[key] // 2
        left += widths[key] + gap
    return middles


def _settle(
    layer: Sequence[str],
    middles: dict[str, int],
    sides: Sequence[Mapping[str, Sequence[tuple[str, int]]]],
    widths: Mapping[str, int],
    gap: int,
) -> None:
    """Move a layer's nodes towards their neighbours, as near as the order and the gaps allow.

    Least squares under an order is isotonic regression, once the smallest distances are subtracted.
    """
    # The smallest distance of each node's centre from that of the layer's first node.
    steps = ((widths[left] + widths[right]) // 2 + gap for left, right in pairwise(layer))
    distances = list(accumulate(steps, initial=0))
    wishes = []
    for key, distance in zip(layer, distances, strict=True):
        targets = [middles[neighbour] + offset for side in sides for neighbour, offset in side.get(key, ())]
        mean = sum(targets) // len(targets) if targets else middles[key]
        wishes.append((mean - distance, _weight(key, bound=bool(targets))))
    for key, value, distance in zip(layer, isotonic(wishes), distances, strict=True):
        middles[key] = value + distance


def _weight(key: str, *, bound: bool) -> int:
    """Return how much a wish counts; a node without neighbours on the sides in question yields to others."""
    if not bound:
        return 1
    return STRAIGHT + 1 if key.startswith("~") else 2


def isotonic(wishes: Iterable[tuple[int, int]]) -> list[int]:
    """Return the ascending integers nearest to the wished values, each of which has a weight.

    This is isotonic regression by pooling adjacent violators: values out of order become one block, which
    has their weighted mean.
    """
    # Blocks of sum of weighted values, sum of weights, and number of values.
    blocks: list[tuple[int, int, int]] = []
    for value, weight in wishes:
        block = (value * weight, weight, 1)
        while blocks and blocks[-1][0] * block[1] > block[0] * blocks[-1][1]:
            previous = blocks.pop()
            block = (previous[0] + block[0], previous[1] + block[1], previous[2] + block[2])
        blocks.append(block)
    return [total // weight for total, weight, count in blocks for _ in range(count)]
