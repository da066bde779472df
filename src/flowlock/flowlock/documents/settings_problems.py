"""What can be wrong in flowlock.toml: keys, and names of what does not exist."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from packaging.utils import canonicalize_name

from flowlock.documents import toml
from flowlock.documents.location_table import LocationTable
from flowlock.documents.settings import SettingsDocument, known_keys
from flowlock.errors import Problem, nearest, nearest_or_all


def schema_problem(fault: Mapping[str, Any], written: toml.Document) -> Problem:
    """Return the problem that one of pydantic's errors is."""
    keys = [str(part) for part in fault["loc"]]
    message = str(fault["msg"]).removeprefix("Value error, ")
    hint = None
    if fault["type"] == "extra_forbidden":
        message = f"unknown key `{keys[-1]}`"
        hint = nearest(keys[-1], known_keys(keys[:-1]))
    table = f"[{'.'.join(keys[:-1])}] " if len(keys) > 1 else ""
    whole = f"{table}{keys[-1]}: {message}"
    return Problem(code="FL303", message=whole, location=written.at(fault["loc"]), hint=hint)


def unknown_aliases(document: SettingsDocument, written: toml.Document) -> Iterator[Problem]:
    """Yield the aliases of channels that are neither a URL nor a channel named beside them."""
    others = document.channels.others
    for alias, channel in document.channels.aliases.items():
        if "://" not in channel and channel not in others:
            yield Problem(
                code="FL303",
                message=f"[channels.aliases] {alias}: `{channel}` is neither a URL nor one of `others`",
                location=written.at(("channels", "aliases", alias)),
                hint=nearest(channel, others) or "write the channel's URL",
            )


def unknown_workflows(
    document: SettingsDocument, workflows: Sequence[str], written: toml.Document
) -> Iterator[Problem]:
    """Yield a problem for each table of a workflow that the workspace does not have."""
    existing = {canonicalize_name(name) for name in workflows}
    for name in document.workflows:
        if canonicalize_name(name) not in existing:
            yield Problem(
                code="FL305",
                message=f"workflow `{name}` does not exist",
                location=written.at(("workflows", name)),
                hint=nearest_or_all(name, workflows),
            )


def location_problems(
    table: LocationTable, workflows: Sequence[str], packages: Collection[str], written: toml.Document
) -> Iterator[Problem]:
    """Yield a problem for each name in `[location]` that does not exist, or that something else has."""
    yield from _unknown_in_location(table, workflows, written)
    if canonicalize_name(table.name) in map(canonicalize_name, workflows):
        yield Problem(
            code="FL303",
            message=f"[location] name: a workflow has the name `{table.name}`, too",
            location=written.at(("location", "name")),
            hint="give the location another name",
        )
    for name in table.sources:
        if name in packages:
            yield Problem(
                code="FL303",
                message=f"[location.sources] {name}: the workspace has this package, too",
                location=written.at(("location", "sources", name)),
                hint="build one of them: remove the entry, or rename the package",
            )


def _unknown_in_location(
    table: LocationTable, workflows: Sequence[str], written: toml.Document
) -> Iterator[Problem]:
    """Yield a problem for each workflow that the location names and does not have."""
    own = list(table.workflows)
    places: list[tuple[str, Sequence[str], tuple[str | int, ...]]] = []
    places += [(name, workflows, ("workflows", number)) for number, name in enumerate(own)]
    places += [(name, own, ("one_op", number)) for number, name in enumerate(table.one_op)]
    for schedule, settings in table.schedules.items():
        places.append((settings.workflow, own, ("schedules", schedule, "workflow")))
    for name, existing, keys in places:
        if name not in existing:
            yield Problem(
                code="FL305",
                message=f"[location]: workflow `{name}` does not exist",
                location=written.at(("location", *keys)),
                hint=nearest_or_all(name, existing),
            )
