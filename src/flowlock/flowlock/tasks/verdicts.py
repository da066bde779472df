"""The results of validating literals with the types of tasks: cached, so that each check runs once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from flowlock.edges import memo
from flowlock.spec.catalog import Verdicts
from flowlock_core.parameters.literals import LiteralCheck, Refusal

# More than any workspace asks at once; what was asked longest ago goes first.
MOST_KEPT = 20_000

VerdictsByCheck = Mapping[LiteralCheck, tuple[Refusal, ...]]


def read_verdicts(path: Path) -> VerdictsByCheck:
    """Return the verdicts that an earlier run kept; what cannot be read counts as absent."""
    kept = memo.read(path, dict[str, list[dict[str, Any]]])
    return memo.made_of(kept, lambda document: verdicts_of(document["literals"])) or {}


def write_verdicts(path: Path, verdicts: VerdictsByCheck) -> None:
    """Keep verdicts, the newest last."""
    kept = list(verdicts.items())[-MOST_KEPT:]
    document = []
    for check, refusals in kept:
        refused = [refusal.as_json() for refusal in refusals]
        document.append({"check": check.as_json(), "refusals": refused})
    memo.write(path, {"literals": document})


def verdicts_of(document: Iterable[Mapping[str, Any]]) -> VerdictsByCheck:
    """Return the verdicts of a document; a task that could not be imported has none."""
    return {
        LiteralCheck.from_json(item["check"]): tuple(map(Refusal.from_json, item["refusals"]))
        for item in document
        if item["refusals"] is not None
    }


def verdicts_by_owner(document: Iterable[Mapping[str, Any]]) -> Verdicts:
    """Return the verdicts of tasks of several distributions, by their canonical names."""
    owners: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for item in document:
        owners[canonicalize_name(item["distribution"])].append(item)
    return {
        (owner, check): refusals
        for owner, items in owners.items()
        for check, refusals in verdicts_of(items).items()
    }
