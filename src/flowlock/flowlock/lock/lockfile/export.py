"""A lock for other tools: conda's explicit file, environment.yml, and the mirror setting of pixi."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, assert_never

from flowlock.conda.records import Record
from flowlock.errors import FlowlockError, nearest
from flowlock.lock.lockfile import yaml
from flowlock.lock.lockfile.document import Lock, LockedEnvironment
from flowlock.lock.lockfile.forms import ExportKind


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportResult:
    """The exported text."""

    kind: ExportKind
    text: str

    @property
    def ok(self) -> bool:
        """Whether there is a text; what prevents that is raised."""
        return True

    def as_json(self) -> Mapping[str, Any]:
        """Return {"kind", "text"}."""
        return {"kind": self.kind.value, "text": self.text}

    def as_text(self) -> str:
        """Return the text itself."""
        return self.text


def export(
    kind: ExportKind,
    lock: Lock,
    *,
    environment: str,
    platform: str,
    name: str,
    mirrors: Mapping[str, str] | None = None,
) -> ExportResult:
    """Return a locked environment in the form of another tool; `name` is what environment.yml calls it.

    `mirrors` are the addresses that serve channels of the lock elsewhere, by channel; a channel that the lock
    does not have is refused.
    """
    pins, records = _mirrored(*_records(lock, environment, platform), mirrors or {})
    match kind:
        case ExportKind.EXPLICIT:
            text = explicit(records, platform)
        case ExportKind.ENVIRONMENT:
            text = environment_yml(pins, records, name)
        case ExportKind.MIRROR:
            raise ValueError("a mirror is not exported from a lock; call pixi_mirror")
        case _:
            assert_never(kind)
    return ExportResult(kind=kind, text=text)


def explicit(records: tuple[Record, ...], platform: str) -> str:
    """Return conda's explicit file: URLs with hashes, a dependency before what needs it.

    `conda create --file`, mamba and rattler install it without a solve and check every hash.
    """
    lines = [f"# platform: {platform}", "@EXPLICIT"]
    for record in _in_install_order(records):
        if not record.sha256:
            raise FlowlockError(f"the lock pins {record.file_name} without a sha256", code="FL631")
        lines.append(f"{record.url}#sha256:{record.sha256}")
    return "\n".join(lines) + "\n"


def environment_yml(pins: LockedEnvironment, records: tuple[Record, ...], name: str) -> str:
    """Return conda's environment.yml with every version and build pinned; it has no place for hashes."""
    document = {
        "name": name,
        "channels": [url.rstrip("/") for url in pins.channels],
        "dependencies": [f"{record.name}={record.version}={record.build}" for record in records],
    }
    return "\n".join(yaml.dump(document)) + "\n"


def pixi_mirror(release_channel: str, served: str) -> ExportResult:
    """Return the setting for `.pixi/config.toml` with which pixi takes unreleased packages from `served`.

    `served` is the address of `flowlock channel serve`. The lock stays unchanged: pixi asks the mirror for
    the release channel's URLs and checks the bytes against the lock.
    """
    text = f'[mirrors]\n"{release_channel.rstrip("/")}" = ["{served.rstrip("/")}"]\n'
    return ExportResult(kind=ExportKind.MIRROR, text=text)


def _records(lock: Lock, environment: str, platform: str) -> tuple[LockedEnvironment, tuple[Record, ...]]:
    pins = lock.environments.get(environment)
    if pins is None:
        names = sorted(lock.environments)
        raise FlowlockError(
            f"the lock has no environment `{environment}`",
            code="FL630",
            hint=nearest(environment, names) or f"it has: {', '.join(names)}",
        )
    if platform not in pins.packages:
        platforms = sorted(pins.packages)
        raise FlowlockError(
            f"the lock has no platform `{platform}` for `{environment}`",
            code="FL630",
            hint=nearest(platform, platforms) or f"it has: {', '.join(platforms)}",
        )
    return pins, tuple(sorted(pins.packages[platform], key=lambda record: record.name))


def _mirrored(
    pins: LockedEnvironment, records: tuple[Record, ...], mirrors: Mapping[str, str]
) -> tuple[LockedEnvironment, tuple[Record, ...]]:
    """Return the same with the addresses of mirrors in place of the channels'; the digests stay."""
    channels = [url.rstrip("/") for url in pins.channels]
    served = {channel.rstrip("/"): url.rstrip("/") for channel, url in mirrors.items()}
    for channel in served:
        if channel not in channels:
            raise FlowlockError(
                f"the lock has no channel {channel}",
                code="FL630",
                hint=nearest(channel, channels) or f"it has: {', '.join(channels)}",
            )
    moved = tuple(replace(record, url=_moved(record.url, served)) for record in records)
    return replace(pins, channels=tuple(served.get(url, url) for url in channels)), moved


def _moved(url: str, served: Mapping[str, str]) -> str:
    for channel, elsewhere in served.items():
        if url.startswith(f"{channel}/"):
            return elsewhere + url.removeprefix(channel)
    return url


def _in_install_order(records: tuple[Record, ...]) -> list[Record]:
    """Return records with dependencies first; those of a cycle, which conda-forge has, by name."""
    from flowlock.conda.match_spec import name_of

    by_name = {record.name: record for record in records}
    done: dict[str, Record] = {}
    open_names: set[str] = set()

    def visit(record: Record) -> None:
        if record.name in done or record.name in open_names:
            return
        open_names.add(record.name)
        for name in sorted(name_of(depend) for depend in record.depends):
            if name in by_name:
                visit(by_name[name])
        done[record.name] = record

    for record in records:
        visit(record)
    return list(done.values())
