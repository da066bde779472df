"""`pin_subpackage` between the packages of a workspace: each has its own recipe, so we put the range in.

So the range is part of the identity, and a recipe can agree with its pyproject. Pure.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flowlock.documents.places import KeyPath
from flowlock.errors import FlowlockError, Problem
from flowlock.names import Version
from flowlock.recipe.document import Recipe
from flowlock.recipe.values import EXPRESSION, filled_requirement, leaves, table

if TYPE_CHECKING:
    from jinja2 import nodes

SECTIONS = ("build", "host", "run", "run_constraints")
PIN = "pin_subpackage"
# rattler-build's defaults, and what a bound may be in addition to a version.
DEFAULTS = {"lower_bound": "x.x.x.x.x.x", "upper_bound": "x"}
_PLACES = re.compile(r"x(\.x)*")
_RELEASE = re.compile(r"(?P<epoch>\d+!)?(?P<release>\d+(\.\d+)*)")


def with_pins(recipe: Recipe, versions: Mapping[str, Version]) -> Recipe:
    """Return a recipe whose requirements have the ranges of its pins of other packages, by their versions.

    A pin of a package that is not among `versions`, or that cannot be evaluated here, is an error.
    """
    problems: list[Problem] = []

    def put(value: Any, path: KeyPath) -> Any:
        """Return a value with its texts replaced; selectors stay as they are."""
        if isinstance(value, Mapping):
            return {key: put(inner, (*path, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [put(inner, (*path, number)) for number, inner in enumerate(value)]
        if not isinstance(value, str) or PIN not in value or path[-1] == "if":
            return value
        try:
            return _range(filled_requirement(value, recipe.document), recipe.name, versions) or value
        except ValueError as error:
            hint = "write the range explicitly, as in `core >=1.2,<2`"
            location = recipe.places.value(path)
            problems.append(Problem(code="FL326", message=str(error), location=location, hint=hint))
            return value

    requirements = table(recipe.document, "requirements")
    pinned = {key: put(requirements[key], ("requirements", key)) for key in SECTIONS if key in requirements}
    if problems:
        raise FlowlockError(f"{recipe.places.file} has {len(problems)} problem(s)", problems=problems)
    if all(pinned[key] == requirements[key] for key in pinned):
        return recipe
    return replace(recipe, document={**recipe.document, "requirements": {**requirements, **pinned}})


def has_pins(recipe: Recipe) -> bool:
    """Return whether a recipe pins any package by its version in the workspace."""
    requirements = table(recipe.document, "requirements")
    return any(PIN in str(item) for key in SECTIONS for _, item in leaves(requirements.get(key)))


def bounds(version: str, lower: str, upper: str) -> str:
    """Return the version spec of a pin; ValueError if it needs more than a release's numbers."""
    return f"{_lower(version, lower)},{_upper(version, upper)}".strip(",")


def _range(text: str, own: str, versions: Mapping[str, Version]) -> str | None:
    """Return the match spec of a pin, None for one of the package itself, which the engine knows."""
    expression = EXPRESSION.fullmatch(text.strip())
    if expression is None:
        raise ValueError(f"`{text}` contains more than a pin")
    name, arguments = _call(expression[1])
    if name == own:
        return None
    if name not in versions:
        raise ValueError(f"`{name}` is not a package of this workspace")
    arguments = {**DEFAULTS, **arguments}
    if unknown := sorted(arguments.keys() - DEFAULTS.keys() - {"exact"}):
        raise ValueError(f"the pin of `{name}` has `{unknown[0]}`, which cannot be evaluated here")
    return f"{name} {bounds(versions[name], arguments['lower_bound'], arguments['upper_bound'])}".rstrip()


def _call(expression: str) -> tuple[str, dict[str, str]]:
    """Return the package and the arguments of a pin."""
    from jinja2 import Environment, TemplateError, nodes

    try:
        tree = Environment(autoescape=True).parse(f"{{{{{expression}}}}}")
        (call,) = tree.find_all(nodes.Call)
        (name,) = (_constant(argument) for argument in call.args)
        return name, {keyword.key: _constant(keyword.value) for keyword in call.kwargs}
    except (TemplateError, nodes.Impossible, RecursionError, ValueError) as error:
        raise ValueError(f"`${{{{{expression}}}}}` cannot be evaluated here") from error


def _constant(node: "nodes.Expr") -> str:
    """Return a constant as text, nothing for `none` and `false`."""
    value = node.as_const()
    if isinstance(value, str | bool | None):
        return str(value or "")
    raise ValueError(f"`{value}` is not a string")


def _lower(version: str, bound: str) -> str:
    if not _PLACES.fullmatch(bound):
        return f">={bound}" if bound else ""
    count = bound.count("x")
    release = _RELEASE.fullmatch(version)
    if release is None:
        if count < len(DEFAULTS["lower_bound"].split(".")):
            raise ValueError(f"the version {version} is not a release, so its `{bound}` is not a version")
        return f">={version}"
    numbers = release["release"].split(".")[:count]
    return f">={release['epoch'] or ''}{'.'.join(numbers)}"


def _upper(version: str, bound: str) -> str:
    if not _PLACES.fullmatch(bound):
        return f"<{bound}" if bound else ""
    release = _RELEASE.match(version)
    if release is None:
        raise ValueError(f"the version {version} has no numbers, so it has no version after its `{bound}`")
    count = bound.count("x")
    numbers = [*map(int, release["release"].split(".")), *[0] * count][:count]
    numbers[-1] += 1
    return f"<{release['epoch'] or ''}{'.'.join(map(str, numbers))}.0a0"
