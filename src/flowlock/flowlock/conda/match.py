"""Whether a record satisfies a match spec, as the solver's engine decides it; each is parsed once."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flowlock.conda.match_spec import name_of
from flowlock.conda.records import Record

if TYPE_CHECKING:
    from rattler import MatchSpec, PackageRecord


@dataclass(frozen=True, slots=True)
class ParsedSpec:
    """The parts of a match spec that a check of dependencies needs, and the engine's own form."""

    name: str
    spec: "MatchSpec"
    channel: str | None
    subdir: str | None
    extras: tuple[str, ...]
    condition: str | None


@dataclass(slots=True)
class RattlerMatcher:
    """Implements satisfy.Matcher with rattler's specs, so that check and solve agree on every spelling."""

    _specs: dict[str, ParsedSpec] = field(default_factory=dict)
    _records: dict[str, tuple[Record, "PackageRecord"]] = field(default_factory=dict)
    _virtual: dict[str, "PackageRecord"] = field(default_factory=dict)

    def parse(self, spec: str) -> ParsedSpec:
        """Return a parsed spec; ValueError explains why it is not a match spec."""
        parsed = self._specs.get(spec)
        if parsed is None:
            parsed = self._specs[spec] = _parse(spec)
        return parsed

    def matches(self, spec: str, record: Record) -> bool:
        """Return whether a record satisfies a spec, its channel and subdir included; ValueError as parse."""
        parsed = self.parse(spec)
        if parsed.channel and parsed.channel.rstrip("/") != record.channel:
            return False
        if parsed.subdir and parsed.subdir != record.subdir:
            return False
        return parsed.spec.matches(self._engine_record(record))

    def matches_virtual(self, spec: str, package: str) -> bool:
        """Return whether a virtual package (`__name=version[=build]`) satisfies a spec."""
        name, _, rest = package.partition("=")
        version, _, build = rest.partition("=")
        record = self._virtual.get(package)
        if record is None:
            record = self._virtual[package] = _package(name, version, build or "0")
        return self.parse(spec).spec.matches(record)

    def _engine_record(self, record: Record) -> "PackageRecord":
        # Records of two locks may have one URL and other contents.
        converted = self._records.get(record.url)
        if converted is None or converted[0] is not record:
            converted = self._records[record.url] = (record, _engine_record(record))
        return converted[1]


def _parse(spec: str) -> ParsedSpec:
    from rattler import MatchSpec
    from rattler import exceptions as engine

    try:
        parsed = MatchSpec(spec)
    except (engine.InvalidMatchSpecError, engine.InvalidChannelError, ValueError) as error:
        raise ValueError(f"`{spec}` is not a match spec: {str(error).splitlines()[0]}") from error
    channel = parsed.channel
    return ParsedSpec(
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
    """Return the engine's record; ValueError names a field that it refuses."""
    from rattler import PackageRecord
    from rattler import exceptions as engine
    from rattler.package.build_string import BuildString

    fields = {"build_number": 0, "subdir": "noarch", **fields}
    try:
        return PackageRecord(name, version, BuildString(build), **fields)
    except (engine.InvalidPackageNameError, engine.InvalidVersionError, engine.ParseSubdirError) as error:
        raise ValueError(f"the pin of {name} {version} {build} is malformed: {error}") from error


def compare_versions(left: str, right: str) -> int:
    """Order two versions as conda does; texts that are not versions are ordered as texts."""
    from rattler import Version
    from rattler import exceptions as engine

    try:
        left_version, right_version = Version(left), Version(right)
    except engine.InvalidVersionError:
        return (left > right) - (left < right)
    return (left_version > right_version) - (left_version < right_version)
