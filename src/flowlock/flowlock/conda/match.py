"""Whether a record satisfies a match spec, as the engine that solves sees it; parsed once, asked often."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flowlock.conda.match_spec import name_of
from flowlock.conda.records import Record

if TYPE_CHECKING:
    from rattler import MatchSpec, PackageRecord


@dataclass(frozen=True, slots=True)
class Parsed:
    """A match spec's parts that the walk over dependencies needs, and the engine's own form."""

    name: str
    spec: "MatchSpec"
    channel: str | None
    subdir: str | None
    extras: tuple[str, ...]
    condition: str | None


@dataclass(slots=True)
class RattlerMatcher:
    """Implements satisfy.Matcher with rattler's specs, so that check and solve agree on every spelling."""

    _specs: dict[str, Parsed] = field(default_factory=dict)
    _records: dict[str, tuple[Record, "PackageRecord"]] = field(default_factory=dict)
    _virtual: dict[str, "PackageRecord"] = field(default_factory=dict)

    def parse(self, spec: str) -> Parsed:
        """Return a parsed spec; ValueError says why it is none."""
        known = self._specs.get(spec)
        if known is None:
            known = self._specs[spec] = _parse(spec)
        return known

    def matches(self, spec: str, record: Record) -> bool:
        """Tell whether a record satisfies a spec, its channel and subdir included; ValueError as parse."""
        parsed = self.parse(spec)
        if parsed.channel and parsed.channel.rstrip("/") != record.channel:
            return False
        if parsed.subdir and parsed.subdir != record.subdir:
            return False
        return parsed.spec.matches(self._engine_record(record))

    def matches_virtual(self, spec: str, package: str) -> bool:
        """Tell whether a virtual package (`__name=version[=build]`) satisfies a spec."""
        name, _, rest = package.partition("=")
        version, _, build = rest.partition("=")
        known = self._virtual.get(package)
        if known is None:
            known = self._virtual[package] = _package(name, version, build or "0")
        return self.parse(spec).spec.matches(known)

    def _engine_record(self, record: Record) -> "PackageRecord":
        known = self._records.get(record.url)
        if known is None or known[0] is not record:
            known = self._records[record.url] = (record, _engine_record(record))
        return known[1]


def _parse(spec: str) -> Parsed:
    from rattler import MatchSpec
    from rattler import exceptions as engine

    try:
        parsed = MatchSpec(spec)
    except (engine.InvalidMatchSpecError, engine.InvalidChannelError, ValueError) as error:
        raise ValueError(f"`{spec}` is no match spec: {str(error).splitlines()[0]}") from error
    channel = parsed.channel
    return Parsed(
        name=name_of(spec),
        spec=parsed,
        channel=channel.base_url if channel else None,
        subdir=parsed.subdir,
        extras=tuple(parsed.extras or ()),
        condition=parsed.condition,
    )


def _engine_record(record: Record) -> "PackageRecord":
    return _package(
        record.name,
        record.version,
        record.build,
        build_number=record.build_number,
        subdir=record.subdir,
        license=record.license,
        sha256=bytes.fromhex(record.sha256) or None,
        md5=bytes.fromhex(record.md5) or None,
    )


def _package(name: str, version: str, build: str, **fields: Any) -> "PackageRecord":
    """Return the engine's record; ValueError says which field it does not take."""
    from rattler import PackageRecord
    from rattler import exceptions as engine
    from rattler.package.build_string import BuildString

    fields = {"build_number": 0, "subdir": "noarch", **fields}
    try:
        return PackageRecord(name, version, BuildString(build), **fields)
    except (engine.InvalidPackageNameError, engine.InvalidVersionError, engine.ParseSubdirError) as error:
        raise ValueError(f"the pin of {name} {version} {build} is malformed: {error}") from error


def compare_versions(one: str, other: str) -> int:
    """Order two versions as conda does; texts that are no versions are ordered as texts."""
    from rattler import Version
    from rattler import exceptions as engine

    try:
        first, second = Version(one), Version(other)
    except engine.InvalidVersionError:
        return (one > other) - (one < other)
    return (first > second) - (first < second)
