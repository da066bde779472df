"""The names of the versions of a workflow: `carbon`, `carbon-ver-2`, `carbon-ver-3`."""

import re
from collections.abc import Iterable

from packaging.utils import canonicalize_name

_VERSION = re.compile(r"(?P<base>.+?)[-_]ver[-_](?P<number>[0-9]+)")


def job_name(workflow: str) -> str:
    """Return the id of a workflow, which its job in Dagster has, too."""
    return workflow.replace("-", "_")


def next_version(name: str, existing: Iterable[str]) -> str:
    """Return the name of the version after the latest of a workflow, whose first has no number."""
    base, _ = _parts(name)
    separator = "_" if "_" in base else "-"
    numbers = [1]
    for other in existing:
        other_base, number = _parts(other)
        if same_name(other_base, base):
            numbers.append(number)
    return f"{base}{separator}ver{separator}{max(numbers) + 1}"


def same_name(one: str, other: str) -> bool:
    """Return whether two names are those of one workflow."""
    return canonicalize_name(one) == canonicalize_name(other)


def _parts(name: str) -> tuple[str, int]:
    match = _VERSION.fullmatch(name)
    return (match["base"], int(match["number"])) if match else (name, 1)
