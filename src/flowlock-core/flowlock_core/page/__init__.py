"""A dashboard as one HTML page that needs nothing else: no network, no server, no other file.

Every text is escaped, data is in JSON blocks that no browser runs, and the page's own policy allows
exactly the scripts that are in it, by their hashes.
"""

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files
from math import isfinite, isnan
from typing import Any, assert_never

from flowlock_core.results import (
    Card,
    Chart,
    Content,
    Dashboard,
    Position,
    SingleValue,
    TableView,
    TextView,
    View,
    kind_of,
    to_json,
)
from flowlock_core.tables import Cell
from flowlock_core.task import humanised

DASH = "\N{EN DASH}"
MISSING_GROUP = "missing"


def render_page(dashboard: Dashboard) -> str:
    """Return the page as text."""
    charts = _charts(dashboard)
    series = dict.fromkeys(name for chart in charts for name in chart.series)
    scripts = [_asset("downloads.js") + _asset("page.js"), *_scripts(charts), "flowlock.start();"]
    hashes = " ".join(f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in scripts)
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    title = escape(dashboard.title)
    description = f'<p class="lead">{escape(dashboard.description)}</p>' if dashboard.description else ""
    positions = placed(dashboard)
    ordered = sorted(zip(dashboard.cards, positions, strict=True), key=lambda card_at: _reading(card_at[1]))
    cards = "\n".join(_card(card, number, position) for number, (card, position) in enumerate(ordered, 1))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="flowlock">
<title>{title}</title>
<style>{_asset("page.css")}</style>
</head>
<body>
<a class="skip-link" href="#cards">Skip to the results</a>
<header class="page-head">
<div><h1>{title}</h1>{description}</div>
<div class="actions" role="group" aria-label="Page">
<button type="button" id="theme" hidden>Theme</button>
<button type="button" id="print" hidden>Print</button>
</div>
</header>
{_filters(dashboard)}<main id="cards" {_grid(positions)}>
{cards}
</main>
<footer class="page-foot">Made with flowlock. This page holds all of its data and needs no network.</footer>
<script type="application/json" id="series">{_script_json(list(series))}</script>
{"".join(f"<script>{text}</script>" for text in scripts)}
</body>
</html>
"""


def _asset(name: str) -> str:
    return files("flowlock_core.page").joinpath(name).read_text(encoding="utf-8")


def _charts(dashboard: Dashboard) -> list[Chart]:
    contents = [view.content for card in dashboard.cards for view in card.views]
    return [content for content in contents if isinstance(content, Chart)]


def _scripts(charts: Iterable[Chart]) -> Iterator[str]:
    """Yield each library once, then the functions that draw with them."""
    runtimes = {chart.runtime.name: chart.runtime for chart in charts}
    libraries = {runtime.shared: runtime for runtime in runtimes.values()}
    for runtime in libraries.values():
        yield _closed(runtime.load())
    for runtime in runtimes.values():
        functions = f"{runtime.draw}, {runtime.image or 'null'}"
        yield _closed(f"flowlock.register({_script_json(runtime.name)}, {functions});")


def _closed(script: str) -> str:
    # Inside a string or a regular expression, which is where these can stand, the backslash is harmless.
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _script_json(value: Any) -> str:
    text = json.dumps(to_json(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _filters(dashboard: Dashboard) -> str:
    filters = dashboard.filters()
    if not filters:
        return ""
    fields = "".join(_filter(column, values) for column, values in filters.items())
    return f'<form class="filters" id="filters" aria-label="Groups" hidden>{fields}</form>\n'


def _filter(column: str, values: Iterable[Any]) -> str:
    """Return the choice among the groups of one column."""
    names = [escape(_group(value)) for value in values]
    options = "".join(f'<option value="{name}">{name}</option>' for name in names)
    if len(names) > 1:
        options += "<option data-all>All</option>"
    label = escape(humanised(column))
    return f'<label>{label}<select data-column="{escape(column)}">{options}</select></label>'


def _group(value: Any) -> str:
    return MISSING_GROUP if value is None else str(value)


def placed(dashboard: Dashboard) -> list[Position | None]:
    """Return the position of each card, None for all if the dashboard has no layout.

    A card that the layout does not place gets a separate row below it.
    """
    positions = [dashboard.position_of(card) for card in dashboard.cards]
    laid_out = [position for position in positions if position]
    if not laid_out:
        return positions
    below = max(position.y + position.h for position in laid_out)
    wide = max(position.x + position.w for position in laid_out)
    for number, position in enumerate(positions):
        if position is None:
            positions[number] = Position(x=0, y=below, w=wide, h=1)
            below += 1
    return positions


def _reading(position: Position | None) -> tuple[int, int]:
    return (position.y, position.x) if position else (0, 0)


def _grid(positions: Sequence[Position | None]) -> str:
    columns = max((position.x + position.w for position in positions if position), default=0)
    if not columns:
        return 'class="grid"'
    return f'class="grid placed" style="--columns: {columns}"'


def _card(card: Card, number: int, position: Position | None) -> str:
    kind = kind_of(card.views[0].content)
    description = f'<p class="about">{escape(card.description)}</p>' if card.description else ""
    views = "\n".join(_view(view, card.title) for view in card.views)
    return (
        f'<article class="card {kind} {card.width.value}"{_style(position)} aria-labelledby="card-{number}">'
        f'<h2 id="card-{number}">{escape(card.title)}</h2>{description}\n{views}\n'
        '<p class="empty" hidden>No data for this selection.</p></article>'
    )


def _style(position: Position | None) -> str:
    if position is None:
        return ""
    x, y = position.x + 1, position.y + 1
    return f' style="--x: {x}; --y: {y}; --w: {position.w}; --h: {position.h}"'


def _view(view: View, title: str) -> str:
    key = {column: _group(value) for column, _, value in view.key}
    groups = "".join(
        f'<span class="group">{escape(humanised(c))}: {escape(v)}</span>' for c, v in key.items()
    )
    caption = f'<p class="groups">{groups}</p>' if groups else ""
    data = escape(json.dumps(key, ensure_ascii=False))
    group = ", ".join(f"{column}={value}" for column, value in key.items())
    name = escape(f"{title} ({group})" if group else title)
    shown = _content(view.content, name) + _downloads(view.content, name)
    return f'<div class="view" data-key="{data}">{caption}{shown}</div>'


def _downloads(content: Content, name: str) -> str:
    """Return a button for each format that a content can be saved in; the page's script shows them."""
    formats: tuple[str, ...] = ()
    if isinstance(content, TableView):
        formats = ("csv",)
    elif isinstance(content, Chart) and content.runtime.image:
        formats = ("svg", "png")
    if not formats:
        return ""
    buttons = "".join(
        f'<button type="button" data-save="{ending}" data-title="{name}" '
        f'aria-label="{ending.upper()}: download {name}">{ending.upper()}</button>'
        for ending in formats
    )
    return f'<div class="downloads" hidden>{buttons}</div>'


def _content(content: Content, name: str) -> str:
    match content:
        case Chart():
            return (
                f'<div class="chart" role="img" aria-label="{escape(content.description)}" '
                f'data-library="{escape(content.runtime.name)}">'
                f"<noscript>{escape(content.description)}</noscript></div>"
                f'<script type="application/json">{_script_json(content.figure)}</script>'
            )
        case TableView():
            return _table(content, name)
        case SingleValue():
            unit = f' <span class="unit">{escape(content.unit)}</span>' if content.unit else ""
            return f'<p class="value">{escape(_shown(content.value, content.decimals))}{unit}</p>'
        case TextView():
            paragraphs = [part.strip() for part in content.text.split("\n\n")]
            return "".join(f"<p>{escape(part)}</p>" for part in paragraphs if part)
        case _:
            assert_never(content)


def _table(table: TableView, name: str) -> str:
    kinds = ["number" if numeric else "word" for numeric in table.numeric]
    head = "".join(
        f'<th scope="col" class="{kind}" data-column="{escape(column)}">{escape(humanised(column))}</th>'
        for column, kind in zip(table.columns, kinds, strict=True)
    )
    decimals = [_decimals(table, place) for place in range(len(table.columns))]
    rows = "".join(_row(row, kinds, decimals) for row in table.rows)
    more = ""
    if table.total > len(table.rows):
        more = f'<p class="more">The first {len(table.rows):,} of {table.total:,} rows.</p>'
    hint = f'<p class="hint" hidden>Scroll sideways to see all {len(table.columns):,} columns.</p>'
    return (
        '<div class="sides">'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{name}"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></div>{hint}{more}"
    )


def _decimals(table: TableView, place: int) -> int:
    """Return the digits after the point of a column: none if all of its numbers are whole.

    A column of integers in which some are missing holds floats, since pandas has no other number for those.
    """
    numbers = [row[place] for row in table.rows if isinstance(row[place], float)]
    finite = [number for number in numbers if isinstance(number, float) and isfinite(number)]
    return 0 if all(number.is_integer() for number in finite) else table.decimals


def _row(row: Sequence[Cell], kinds: Sequence[str], decimals: Sequence[int]) -> str:
    cells = []
    for value, kind, digits in zip(row, kinds, decimals, strict=True):
        shown = escape(_shown(value, digits))
        raw = escape(_exact(value, whole=digits == 0))
        cells.append(f'<td class="{kind}" data-value="{raw}">{shown}</td>')
    return f"<tr>{''.join(cells)}</tr>"


def _exact(value: Cell, *, whole: bool) -> str:
    """Return a cell with all of its digits, as CSV has it and as columns are sorted by; empty if missing."""
    if value is None or (isinstance(value, float) and isnan(value)):
        return ""
    if whole and isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _shown(value: Cell, decimals: int) -> str:
    if value is None:
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        # An empty number is drawn as one, not as `nan`.
        return f"{value:,.{decimals}f}" if isfinite(value) else DASH
    return value
