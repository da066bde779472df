"""flowlock.toml and specs with a workflow added, renamed or removed: comments, order and quotes stay."""

import tomllib
from collections.abc import Callable
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from flowlock.documents import yaml
from flowlock.errors import FlowlockError, Location
from flowlock.lifecycle.names import same_name

Edit = Callable[[Any], None]


def edited(text: str, file: str, edit: Edit) -> str:
    """Return a TOML text after an edit of its document.

    The edit is made twice, also on plain data: a FlowlockError says if the text would not mean the same.
    """
    wanted = tomllib.loads(text)
    edit(wanted)
    try:
        document = tomlkit.parse(text)
        edit(document)
        result = tomlkit.dumps(document)
        means = tomllib.loads(result)
    except (TOMLKitError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise _not_editable(file, str(error)) from error
    if means != wanted:
        raise _not_editable(file, "its tables are in an order that an edit would change")
    return result


def added(like: str, new: str, *, schedules: bool) -> Edit:
    """Return the edit that adds a version of a workflow; with `schedules`, in place of the old one."""

    def edit(document: Any) -> None:
        _copy_declaration(document, like, new)
        location = document.get("location", {})
        for key in ("workflows", "one_op"):
            names = location.get(key, [])
            if like not in names:
                continue
            if schedules:
                names[names.index(like)] = new
            elif new not in names:
                names.append(new)
        if schedules:
            _move_schedules(location, like, new)

    return edit


def renamed(old: str, new: str) -> Edit:
    """Return the edit that gives a workflow another name wherever it is named."""

    def edit(document: Any) -> None:
        _copy_declaration(document, old, new)
        _drop_declaration(document, old)
        location = document.get("location", {})
        for key in ("workflows", "one_op"):
            names = location.get(key, [])
            if old in names:
                names[names.index(old)] = new
        _move_schedules(location, old, new)

    return edit


def removed(name: str, *, schedules: bool, declaration: bool) -> Edit:
    """Return the edit that takes a workflow out of the location.

    With `schedules`, they go too; with `declaration`, also its table under `[workflows]`.
    """

    def edit(document: Any) -> None:
        location = document.get("location", {})
        for key in ("workflows", "one_op"):
            names = location.get(key, [])
            if name in names:
                names.remove(name)
        if schedules:
            for schedule in schedules_of(document, name):
                del location["schedules"][schedule]
            if "schedules" in location and not location["schedules"]:
                del location["schedules"]
        if declaration:
            _drop_declaration(document, name)

    return edit


def schedules_of(document: Any, workflow: str) -> list[str]:
    """Return the names of the schedules of a workflow."""
    schedules = document.get("location", {}).get("schedules", {})
    return [str(name) for name, table in schedules.items() if table.get("workflow") == workflow]


def with_id(spec: str, file: str, id_: str) -> str:
    """Return a spec with another id; the rest of the text stays."""
    read = yaml.read_mapping(spec, file)
    at = read.places.value(("id",))
    old = str(read.content.get("id", ""))
    lines = spec.splitlines(keepends=True)
    line = lines[(at.line or 1) - 1]
    column = (at.column or 1) - 1
    lines[(at.line or 1) - 1] = line[:column] + line[column:].replace(old, id_, 1)
    changed = "".join(lines)
    if not old or yaml.read_mapping(changed, file).content != {**read.content, "id": id_}:
        raise FlowlockError(
            f"{file} has an id that cannot be edited",
            code="FL965",
            location=at,
            hint="write it as `id: NAME` in a separate line",
        )
    return changed


def _copy_declaration(document: Any, old: str, new: str) -> None:
    table = document.get("workflows", {})
    for name in list(table):
        if same_name(name, old):
            table[new] = dict(table[name])


def _drop_declaration(document: Any, name: str) -> None:
    table = document.get("workflows", {})
    for other in list(table):
        if same_name(other, name):
            del table[other]
    if "workflows" in document and not table:
        del document["workflows"]


def _move_schedules(location: Any, old: str, new: str) -> None:
    for table in location.get("schedules", {}).values():
        if table.get("workflow") == old:
            table["workflow"] = new


def _not_editable(file: str, why: str) -> FlowlockError:
    return FlowlockError(
        f"{file} cannot be edited: {why}",
        code="FL965",
        location=Location(file=file),
        hint="write its tables one after the other, in TOML 1.0",
    )
