"""Damage to files, seeded: to the bytes of any file, and to the tree of a YAML, TOML or JSON document."""

import json
import random
import re
import tomllib
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import yaml


class Syntax(StrEnum):
    """What a document is written in."""

    YAML = "yaml"
    TOML = "toml"
    JSON = "json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Raw:
    """Text that is written into a document as it is, in place of a value."""

    text: str


LETTERS = "x" * 200_000
VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    2**63,
    10**300,
    1.5,
    1e308,
    "",
    " ",
    "x",
    LETTERS,
    "a\nb",
    "a\tb",
    "a\0b",
    "\x1b[31mred",
    "\u202e",
    "é",
    "${{ x }}",
    "${{ x",
    "{{ x }}",
    "[x]",
    "1.0.*",
    ">=1,<",
    "==",
    "x ==1 y z",
    "x[version=']",
    "../../x",
    "/etc/passwd",
    "~/x",
    "C:\\x",
    "CON",
    "x/../../y",
    "https://user:word@example.org/x",
    "https://[::1",
    "https://example.org:99999999/x",
    "file:///etc/passwd",
    "ftp://example.org",
    "javascript:x",
    "-rf",
    "2026-11-01",
    "2026-13-45T25:61:61Z",
    "9999-12-31T23:59:59-23:59",
    [],
    {},
    [[]],
    [None],
    {"": ""},
    {"x": {}},
    ["x", 1, None, {"x": []}],
    list(range(2000)),
)
BOMB = (
    "[&a [x,x,x,x], &b [*a,*a,*a,*a], &c [*b,*b,*b,*b], &d [*c,*c,*c,*c], &e [*d,*d,*d,*d],"
    " &f [*e,*e,*e,*e], &g [*f,*f,*f,*f], &h [*g,*g,*g,*g], &i [*h,*h,*h,*h], [*i,*i,*i,*i]]"
)
RAW: dict[Syntax, tuple[str, ...]] = {
    Syntax.YAML: (
        "[" * 20_000,
        "[" * 60 + "]" * 60,
        "{a: " * 3000 + "1" + "}" * 3000,
        "9" * 20_000,
        "-" + "9" * 400,
        "0x" + "f" * 5000,
        "1e999",
        ".nan",
        "-.inf",
        "2026-11-01",
        "2026-13-45",
        "12:30:45",
        "*absent",
        "&a [*a]",
        "&a {<<: *a}",
        "{<<: [1, 2]}",
        "{a: 1, a: 2}",
        "{[a]: 1}",
        "{? {a: 1} : 2}",
        "!!python/object/apply:os.system [x]",
        "!!binary x",
        "!!int x",
        "!!set {a}",
        BOMB,
        '"\\ud800"',
        '"\\x00"',
        '"open',
        "@x",
        "%x",
        "| x",
        "yes",
        "~",
        "---\nx",
    ),
    Syntax.TOML: (
        "[" * 20_000,
        "[" * 60 + "]" * 60,
        "{a = " * 3000 + "1" + "}" * 3000,
        "9" * 20_000,
        "-" + "9" * 400,
        "0x" + "f" * 5000,
        "1e999",
        "nan",
        "-inf",
        "1979-05-27",
        "1979-05-27T07:32:00",
        "1979-05-27T07:32:00Z",
        "1979-13-45",
        "07:32:00",
        "{a" + ".a" * 5000 + " = 1}",
        "{a = 1, a = 2}",
        "{a = 1,}",
        '"\\ud800"',
        '"\\u0000"',
        '"open',
        "'''a\nb'''",
        "1_000",
        "x",
        "true false",
    ),
    Syntax.JSON: (
        "[" * 200_000,
        "[" * 60 + "]" * 60,
        "[" * 5000 + "]" * 5000,
        '{"a":' * 5000 + "1" + "}" * 5000,
        "9" * 20_000,
        "-" + "9" * 400,
        "1e999",
        "1E400",
        "NaN",
        "Infinity",
        "-Infinity",
        '"\\ud800"',
        '"\\u0000"',
        '"open',
        '{"a": 1, "a": 2}',
        "01",
        "x",
        "/* x */ 1",
    ),
}
KEYS = ("", "x", LETTERS[:5000], "../x", "/x", "a\nb", "\0", "é", "name", "1", "<<", "a.b", "a b", "\u202e")
BYTES = (
    b"\0",
    b"\0" * 64,
    b"\x01",
    b"\x1b[31m",
    b"\x7f",
    b"\x85",
    b"\xa0",
    b"\xff",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xe2\x80\xa8",
    b"\r",
    b"\r\n",
    b"\n\n",
    b"\t",
    b"'",
    b'"',
    b"[",
    b"]",
    b"{",
    b"}",
    b":",
    b"- ",
    b"#",
    b"=",
    b",",
    b"\\",
    b"9" * 5000,
    b"[" * 5000,
    b"${{",
)
_MARK = "raw-value-{}"
_MARKED = re.compile(r"""['"]?raw-value-(\d+)['"]?""")


def damaged_bytes(chance: random.Random, data: bytes) -> bytes:
    """Return a file's bytes with one to three changes."""
    for _ in range(chance.randint(1, 3)):
        data = chance.choice(_ON_BYTES)(chance, data)
    return data


def damaged_tree(chance: random.Random, data: bytes, syntax: Syntax) -> bytes:
    """Return a document with one to three changes to its tree, written in the same syntax."""
    root = {"document": parsed(data, syntax)}
    for _ in range(chance.randint(1, 3)):
        _damage(chance, root, syntax)
    return written(root.get("document"), syntax)


def parsed(data: bytes, syntax: Syntax) -> Any:
    """Return the tree of a sound document; dates of TOML become texts."""
    if syntax is Syntax.YAML:
        return yaml.load(data, yaml.CSafeLoader)
    if syntax is Syntax.TOML:
        return json.loads(json.dumps(tomllib.loads(data.decode()), default=str))
    return json.loads(data)


def written(tree: Any, syntax: Syntax) -> bytes:
    """Return a tree as a document, with each raw text where it stands."""
    raws: list[str] = []

    def marked(value: Any) -> Any:
        if isinstance(value, Raw):
            raws.append(value.text)
            return _MARK.format(len(raws) - 1)
        if isinstance(value, dict):
            return {key: marked(inner) for key, inner in value.items()}
        return [marked(inner) for inner in value] if isinstance(value, list) else value

    text = _WRITERS[syntax](marked(tree))
    return _MARKED.sub(lambda match: raws[int(match[1])], text).encode("utf-8", errors="surrogatepass")


def _as_yaml(tree: Any) -> str:
    return str(yaml.dump(tree, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=10**6))


def _as_toml(tree: Any) -> str:
    """Return tables with headers, and everything below them inline."""
    if not isinstance(tree, dict):
        return f"document = {_inline(tree)}\n"
    lines = [f"{json.dumps(key)} = {_inline(value)}" for key, value in tree.items() if not _is_table(value)]
    for name, table in tree.items():
        if _is_table(table):
            lines += ["", f"[{json.dumps(name)}]"]
            lines += [f"{json.dumps(key)} = {_inline(value)}" for key, value in table.items()]
    return "\n".join([*lines, ""])


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        pairs = (f"{json.dumps(key)} = {_inline(inner)}" for key, inner in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_inline, value))}]"
    return '"null"' if value is None else json.dumps(value)


def _as_json(tree: Any) -> str:
    return json.dumps(tree, indent=1)


_WRITERS: dict[Syntax, Callable[[Any], str]] = {
    Syntax.YAML: _as_yaml,
    Syntax.TOML: _as_toml,
    Syntax.JSON: _as_json,
}


def _damage(chance: random.Random, root: dict[str, Any], syntax: Syntax) -> None:
    """Change one value or key below the root."""
    root.setdefault("document", None)
    spots = _spots(root)
    holder, key = chance.choice(spots)
    match chance.randrange(9):
        case 0:
            del holder[key]
        case 1:
            _duplicate(chance, holder, key)
        case 2 | 3:
            holder[key] = chance.choice(VALUES)
        case 4 | 5:
            holder[key] = Raw(text=chance.choice(RAW[syntax]))
        case 6:
            _rename(chance, holder, key)
        case 7:
            other, second = chance.choice(spots)
            holder[key], other[second] = deepcopy(other[second]), deepcopy(holder[key])
        case _:
            holder[key] = _nested(chance, holder[key])


def _spots(root: dict[str, Any]) -> list[tuple[Any, Any]]:
    """Return every mapping or list with a key or position in it."""
    spots: list[tuple[Any, Any]] = []
    pending: list[Any] = [root]
    while pending:
        holder = pending.pop()
        pairs = list(holder.items() if isinstance(holder, dict) else enumerate(holder))
        spots += [(holder, key) for key, _ in pairs]
        pending += [value for _, value in pairs if isinstance(value, dict | list)]
    return spots


def _duplicate(chance: random.Random, holder: Any, key: Any) -> None:
    if isinstance(holder, list):
        holder.insert(key, deepcopy(holder[key]))
    else:
        holder[f"{key}{chance.choice(KEYS)}"] = deepcopy(holder[key])


def _rename(chance: random.Random, holder: Any, key: Any) -> None:
    if isinstance(holder, list):
        holder[key] = {chance.choice(KEYS): holder[key]}
    else:
        holder[chance.choice(KEYS)] = holder.pop(key)


def _nested(chance: random.Random, value: Any) -> Any:
    for _ in range(chance.choice((1, 2, 20, 120))):
        value = [value] if chance.random() < 0.5 else {"x": value}
    return value


def _flip(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data) or 1)
    return data[:at] + bytes([(data[at] if data else 0) ^ chance.randint(1, 255)]) + data[at + 1 :]


def _cut(chance: random.Random, data: bytes) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _remove(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + data[at + chance.randint(1, 40) :]


def _insert(chance: random.Random, data: bytes) -> bytes:
    at = chance.choice((0, chance.randrange(len(data) + 1)))
    return data[:at] + chance.choice(BYTES) + data[at:]


def _swap_lines(chance: random.Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    first, second = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[first], lines[second] = lines[second], lines[first]
    return b"\n".join(lines)


def _double_line(chance: random.Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    at = chance.randrange(len(lines))
    return b"\n".join([*lines[:at], lines[at], *lines[at:]])


def _end_lines_otherwise(_chance: random.Random, data: bytes) -> bytes:
    return data.replace(b"\n", b"\r\n")


_ON_BYTES: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    _flip,
    _flip,
    _cut,
    _remove,
    _remove,
    _insert,
    _insert,
    _insert,
    _swap_lines,
    _double_line,
    _end_lines_otherwise,
)
