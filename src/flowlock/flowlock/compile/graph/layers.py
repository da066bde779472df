"""Layered drawing of an acyclic graph: in which layer, in which order and where each thing stands.

After Sugiyama, Tagawa and Toda: layers by longest path, few crossings by barycentres, places by least squares
under the given order. All numbers are integers, so that every Python draws the same.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

CROSSING_SWEEPS, PLACING_SWEEPS = 6, 12
# A bent long edge disturbs more than a node beside the middle of its neighbours.
STRAIGHT = 4


@dataclass(frozen=True, slots=True)
class Chain:
    """An edge as the keys that it passes, one a layer.

    It leaves the first and enters the last so far from their centres.
    """

    keys: tuple[str, ...]
    leave: int = 0
    enter: int = 0

    @property
    def pairs(self) -> "list[tuple[str, str, int, int]]":
        """The edge's parts from layer to layer, with where each end lies from its thing's centre."""
        last = len(self.keys) - 2
        return [
            (one, other, self.leave if number == 0 else 0, self.enter if number == last else 0)
            for number, (one, other) in enumerate(pairwise(self.keys))
        ]


def ranks(keys: Sequence[str], edges: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Return each key's layer; keys come in topological order. What has no source stands near its users."""
    after: dict[str, list[str]] = defaultdict(list)
    before: dict[str, list[str]] = defaultdict(list)
    for one, other in edges:
        after[one].append(other)
        before[other].append(one)
    found: dict[str, int] = {}
    for key in keys:
        found[key] = max((found[one] + 1 for one in before[key]), default=0)
    for key in keys:
        if not before[key] and after[key]:
            found[key] = min(found[other] for other in after[key]) - 1
    return found


def passing(source: str, first: int, last: int) -> list[str]:
    """Return keys for the layers that edges of a source pass; they share them."""
    return [f"~{source}@{layer}" for layer in range(first, last + 1)]


def arranged(layers: Sequence[Sequence[str]], chains: Iterable[Chain]) -> list[list[str]]:
    """Return the layers in an order with few crossings."""
    pairs = sorted({(one, other) for chain in chains for one, other, _, _ in chain.pairs})
    up: dict[str, list[str]] = defaultdict(list)
    down: dict[str, list[str]] = defaultdict(list)
    for one, other in pairs:
        down[one].append(other)
        up[other].append(one)
    current = [list(layer) for layer in layers]
    best, fewest = current, _crossings(current, down)
    for sweep in range(CROSSING_SWEEPS):
        if fewest == 0:
            break
        current = [list(layer) for layer in current]
        order = range(1, len(current)) if sweep % 2 == 0 else range(len(current) - 2, -1, -1)
        for number in order:
            towards, near = (-1, up) if sweep % 2 == 0 else (1, down)
            _by_barycentre(current[number], current[number + towards], near)
        count = _crossings(current, down)
        if count < fewest:
            best, fewest = current, count
    return best


def _by_barycentre(layer: list[str], fixed: Sequence[str], near: Mapping[str, Sequence[str]]) -> None:
    position = {key: number for number, key in enumerate(fixed)}
    own = {key: number for number, key in enumerate(layer)}

    def wish(key: str) -> tuple[float, int]:
        places = [position[one] for one in near.get(key, ()) if one in position]
        return (sum(places) / len(places) if places else own[key], own[key])

    layer.sort(key=wish)


def _crossings(layers: Sequence[Sequence[str]], down: Mapping[str, Sequence[str]]) -> int:
    total = 0
    for upper, lower in pairwise(layers):
        position = {key: number for number, key in enumerate(lower)}
        seen: list[int] = []
        for key in upper:
            ends = sorted(position[one] for one in down.get(key, ()))
            total += sum(len(seen) - bisect_left(seen, end + 1) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def centres(
    layers: Sequence[Sequence[str]], chains: Iterable[Chain], widths: Mapping[str, int], gap: int
) -> dict[str, int]:
    """Return where each key's centre is, from the left edge of all, which is 0."""
    up: dict[str, list[tuple[str, int]]] = defaultdict(list)
    down: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for one, other, leave, enter in sorted({pair for chain in chains for pair in chain.pairs}):
        up[other].append((one, leave - enter))
        down[one].append((other, enter - leave))
    found: dict[str, int] = {}
    for layer in layers:
        found.update(_packed(layer, widths, gap))
    for sweep in range(PLACING_SWEEPS):
        order = layers if sweep % 2 == 0 else layers[::-1]
        near = up if sweep % 2 == 0 else down
        for layer in order:
            _settle(layer, found, [near], widths, gap)
    for layer in layers:
        _settle(layer, found, [up, down], widths, gap)
    left = min((found[key] - widths[key] // 2 for layer in layers for key in layer), default=0)
    return {key: place - left for key, place in found.items()}


def _packed(layer: Sequence[str], widths: Mapping[str, int], gap: int) -> dict[str, int]:
    total = sum(widths[key] + gap for key in layer) - gap
    found, at = {}, -total // 2
    for key in layer:
        found[key] = at + widths[key] // 2
        at += widths[key] + gap
    return found


def _settle(
    layer: Sequence[str],
    found: dict[str, int],
    sides: Sequence[Mapping[str, Sequence[tuple[str, int]]]],
    widths: Mapping[str, int],
    gap: int,
) -> None:
    """Move a layer's things towards their neighbours, as near as the order and the gaps allow.

    Least squares under an order is isotonic regression: neighbours that would collide become one block
    (pool adjacent violators), after the distances between them are taken out.
    """
    blocks: list[tuple[int, int, int]] = []
    shift, shifts = 0, []
    for number, key in enumerate(layer):
        if number:
            shift += (widths[layer[number - 1]] + widths[key]) // 2 + gap
        shifts.append(shift)
        places = [found[one] + offset for side in sides for one, offset in side.get(key, ())]
        wish = sum(places) // len(places) if places else found[key]
        weight = (STRAIGHT if key.startswith("~") else 1) * (1 if places else 0) + 1
        block = ((wish - shift) * weight, weight, 1)
        while blocks and blocks[-1][0] * block[1] > block[0] * blocks[-1][1]:
            before = blocks.pop()
            block = (before[0] + block[0], before[1] + block[1], before[2] + block[2])
        blocks.append(block)
    settled = [total // weight for total, weight, count in blocks for _ in range(count)]
    for key, place, shift in zip(layer, settled, shifts, strict=True):
        found[key] = place + shift
