"""A binary conda package as a lock pins it, and its two forms: in pixi.lock and in repodata."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import unquote

# A value of a document: dict[str, Node] | list[Node] | str | int | a scalar kept as it was written.
Node = Any

ARCHIVES = (".conda", ".tar.bz2")
# The keys of an entry that are fields of Record; `more` keeps the others.
_FIELDS = frozenset(
    ("conda", "name", "version", "build", "build_number", "subdir", "noarch", "sha256", "md5", "depends")
) | {"constrains", "size", "timestamp"}
# rattler's order of an entry: what identifies a package first, then hashes, dependencies, details.
ORDER = (
    *("conda", "name", "version", "build", "build_number", "subdir", "noarch", "variants", "sha256", "md5"),
    *("legacy_bz2_md5", "depends", "constrains", "extra_depends", "channel", "features", "flags"),
    *("track_features", "file_name", "license", "license_family", "purls", "run_exports", "size"),
    *("legacy_bz2_size", "timestamp", "python_site_packages_path"),
)
_RANK = {key: rank for rank, key in enumerate(ORDER)}
# Fields of repodata that a lock does not keep: the time of indexing must never enter it (I2).
_DROPPED = frozenset(("arch", "platform", "indexed_timestamp", "fn", "url"))
_EMPTY: tuple[Any, ...] = ("", [], {})
_TRAILING_NUMBER = re.compile(r"(?:^|[^0-9])([0-9]+)$")
# Timestamps below this are seconds, above milliseconds, as repodata has both.
_SECONDS_LIMIT = 253_402_300_799
_SUBDIRS = re.compile(r"noarch|(?:linux|osx|win|zos|emscripten|wasi|freebsd)-[a-z0-9]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """A package: `url` identifies it; `more` has the entry's other keys, unknown ones included.

    `sha256` and `md5` are empty where the entry has none; `timestamp` is in milliseconds.
    """

    url: str
    name: str
    version: str
    build: str
    build_number: int
    subdir: str
    noarch: str | None
    sha256: str
    md5: str
    depends: tuple[str, ...]
    constrains: tuple[str, ...]
    size: int | None
    timestamp: int | None
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def file_name(self) -> str:
        """The archive's file name."""
        return self.url.rpartition("/")[2]

    @property
    def channel(self) -> str:
        """The channel's URL without a slash at its end."""
        named = self.more.get("channel")
        return str(named).rstrip("/") if named else self.url.rsplit("/", 2)[0]

    @property
    def license(self) -> str | None:
        """The licence as the package names it."""
        named = self.more.get("license")
        return None if named is None else str(named)

    @property
    def extra_depends(self) -> Mapping[str, tuple[str, ...]]:
        """Dependencies that hold when an extra is requested."""
        return {key: tuple(map(str, specs)) for key, specs in (self.more.get("extra_depends") or {}).items()}


def is_archive(url: str) -> bool:
    """Return whether a location is a binary package, not the folder of a source package."""
    return url.endswith(ARCHIVES)


def from_entry(entry: Mapping[str, Node]) -> Record:
    """Return the record of an entry of `packages`; fields that the entry leaves out are derived from its URL.

    Raises ValueError with a sentence for an entry that does not identify a package.
    """
    url = str(entry["conda"])
    package = _identity(entry, url)
    _require_extras(entry)
    return Record(
        url=url,
        name=package.name,
        version=package.version,
        build=package.build,
        build_number=_entry_build_number(entry, package.build),
        subdir=package.subdir,
        noarch=_entry_noarch(entry, package),
        sha256=str(entry.get("sha256", "")),
        md5=str(entry.get("md5", "")),
        depends=_texts(entry, "depends"),
        constrains=_texts(entry, "constrains"),
        size=_integer(entry, "size"),
        timestamp=_integer(entry, "timestamp"),
        more={key: value for key, value in entry.items() if key not in _FIELDS},
    )


class _PackageIdentity(NamedTuple):
    """What distinguishes an archive from the others of a channel."""

    name: str
    version: str
    build: str
    subdir: str


def _identity(entry: Mapping[str, Node], url: str) -> _PackageIdentity:
    """Return what an entry's fields say, and what its URL says where it has no such field."""
    name, version, build = archive_parts(url)
    package = _PackageIdentity(
        name=str(entry.get("name") or name),
        version=str(entry.get("version") or version),
        build=str(entry.get("build") or build),
        subdir=str(entry.get("subdir") or _subdir(url)),
    )
    if not (package.name and package.version and package.subdir):
        raise ValueError(f"neither the file name nor the fields of `{url}` identify the package")
    return package


def _entry_build_number(entry: Mapping[str, Node], build: str) -> int:
    number = _integer(entry, "build_number")
    return _build_number(build) if number is None else number


def _entry_noarch(entry: Mapping[str, Node], package: _PackageIdentity) -> str | None:
    noarch = entry.get("noarch")
    if noarch is None:
        return _noarch(package.subdir, package.build)
    kind = str(noarch)
    return kind if kind in ("python", "generic") else None


def to_entry(record: Record) -> dict[str, Node]:
    """Return the entry of a record in rattler's order; fields that its URL implies are left out."""
    name, version, build = archive_parts(record.url)
    derived_noarch = _noarch(_subdir(record.url) or record.subdir, build or record.build)
    entry: dict[str, Node] = {"conda": record.url, **record.more}
    fields: dict[str, tuple[Node, bool]] = {
        "name": (record.name, record.name != name),
        "version": (record.version, record.version != version),
        "build": (record.build, record.build != build),
        "build_number": (record.build_number, record.build_number != _build_number(record.build)),
        "subdir": (record.subdir, record.subdir != _subdir(record.url)),
        "noarch": (record.noarch or False, record.noarch != derived_noarch),
        "sha256": (record.sha256, bool(record.sha256)),
        "md5": (record.md5, bool(record.md5)),
        "depends": (list(record.depends), bool(record.depends)),
        "constrains": (list(record.constrains), bool(record.constrains)),
        "size": (record.size, record.size is not None),
        "timestamp": (record.timestamp, record.timestamp is not None),
    }
    entry.update({key: value for key, (value, needed) in fields.items() if needed})
    # sorted() is stable: keys that rattler does not know keep their order, behind those it does.
    return dict(sorted(entry.items(), key=lambda item: _RANK.get(item[0], len(_RANK))))


def from_repodata(url: str, channel: str, data: Mapping[str, Any]) -> Record:
    """Return the record of a repodata entry that is served at a URL."""
    entry: dict[str, Node] = {"conda": url, **_stated_fields(data)}
    entry["noarch"] = entry.get("noarch", False)
    # A lock names the channel only where the URL does not.
    if channel.rstrip("/") == url.rsplit("/", 2)[0]:
        entry.pop("channel", None)
    else:
        entry["channel"] = channel.rstrip("/")
    # Fields of repodata that pixi.lock does not have (`app_type`, say) are left out.
    return from_entry({key: value for key, value in entry.items() if key in _RANK})


def _stated_fields(data: Mapping[str, Any]) -> dict[str, Node]:
    """Return a repodata entry's fields as pixi.lock has them.

    rattler's lock writer leaves empty fields out, except `run_exports`: empty says that there are none.
    """
    fields = {
        key: value
        for key, value in data.items()
        if key not in _DROPPED and (key == "run_exports" or value not in _EMPTY) and value is not None
    }
    timestamp = fields.get("timestamp")
    if isinstance(timestamp, int):
        fields["timestamp"] = in_milliseconds(timestamp)
    features = fields.get("track_features")
    if isinstance(features, str):
        fields["track_features"] = features.split()
    return fields


def to_repodata(record: Record) -> dict[str, Any]:
    """Return a record as an entry of repodata.json with all its fields."""
    data: dict[str, Any] = {
        "name": record.name,
        "version": record.version,
        "build": record.build,
        "build_number": record.build_number,
        "subdir": record.subdir,
        "depends": list(record.depends),
        "constrains": list(record.constrains),
        **{key: value for key, value in record.more.items() if key in _RANK and key != "channel"},
    }
    optional = {"sha256": record.sha256, "md5": record.md5, "noarch": record.noarch}
    data.update({key: value for key, value in optional.items() if value})
    numbers = {"size": record.size, "timestamp": record.timestamp}
    data.update({key: value for key, value in numbers.items() if value is not None})
    return data


def in_milliseconds(stamp: int) -> int:
    """Return a timestamp of repodata, which has seconds in old entries, in milliseconds."""
    return stamp * 1000 if stamp <= _SECONDS_LIMIT else stamp


def _texts(entry: Mapping[str, Node], key: str) -> tuple[str, ...]:
    """Return a list of match specs; ValueError for a text: its letters would be read as specs."""
    items = entry.get(key) or ()
    if not isinstance(items, list | tuple):
        raise ValueError(f"`{key}` is not a list")  # noqa: TRY004 - the document is wrong, not the caller
    return tuple([str(item) for item in items])


def _integer(entry: Mapping[str, Node], key: str) -> int | None:
    value = entry.get(key)
    return value if isinstance(value, int) else None


def _require_extras(entry: Mapping[str, Node]) -> None:
    extras = entry.get("extra_depends") or {}
    if not isinstance(extras, Mapping):
        raise ValueError("`extra_depends` is not a mapping")  # noqa: TRY004 - the document is wrong, not the caller
    for key in extras:
        _texts(extras, key)


def archive_parts(url: str) -> tuple[str, str, str]:
    """Return name, version and build of an archive's file name; empty texts for any other file."""
    file_name = url.rpartition("/")[2]
    for suffix in ARCHIVES:
        if file_name.endswith(suffix):
            parts = file_name.removesuffix(suffix).rsplit("-", 2)
            if "%" in file_name:
                parts = [unquote(part) for part in parts]
            if len(parts) == len(("name", "version", "build")):
                return parts[0], parts[1], parts[2]
    return "", "", ""


def _subdir(url: str) -> str:
    parts = url.rsplit("/", 2)
    return parts[1] if "://" in url and _SUBDIRS.fullmatch(parts[1]) else ""


def _build_number(build: str) -> int:
    number = _TRAILING_NUMBER.search(build)
    return int(number[1]) if number else 0


def _noarch(subdir: str, build: str) -> str | None:
    if subdir != "noarch":
        return None
    return "python" if "py" in build else "generic"
