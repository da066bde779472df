"""The places of keys agree with what tomli reads, however a document is written."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import tomli
from hypothesis import given
from hypothesis import strategies as st

from flowlock.documents import toml
from flowlock.documents.places import KeyPath

KEYS = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,4}", fullmatch=True), st.text(max_size=4, alphabet="a.b\"'#=[] \té\\")
)
BLANKS = st.sampled_from(["", " ", "\t"])
# TOML 1.1 allows these in inline tables too.
BREAKS = st.sampled_from(["", " ", "\n", "\n  # [c] = {\n", " # '''\n\t"])
TEXTS = [
    '"""\n[a]\nb = 1\n"""',
    "'''\n\"\"\" = {'''",
    '"""a\\"""b"""""',
    "''''x'''''",
    '"\\\\"',
    "'\\'",
    '"[#"',
]
SCALARS = st.one_of(
    st.integers(-9, 99).map(str),
    st.sampled_from(["1.5e3", "0x1F", "true", "1979-05-27 07:32:00", "1979-05-27T07:32:00.5-07:00", "07:32"]),
    st.sampled_from([*TEXTS, '""', "''", "nan", "-inf"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)
TABLES = st.dictionaries(KEYS, VALUES, max_size=4)


def _key(draw: st.DrawFn, key: str) -> str:
    is_bare = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
    is_escaped = draw(st.booleans())
    forms = [json.dumps(key, ensure_ascii=is_escaped)]
    if "'" not in key:
        forms.append(f"'{key}'")
    if is_bare:
        forms.append(key)
    return draw(st.sampled_from(forms))


def _inline(draw: st.DrawFn, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        parts = [draw(BREAKS) + _inline(draw, item) + draw(BREAKS) for item in value]
        opening, closing = "[", "]"
    else:
        parts = [draw(BREAKS) + _entry(draw, key, item) + draw(BREAKS) for key, item in value.items()]
        opening, closing = "{", "}"
    has_comma = draw(st.booleans())
    comma = "," if parts and has_comma else ""
    return opening + ",".join(parts) + comma + draw(BREAKS) + closing


def _entry(draw: st.DrawFn, key: str, value: Any) -> str:
    """Write a key and its value; a table with one key may be written with a dotted key."""
    written = _key(draw, key)
    while isinstance(value, dict) and len(value) == 1 and draw(st.booleans()):
        ((key, value),) = value.items()
        written += draw(BLANKS) + "." + draw(BLANKS) + _key(draw, key)
    return f"{written}{draw(BLANKS)}={draw(BLANKS)}{_inline(draw, value)}"


def _is_list_of_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _table(draw: st.DrawFn, table: Mapping[str, Any], header: str) -> Iterator[str]:
    """Write a table: its own keys first, then what has a header."""
    below = {}
    for key, value in table.items():
        if (isinstance(value, dict) or _is_list_of_tables(value)) and draw(st.booleans()):
            below[key] = value
        else:
            yield draw(BLANKS) + _entry(draw, key, value) + draw(st.sampled_from(["", " # x = 1"]))
    for key, value in below.items():
        name = f"{header}{draw(BLANKS)}.{draw(BLANKS)}{_key(draw, key)}" if header else _key(draw, key)
        if isinstance(value, dict):
            yield f"[{draw(BLANKS)}{name}{draw(BLANKS)}]"
            yield from _table(draw, value, name)
        else:
            for item in value:
                yield f"[[{name}]]"
                yield from _table(draw, item, name)


@st.composite
def documents(draw: st.DrawFn) -> str:
    return "\n".join(_table(draw, draw(TABLES), "")) + "\n"


def _paths(value: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    else:
        return
    for key, child in children:
        yield (*path, key)
        yield from _paths(child, (*path, key))


def _begins_with(text: str, key: str) -> bool:
    """Say whether a text begins with a key in one of its spellings."""
    for end in range(1, min(len(text), 50) + 1):
        try:
            if tomli.loads(f"{text[:end]} = 1") == {key: 1}:
                return True
        except tomli.TOMLDecodeError:
            continue
    return False


@given(documents())
def test_every_key_that_tomli_reads_has_the_place_where_it_is_written(text: str) -> None:
    document = toml.read(text, "a.toml", code="FL610")
    assert repr(document.data) == repr(tomli.loads(text))
    assert set(document.places) == set(_paths(document.data))
    lines = text.split("\n")
    for path, (line, column) in document.places.items():
        if isinstance(path[-1], str):
            assert _begins_with(lines[line - 1][column - 1 :], path[-1])


@given(st.lists(SCALARS.filter(lambda text: "\n" not in text), max_size=4), BREAKS)
def test_every_item_of_a_list_has_the_place_where_it_is_written(items: list[str], blank: str) -> None:
    text = f"a = [{blank}{f',{blank}'.join(items)}{blank}]\n"
    document = toml.read(text, "a.toml", code="FL610")
    lines = text.split("\n")
    for number, item in enumerate(items):
        line, column = document.places["a", number]
        assert lines[line - 1][column - 1 :].startswith(item)
