"""Whether the parameters of a workflow changed so that a file that was right before is right still.

What is not known to be compatible counts as breaking: a release that says `minor` must not break anyone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = Any
# What people read, or what changes no rule.
_WORDS = {"title", "description", "examples", "$schema", "$comment"}
_LEAST = {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"}
_MOST = {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}
_HANDLED = {"properties", "required", "items", "enum", "const", "anyOf", "oneOf", "$defs", "default", "type"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One difference: where, what in words, and whether files that were right may be wrong now."""

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
    changes: tuple[Change, ...]

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
        """Return a line that judges, and one for each change."""
        verdicts = {
            "none": f"parameters as in {self.since}",
            "minor": f"parameters changed compatibly since {self.since}: a minor release will do",
            "major": f"parameters changed incompatibly since {self.since}: this needs a major release",
        }
        return [verdicts[self.part], *(f"  {change.path}: {change.message}" for change in self.changes)]


def changes(old: Mapping[str, Json], new: Mapping[str, Json]) -> tuple[Change, ...]:
    """Return what differs between two schemas of parameters, in the order of the old one."""
    return tuple(dict.fromkeys(_compared(old, new, "")))


def _compared(old: Mapping[str, Json], new: Mapping[str, Json], path: str) -> Iterator[Change]:
    if old.get("default") != new.get("default") and ("default" in old) == ("default" in new):
        yield _change(path, "has another default", breaking=False)
    before, after = _branches(old), _branches(new)
    if len(before) == len(after) == 1:
        yield from _rules(before[0], after[0], path)
        return
    lost = [one for one in before if not any(_accepts(one, other) for other in after)]
    if lost:
        yield _change(path, "no longer takes every kind of value that it took", breaking=True)
    elif any(not any(_accepts(other, one) for one in before) for other in after):
        yield _change(path, "takes more kinds of values", breaking=False)
    for name in {**old.get("$defs", {}), **new.get("$defs", {})}:
        one, other = old.get("$defs", {}).get(name), new.get("$defs", {}).get(name)
        if _bare(one) != _bare(other):
            yield _change(path, f"the type `{name}` changed", breaking=True)


def _branches(schema: Mapping[str, Json]) -> list[Mapping[str, Json]]:
    for key in ("anyOf", "oneOf"):
        if key in schema and not schema.keys() - _WORDS - {key, "default", "$defs"}:
            found: list[Mapping[str, Json]] = schema[key]
            return found
    return [schema]


def _accepts(old: Mapping[str, Json], new: Mapping[str, Json]) -> bool:
    """Tell whether the new schema takes all that the old one took, as far as that is certain."""
    return not any(change.breaking for change in _compared(old, new, ""))


def _rules(old: Mapping[str, Json], new: Mapping[str, Json], path: str) -> Iterator[Change]:
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
            yield _change(path, *_bound(key, old.get(key), new.get(key)))


def _bound(key: str, old: Json, new: Json) -> "tuple[str, bool]":
    said = f"`{key}` was {old}, is {new}" if old is not None and new is not None else ""
    if new is None:
        # A bound, a pattern or a refusal of other keys that is gone forbids nothing.
        return f"has no `{key}` any more", False
    if old is None:
        return f"has a `{key}` now: {new}", True
    if key in _LEAST:
        return said, not new <= old
    if key in _MOST:
        return said, not new >= old
    return said, True


def _types(old: Mapping[str, Json], new: Mapping[str, Json], path: str) -> Iterator[Change]:
    before, after = _kinds(old), _kinds(new)
    if before == after:
        return
    wider = after is None or (before is not None and before <= after | _whole_numbers(after))
    said = f"is {_words(after)}, was {_words(before)}"
    yield _change(path, said, breaking=not wider)


def _kinds(schema: Mapping[str, Json]) -> frozenset[str] | None:
    given = schema.get("type")
    if given is None:
        return None
    return frozenset([given] if isinstance(given, str) else given)


def _whole_numbers(kinds: frozenset[str]) -> frozenset[str]:
    return frozenset({"integer"}) if "number" in kinds else frozenset()


def _words(kinds: frozenset[str] | None) -> str:
    return " or ".join(sorted(kinds)) if kinds else "anything"


def _choices(old: Mapping[str, Json], new: Mapping[str, Json], path: str) -> Iterator[Change]:
    before, after = _values(old), _values(new)
    if before == after:
        return
    if after is None:
        yield _change(path, "takes more than a list of values", breaking=False)
    elif before is None:
        yield _change(path, "takes a list of values only", breaking=True)
    else:
        gone, added = [one for one in before if one not in after], [one for one in after if one not in before]
        if gone:
            yield _change(path, f"no longer takes {', '.join(map(repr, gone))}", breaking=True)
        if added:
            yield _change(path, f"takes {', '.join(map(repr, added))} too", breaking=False)


def _values(schema: Mapping[str, Json]) -> list[Json] | None:
    if "const" in schema:
        return [schema["const"]]
    found: list[Json] | None = schema.get("enum")
    return found


def _properties(old: Mapping[str, Json], new: Mapping[str, Json], path: str) -> Iterator[Change]:
    before, after = old.get("properties", {}), new.get("properties", {})
    was, needed = set(old.get("required", ())), set(new.get("required", ()))
    for name in before:
        here = _below(path, name)
        if name not in after:
            yield _change(here, "is gone", breaking=True)
            continue
        if name in needed - was:
            yield _change(here, "must be given now", breaking=True)
        if name in was - needed:
            yield _change(here, "may be left out now", breaking=False)
        yield from _compared(before[name], after[name], here)
    for name in after:
        if name not in before:
            required = name in needed
            # Where other names were taken before, a value of this name may have been anything.
            strict = old.get("additionalProperties") is False
            yield _change(
                _below(path, name),
                "is new, and must be given" if required else "is new",
                breaking=required or not strict,
            )
    for name in sorted(needed - was - before.keys() - after.keys()):
        yield _change(_below(path, name), "must be given now", breaking=True)


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _bare(node: Json) -> Json:
    """Return a schema without its words."""
    if isinstance(node, list):
        return [_bare(item) for item in node]
    if isinstance(node, Mapping):
        return {key: _bare(value) for key, value in node.items() if key not in _WORDS}
    return node


def _change(path: str, message: str, breaking: bool) -> Change:  # noqa: FBT001 - also unpacked from a pair
    return Change(path=path or "parameters", message=message, breaking=breaking)
