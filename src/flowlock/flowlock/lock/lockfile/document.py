"""pixi.lock as a frozen model: read fast, written as rattler writes it, unknown parts kept."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flowlock.conda.records import Record, from_entry, is_archive, to_entry
from flowlock.conda.virtual import TargetPlatform, declared
from flowlock.errors import FlowlockError, Location
from flowlock.lock.lockfile import engine, yaml

VERSION = 7
# The engine reads these too; older ones were never written by a released pixi that is still around.
LEGACY = range(4, VERSION)
_MARKER = re.compile(r"^(?:<{7}|={7}|>{7}|\|{7})(?: .*)?$", re.MULTILINE)
_ENVIRONMENT_KEYS = frozenset(("channels", "packages", "options"))


@dataclass(frozen=True, kw_only=True, slots=True)
class LockPlatform:
    """A platform as a lock names it, with the virtual packages that the solve assumed."""

    name: str
    subdir: str
    virtual_packages: tuple[str, ...] = ()

    def is_for(self, target: TargetPlatform) -> bool:
        """Return whether it has the target's subdir and declares the same virtual packages."""
        return (
            self.subdir == target.subdir and declared(self.subdir, self.virtual_packages) == target.declared
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedEnvironment:
    """What an environment pins, by platform name.

    `foreign` holds selectors of packages that are not conda archives (PyPI, source packages), `more` keys
    that we do not know; both are written again as they are.
    """

    channels: tuple[str, ...]
    packages: Mapping[str, tuple[Record, ...]]
    options: Mapping[str, Any] = field(default_factory=dict)
    foreign: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Lock:
    """A whole lockfile.

    `foreign` are the entries of packages that are not conda archives, `build_records` the archives that only
    those name, which source packages are built with. `version` is that of the text that was read.
    """

    platforms: tuple[LockPlatform, ...]
    environments: Mapping[str, LockedEnvironment]
    foreign: tuple[Mapping[str, Any], ...] = ()
    build_records: tuple[Record, ...] = ()
    version: int = field(default=VERSION, compare=False)
    more: Mapping[str, Any] = field(default_factory=dict)

    def records(self) -> Iterator[tuple[str, str, Record]]:
        """Yield environment, platform and record of every pin."""
        for environment, locked in self.environments.items():
            for platform, records in locked.packages.items():
                for record in records:
                    yield environment, platform, record

    def text(self) -> str:
        """Return the file's text; the same lock gives the same text, whatever the order of its parts."""
        environments = {
            name: _environment_node(self.environments[name]) for name in sorted(self.environments)
        }
        used = {record.url: record for record in self.build_records}
        used.update({record.url: record for _, _, record in self.records()})
        packages = [to_entry(used[url]) for url in sorted(used)] + list(self.foreign)
        document: dict[str, Any] = {
            "version": VERSION,
            "platforms": [_platform_node(platform) for platform in self.platforms],
            "environments": environments,
            "packages": packages,
            **self.more,
        }
        return "\n".join(yaml.dump(document)) + "\n"


def version_of(text: str, file: str) -> int:
    """Return the version of a lock's format; raises an FL6xx error if the format is not supported."""
    return _version(_node(text, file), file)


def read(text: str, file: str) -> Lock:
    """Return the lock that a file's text is; an FL6xx error names the line that is wrong."""
    node = _node(text, file)
    version = _version(node, file)
    if version in LEGACY:
        return _read_legacy(text, version, file)
    try:
        return _lock(node)
    except _MalformedError as error:
        line = (_line_of(text, error.near) if error.near else None) or 1
        raise _broken("FL601", str(error), file, line=line) from error


def _node(text: str, file: str) -> Any:
    if marker := _MARKER.search(text):
        raise _broken(
            "FL602",
            "it contains merge-conflict markers",
            file,
            line=text.count("\n", 0, marker.start()) + 1,
            hint="check out either side (`git checkout --ours` or `--theirs`), then run `flowlock lock`",
        )
    try:
        return yaml.load(text)
    except yaml.YamlError as error:
        raise _broken("FL601", error.message, file, line=error.line, column=error.column) from error


def _version(node: Any, file: str) -> int:
    version = node.get("version") if isinstance(node, dict) else None
    if not isinstance(version, int):
        raise _broken("FL601", "it has no `version:`, so it is not a pixi lock", file, line=1)
    if version > VERSION:
        raise _broken(
            "FL603",
            f"it has format version {version}; this flowlock supports versions up to {VERSION}",
            file,
            line=1,
            hint="update flowlock, or use the tool that wrote the file",
        )
    if version < LEGACY.start:
        raise _broken("FL603", f"format version {version} is too old", file, line=1)
    return version


class _MalformedError(Exception):
    """A part of the document is missing or of another kind; `near` is text to find its line by."""

    def __init__(self, message: str, near: str | None = None) -> None:
        super().__init__(message)
        self.near = near


def _lock(node: Mapping[str, Any]) -> Lock:
    by_url, foreign = _entries(_list(node, "packages"))
    environments = _dict(node, "environments")
    platforms = tuple(_platform(item) for item in _list(node, "platforms"))
    mentioned = set(_texts(foreign))
    return Lock(
        platforms=platforms,
        environments={name: _environment(name, item, by_url) for name, item in environments.items()},
        foreign=tuple(foreign),
        build_records=tuple(record for url, record in by_url.items() if url in mentioned),
        more={k: v for k, v in node.items() if k not in ("version", "platforms", "environments", "packages")},
    )


def _entries(entries: Sequence[Any]) -> tuple[dict[str, Record], list[Mapping[str, Any]]]:
    """Return the entries of conda archives by URL, and those of anything else."""
    records: dict[str, Record] = {}
    foreign: list[Mapping[str, Any]] = []
    for entry in entries:
        if not isinstance(entry, dict):
            raise _MalformedError(f"`{entry}` is not a package", str(entry))
        url = entry.get("conda")
        if isinstance(url, str) and is_archive(url):
            records[url] = _record(entry, url)
        else:
            foreign.append(entry)
    return records, foreign


def _texts(node: Any) -> Iterator[str]:
    """Yield every text of a document's part."""
    pending = [node]
    while pending:
        part = pending.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict):
            pending += part.values()
        elif isinstance(part, list):
            pending += part


def _record(entry: Mapping[str, Any], url: str) -> Record:
    try:
        return from_entry(entry)
    except (ValueError, TypeError, AttributeError) as error:
        raise _MalformedError(f"the entry of `{url}` is malformed: {error}", f"- conda: {url}") from error


def _platform(node: Any) -> LockPlatform:
    if not isinstance(node, dict) or not isinstance(node.get("name"), str):
        raise _MalformedError(f"a platform has no name: {node}", "platforms:")
    virtual = _list(node, "virtual-packages")
    name = str(node["name"])
    subdir = str(node.get("subdir") or name)
    return LockPlatform(name=name, subdir=subdir, virtual_packages=tuple(map(str, virtual)))


def _environment(name: str, node: Any, by_url: Mapping[str, Record]) -> LockedEnvironment:
    if not isinstance(node, dict):
        raise _MalformedError(f"the environment `{name}` is not a mapping", f"  {name}:")
    packages: dict[str, tuple[Record, ...]] = {}
    foreign: dict[str, tuple[Any, ...]] = {}
    rows = _dict(node, "packages")
    for platform in rows:
        records, others = _row(f"{name}/{platform}", _list(rows, platform), by_url)
        packages[platform] = tuple(records)
        if others:
            foreign[platform] = tuple(others)
    return LockedEnvironment(
        channels=tuple(_channel(item) for item in _list(node, "channels")),
        packages=packages,
        options=_dict(node, "options"),
        foreign=foreign,
        more={key: value for key, value in node.items() if key not in _ENVIRONMENT_KEYS},
    )


def _row(
    label: str, selectors: Sequence[Any], by_url: Mapping[str, Record]
) -> tuple[list[Record], list[Mapping[str, Any]]]:
    """Return the archives that an environment pins on a platform, and the selectors of anything else."""
    records: list[Record] = []
    others: list[Mapping[str, Any]] = []
    for selector in selectors:
        if not isinstance(selector, dict) or not selector:
            raise _MalformedError(f"`{selector}` in {label} is not a package", str(selector))
        url = selector.get("conda")
        if not isinstance(url, str) or not is_archive(url):
            others.append(selector)
        elif url in by_url:
            records.append(by_url[url])
        else:
            problem = f"{label} lists {url}, which is missing from `packages`"
            raise _MalformedError(problem, f"- conda: {url}")
    return records, others


def _channel(node: Any) -> str:
    url = node.get("url") if isinstance(node, dict) else node
    if not isinstance(url, str):
        raise _MalformedError(f"a channel has no url: {node}", "channels:")
    return url


def _list(node: Mapping[str, Any], key: str) -> list[Any]:
    value = node.get(key, [])
    if not isinstance(value, list):
        raise _MalformedError(f"`{key}` is not a list", f"{key}:")
    return value


def _dict(node: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = node.get(key, {})
    if not isinstance(value, dict):
        raise _MalformedError(f"`{key}` is not a mapping", f"{key}:")
    return value


def _environment_node(environment: LockedEnvironment) -> dict[str, Any]:
    node: dict[str, Any] = {"channels": [{"url": url} for url in environment.channels], **environment.more}
    if environment.options:
        node["options"] = dict(environment.options)
    packages = {}
    for platform, records in sorted(environment.packages.items()):
        urls = {record.url for record in records}
        selectors = [{"conda": url} for url in sorted(urls)]
        packages[platform] = [*selectors, *environment.foreign.get(platform, ())]
    node["packages"] = packages
    return node


def _platform_node(platform: LockPlatform) -> dict[str, Any]:
    node: dict[str, Any] = {"name": platform.name}
    if platform.subdir != platform.name:
        node["subdir"] = platform.subdir
    if platform.virtual_packages:
        node["virtual-packages"] = list(platform.virtual_packages)
    return node


def _broken(
    code: str, message: str, file: str, *, line: int | None = None, column: int | None = None, hint: str = ""
) -> FlowlockError:
    return FlowlockError(
        f"the lock cannot be read: {message}",
        code=code,
        location=Location(file=file, line=line, column=column),
        hint=hint or "restore the file from git, or delete it and run `flowlock lock`",
    )


def line_of_selector(text: str, selector: Any) -> int | None:
    """Return the line on which an environment names a package that is not a conda archive."""
    location = next(iter(selector.values()), "") if isinstance(selector, dict) else selector
    return _line_of(text, str(location))


def _line_of(text: str, near: str) -> int | None:
    at = text.find(near)
    return None if at < 0 else text.count("\n", 0, at) + 1


def _read_legacy(text: str, version: int, file: str) -> Lock:
    """Read versions 4 to 6 with the engine, which knows their rules."""
    try:
        modern = engine.upgraded(text)
    except engine.RefusedError as error:
        raise _broken("FL601", str(error), file, line=error.line or 1, column=error.column) from error
    return replace(read(modern, file), version=version)
