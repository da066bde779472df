"""What a recipe says of one platform only, which no noarch recipe may. Pure.

The engine evaluates conditions for the machine that builds, so the bytes of one file name would depend on it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flowlock.documents.places import KeyPath, Places
from flowlock.errors import Problem
from flowlock.recipe.values import EXPRESSION, leaves, strings, table

# https://rattler-build.prefix.dev/latest/selectors
_PLATFORM = re.compile(
    r"\b(win|linux|osx|unix|emscripten|wasi|wasm32|x86|x86_64|aarch64|arm64|armV6l|armV7l|ppc64|ppc64le|s390x"
    r"|riscv32|riscv64|(?:target|build|host)_platform|is_(?:linux|osx|windows|unix))\b(?!\s*[:=](?!=))"
)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
# What the engine does not read.
_FREE = ("extra",)


def platform_selectors(document: Mapping[str, Any], places: Places) -> Iterator[Problem]:
    """Yield each condition or expression that has another value on another platform."""
    for path, text in _evaluated(document):
        if word := _PLATFORM.search(_QUOTED.sub("''", text)):
            yield Problem(
                code="FL319",
                message=f"`{word[0]}` differs between platforms, but a noarch "
                "package must be the same on all platforms",
                location=places.value(path),
                hint=_way_out(path),
            )


def _evaluated(document: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    """Yield the texts in which a name is a variable: conditions, and what is in `${{ }}`."""
    read = {key: value for key, value in document.items() if key not in _FREE}
    yield from _conditions(read, ())
    for path, text in strings(read):
        for expression in EXPRESSION.findall(text):
            yield path, expression
    for path, condition in leaves(table(document, "build").get("skip"), ("build", "skip")):
        if isinstance(condition, str) and "${{" not in condition:
            yield path, condition


def _conditions(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "if" and isinstance(inner, str):
                yield (*path, key), inner
            yield from _conditions(inner, (*path, key))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for number, inner in enumerate(value):
            yield from _conditions(inner, (*path, number))


def _way_out(path: KeyPath) -> str:
    if path[:2] == ("requirements", "run"):
        return (
            "write one list for all platforms; if the package is for "
            "one kind of system, require `__win` or `__unix`"
        )
    return (
        "write a value that is valid on all platforms, or remove "
        "`noarch` to build one package for each platform"
    )
