"""Whether parameter files that were valid for the last release are still valid.

A change that is not known to be compatible counts as breaking: a `minor` release must not break any file.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = Any
# Keywords that constrain no value.
_WORDS = {"title", "description", "examples", "$schema", "$comment"}
_LEAST = {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"}
_MOST = {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}
_HANDLED = {"properties", "required", "items", "enum", "const", "anyOf", "oneOf", "$defs", "default", "type"}


@dataclass(frozen=True, kw_only=True, slots=True)
class ParameterChange:
    """One difference: its path, a description, and whether files that were valid may now be invalid."""

    path: str
    message: str
    breaking: bool

    def as_json(self) -> dict[str, Json]:
        """Return the change as `compile --check --json` prints it."""
        return {"path": self.path, "message": self.message, "breaking": self.breaking}


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameters:
    """How a workflow's parameters differ from those of a release."""

    since: str
    changes: tuple[ParameterChange, ...]

    @property
    def part(self) -> str:
        """Which part of the version the change asks for: major, minor, or none."""
        if not self.changes:
            return "none"
        return "major" if any(change.breaking for change in self.changes) else "minor"

    def as_json(self) -> dict[str, Json]:
        """Return {"since", "change", "changes": [{path, message, breaking}]}."""
        changes = [change.as_json() for change in self.changes]
        return {"since": self.since, "change": self.part, "changes": changes}

    def as_lines(self) -> list[str]:
        """Return a line with the verdict, and a line for each change."""
        verdicts = {
            "none": f"the parameters are those of {self.since}",
            "minor": f"the parameters changed compatibly since {self.since}: a minor release is enough",
            "major": f"the parameters changed incompatibly since {self.since}: a major release is required",
        }
        return [verdicts[self.part], *(f"  {change.path}: {change.message}" for change in self.changes)]


def changes(old: Mapping[str, Json], new: Mapping[str, Json]) -> tuple[ParameterChange, ...]:
    """Return what differs between two schemas of parameters, in the order of the old one."""
    return tuple(dict.fromkeys(_compared(old, new, "")))


def _compared(old: Mapping[str, Json], new: Mapping[str, Json], path: str) -> Iterator[ParameterChange]:
    if old.get("default") != new.get("default") and ("default" in old) == ("default" in new):
        yield _change(path, "has a different default", breaking=False)
    before, after = _branches(old), _branches(new)
    if len(before) == len(after) == 1:
        yield from _rules(before[0], after[0], path)
        return
    yield from _union(before, after, path)
    yield from _definitions(old.get("$defs", {}), new.get("$defs", {}), path)


def _union(
    before: Sequence[Mapping[str, Json]], after: Sequence[Mapping[str, Json]], path: str
) -> Iterator[ParameterChange]:
    """Compare the branches of two unions, whatever their order."""
    pairs = [(old, new) for old in before for new in after if _accepts(old, new)]
    accepted = [old for old, _ in pairs]
    covered = [new for _, new in pairs]
    if not all(branch in accepted for branch in before):
        yield _change(path, "accepts fewer kinds of values than before", breaking=True)
    elif not all(branch in covered for branch in after):
        yield _change(path, "accepts more kinds of values", breaking=False)


def _definitions(old: Mapping[str, Json], new: Mapping[str, Json], path: str) -> Iterator[ParameterChange]:
    for name in {**old, **new}:
        if _bare(old.get(name)) != _bare(new.get(name)):
            yield _change(path, f"the type `{name}` changed", breaking=True)


def _branches(schema: Mapping[str, Json]) -> list[Mapping[str, Json]]:
    for key in ("anyOf", "oneOf"):
        if key in schema and not schema.keys() - _WORDS - {key, "default", "$defs"}:
            branches: list[Mapping[str, Json]] = schema[key]
            return branches
    return [schema]


def _accepts(old: Mapping[str, Json], new: Mapping[str, Json]) -> bool:
    """Return whether the new schema certainly accepts every value that the old one accepted."""
    return not any(change.breaking for change in _compared(old, new, ""))


def _rules(old: Mapping[str, Json], new: Mapping[str, Json], path: str) -> Iterator[ParameterChange]:
    yield from _types(old, new, path)
    yield from _choices(old, new, path)
    yield from _properties(old, new, path)
    if "items" in old or "items" in new:
        yield from _compared(old.get("items", {}), new.get("items", {}), f"{path}[]")
    for key in ("anyOf", "oneOf", "$defs"):
        if _bare(old.get(key)) != _bare(new.get(key)):
            yield _change(path, f"`{key}` changed", breaking=True)
    for key in sorted((old.keys() | new.keys()) - _WORDS - _HANDLED):
        if old.get(key) != new.get(key):
            message, breaking = _bound(key, old.get(key), new.get(key))
            yield _change(path, message, breaking=breaking)


def _bound(key: str, old: Json, new: Json) -> "tuple[str, bool]":
    if new is None:
        # Every keyword that is compared here (a bound, a pattern, `additionalProperties`) forbids values.
        return f"no longer has a `{key}`", False
    if old is None:
        return f"now has a `{key}`: {new}", True
    message = f"`{key}` was {old} and is now {new}"
    if key in _LEAST:
        return message, not new <= old
    if key in _MOST:
        return message, not new >= old
    return message, True


def _types(old: Mapping[str, Json], new: Mapping[str, Json], path: str) -> Iterator[ParameterChange]:
    before, after = _json_types(old), _json_types(new)
    if before == after:
        return
    wider = after is None or (before is not None and before <= after | _integers(after))
    message = f"was {_type_names(before)} and is now {_type_names(after)}"
    yield _change(path, message, breaking=not wider)


def _json_types(schema: Mapping[str, Json]) -> frozenset[str] | None:
    names = schema.get("type")
    if names is None:
        return None
    return frozenset([names] if isinstance(names, str) else names)


def _integers(types: frozenset[str]) -> frozenset[str]:
    """Return the type that `number` includes without its name (JSON Schema, 6.1.1)."""
    return frozenset({"integer"}) if "number" in types else frozenset()


def _type_names(types: frozenset[str] | None) -> str:
    return " or ".join(sorted(types)) if types else "anything"


def _choices(old: Mapping[str, Json], new: Mapping[str, Json], path: str) -> Iterator[ParameterChange]:
    before, after = _values(old), _values(new)
    if before == after:
        return
    if after is None:
        yield _change(path, "is no longer limited to listed values", breaking=False)
        return
    if before is None:
        yield _change(path, "is now limited to listed values", breaking=True)
        return
    removed = [value for value in before if value not in after]
    added = [value for value in after if value not in before]
    if removed:
        yield _change(path, f"no longer accepts {', '.join(map(repr, removed))}", breaking=True)
    if added:
        yield _change(path, f"also accepts {', '.join(map(repr, added))}", breaking=False)


def _values(schema: Mapping[str, Json]) -> list[Json] | None:
    if "const" in schema:
        return [schema["const"]]
    values: list[Json] | None = schema.get("enum")
    return values


def _properties(old: Mapping[str, Json], new: Mapping[str, Json], path: str) -> Iterator[ParameterChange]:
    before, after = old.get("properties", {}), new.get("properties", {})
    was_required, required = set(old.get("required", ())), set(new.get("required", ()))
    for name in before:
        here = _below(path, name)
        if name not in after:
            yield _change(here, "was removed", breaking=True)
            continue
        if name in required - was_required:
            yield _change(here, "is now required", breaking=True)
        if name in was_required - required:
            yield _change(here, "is now optional", breaking=False)
        yield from _compared(before[name], after[name], here)
    # Where additional properties were allowed, a value of a new name may have been anything.
    open_before = old.get("additionalProperties") is not False
    for name in after:
        if name in before:
            continue
        if name in required:
            yield _change(_below(path, name), "is new and required", breaking=True)
        else:
            yield _change(_below(path, name), "is new", breaking=open_before)
    for name in sorted(required - was_required - before.keys() - after.keys()):
        yield _change(_below(path, name), "is now required", breaking=True)


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _bare(node: Json) -> Json:
    """Return a schema without titles, descriptions and other keywords that constrain no value."""
    if isinstance(node, list):
        return [_bare(item) for item in node]
    if isinstance(node, Mapping):
        return {key: _bare(value) for key, value in node.items() if key not in _WORDS}
    return node


def _change(path: str, message: str, *, breaking: bool) -> ParameterChange:
    return ParameterChange(path=path or "parameters", message=message, breaking=breaking)
