"""`layout.json` beside a spec: where on the dashboard's grid each widget stands.

A list of mappings, as react-grid-layout has them: `i` names an item, `x`, `y`, `w`, `h` are in columns and
rows, `widget_id` is a step of the dashboard's `widgets` or a position among them (if left out, `i` is).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from flowlock.documents.yaml import read
from flowlock.errors import Location, Problem, Severity, nearest
from flowlock.spec.model import ListOf, Reference, Spec
from flowlock.spec.parse import kind
from flowlock_core.documents.nodes import Items, Mapping, Node, Scalar, shown

FILE = "layout.json"
NUMBERS = {"x": 0, "y": 0, "w": 1, "h": 1, "minW": 1, "minH": 1}
REQUIRED = ("i", "x", "y", "w", "h")
KEYS = (*REQUIRED, "minW", "minH", "static", "widget_id")
MAX_SIDE = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class WidgetPosition:
    """Where one widget stands; `widget` is its position among the dashboard's widgets, from 0."""

    name: str
    widget: int
    x: int
    y: int
    w: int
    h: int
    min_w: int = 1
    min_h: int = 1
    static: bool = False

    def overlaps(self, other: "WidgetPosition") -> bool:
        """Return whether both cover a cell of the grid."""
        beside = self.x >= other.x + other.w or other.x >= self.x + self.w
        below = self.y >= other.y + other.h or other.y >= self.y + self.h
        return not beside and not below

    def as_json(self) -> dict[str, int | str | bool]:
        """Return the item with all its keys."""
        numbers = {"x": self.x, "y": self.y, "w": self.w, "h": self.h, "minW": self.min_w, "minH": self.min_h}
        return {"i": self.name, **numbers, "static": self.static, "widget_id": self.widget}


def parse_layout(text: str, file: str, spec: Spec) -> tuple[tuple[WidgetPosition, ...], list[Problem]]:
    """Read a layout and compare it with the dashboard; JSON is YAML, so locations are known."""
    root, problems = read(text, file)
    if root is None:
        start = Location(file=file, line=1, column=1)
        return (), problems or [Problem(code="FL161", message="the layout is empty", location=start)]
    if not isinstance(root, Items):
        return (), [*problems, _wrong("a layout must be a list of items", root)]
    reader = _LayoutReader(spec, problems)
    positions = [(item, position) for item in root.items if (position := reader.item(item))]
    problems += _twice(positions)
    problems += _overlapping(positions)
    return tuple(position for _, position in positions), problems


class _LayoutReader:
    """Reads items, and keeps what is wrong."""

    def __init__(self, spec: Spec, problems: list[Problem]) -> None:
        self.problems = problems
        self.widgets = _widgets(spec)

    def item(self, node: Node) -> WidgetPosition | None:
        """Return the place that an item says, or None if something about it is wrong."""
        if not isinstance(node, Mapping):
            self.problems.append(_wrong("an item of a layout must be a mapping", node))
            return None
        before = len(self.problems)
        values = {key.text: value for key, value in node.entries}
        self.problems += _keys(node, values)
        numbers = {key: self._number(values[key], key, NUMBERS[key]) for key in NUMBERS if key in values}
        widget = self._widget(values.get("widget_id", values.get("i")))
        static = self._static(values.get("static"))
        self.problems += _below_minimum(numbers, values)
        if len(self.problems) > before or widget is None:
            return None
        return WidgetPosition(
            name=_text(values["i"]),
            widget=widget,
            **{key: numbers[key] for key in ("x", "y", "w", "h")},
            min_w=numbers.get("minW", 1),
            min_h=numbers.get("minH", 1),
            static=static,
        )

    def _static(self, node: Node | None) -> bool:
        if node is None:
            return False
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return node.value
        self.problems.append(_wrong("`static` must be true or false", node))
        return False

    def _number(self, node: Node, key: str, least: int) -> int:
        value = node.value if isinstance(node, Scalar) else None
        if type(value) is int and least <= value <= MAX_SIDE:
            return value
        self.problems.append(_wrong(f"`{key}` must be an integer from {least} to {MAX_SIDE}", node))
        return least

    def _widget(self, node: Node | None) -> int | None:
        """Return the position that a step's id or a number (also as a text, as grids want keys) means."""
        if node is None:
            return None
        text = _text(node)
        if text in self.widgets:
            return self.widgets.index(text)
        is_position = text.isdecimal() and len(text) < 4  # noqa: PLR2004 - up to 999
        # Without a dashboard, or with one that is not literal, the number of widgets is unknown.
        if is_position and (int(text) < len(self.widgets) or not self.widgets):
            return int(text)
        if is_position:
            message = (
                f"the dashboard has {len(self.widgets)} widgets, counted from 0; widget {text} does not exist"
            )
        else:
            message = f"the dashboard has no widget `{shown(text)}`"
        self.problems.append(self._unknown_widget(node, message))
        return None

    def _unknown_widget(self, node: Node, message: str) -> Problem:
        names = [name for name in self.widgets if name]
        listing = f"its widgets are {', '.join(names)}" if names else None
        hint = nearest(_text(node), names) or listing
        return Problem(code="FL164", message=message, location=node.at, hint=hint, severity=Severity.WARNING)


def _widgets(spec: Spec) -> list[str]:
    """Return the steps that the `widgets` of the last step refer to, by position; "" for other values."""
    last = spec.steps[-1] if spec.steps else None
    for argument in last.partial if last else ():
        if argument.name.value == "widgets" and isinstance(argument.value, ListOf):
            return [item.step if isinstance(item, Reference) else "" for item in argument.value.items]
    return []


def _below_minimum(numbers: dict[str, int], values: dict[str, Node]) -> Iterator[Problem]:
    for side, least in (("w", "minW"), ("h", "minH")):
        if numbers.get(least, 0) > numbers.get(side, MAX_SIDE):
            message = f"`{side}` is {numbers[side]}, less than `{least}`"
            yield Problem(code="FL161", message=message, location=values[side].at)


def _keys(node: Mapping, values: dict[str, Node]) -> Iterator[Problem]:
    for key, _ in node.entries:
        if key.text not in KEYS:
            hint = nearest(key.text, KEYS) or f"the keys are {', '.join(KEYS)}"
            message = f"an item of a layout has no key `{shown(key.text)}`"
            yield Problem(code="FL161", message=message, location=key.at, hint=hint)
    for name in REQUIRED:
        if name not in values:
            yield Problem(code="FL161", message=f"the item needs the key `{name}`", location=node.at)


def _twice(places: list[tuple[Node, WidgetPosition]]) -> Iterator[Problem]:
    names: dict[str, Location] = {}
    widgets: dict[int, Location] = {}
    for node, place in places:
        first = names.setdefault(place.name, node.at)
        if first is not node.at:
            message = f"`i` is {shown(place.name)} twice"
            hint = f"the first is on line {first.line}"
            yield Problem(code="FL162", message=message, location=node.at, hint=hint)
        first = widgets.setdefault(place.widget, node.at)
        if first is not node.at:
            message = f"the widget {place.widget} is already placed"
            hint = f"it is on line {first.line}"
            yield Problem(code="FL162", message=message, location=node.at, hint=hint)


def _overlapping(positions: list[tuple[Node, WidgetPosition]]) -> Iterator[Problem]:
    for number, (node, position) in enumerate(positions):
        for other_node, other in positions[:number]:
            if position.overlaps(other):
                message = f"this item overlaps the item on line {other_node.at.line}"
                yield Problem(code="FL163", message=message, location=node.at, severity=Severity.WARNING)


def _text(node: Node) -> str:
    return str(node.value) if isinstance(node, Scalar) else ""


def _wrong(rule: str, node: Node) -> Problem:
    return Problem(code="FL161", message=f"{rule}, not {kind(node)}", location=node.at)
