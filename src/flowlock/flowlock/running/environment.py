"""Install a locked environment, whole or not at all, and run in it."""

import os
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from flowlock.conda import platforms
from flowlock.conda.records import Record
from flowlock.conda.safe_archives import SafeArchives, refuse_unsafe_archives
from flowlock.edges import file_locks as locks
from flowlock.edges import files, memo, process
from flowlock.edges.downloads import PinnedFile, download
from flowlock.edges.memo import digest_of
from flowlock.edges.stat_cache import StatCache
from flowlock.errors import FlowlockError, from_os_error
from flowlock.lock.lockfile import document
from flowlock.names import PackageName, Platform
from flowlock.report.reporter import Progress
from flowlock.running.bytecode import add_bytecode

if TYPE_CHECKING:
    from rattler import RepoDataRecord

# Raised when environments are made in another way than before.
SCHEMA = 3
CONTENTS = Path("conda-meta", "flowlock.json")
# Variables through which another environment would leak into ours.
FOREIGN = ("PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "CONDA_DEFAULT_ENV")


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """An installed environment: its prefix, the digest of what it was made from, and whether it was there."""

    prefix: Path
    digest: str
    reused: bool

    @property
    def bin(self) -> Path:
        """The folder of the environment's commands."""
        return self.prefix / ("Scripts" if os.name == "nt" else "bin")

    def run(self, argv: Sequence[str | Path], *, each_line: Callable[[str], None]) -> process.Completed:
        """Run one of the environment's own commands in it, not longer than we run; its code is not judged."""
        return process.run(
            self._command(argv), env=self.variables(), check=False, each_line=each_line, bound=True
        )

    def attach(self, argv: Sequence[str | Path]) -> int:
        """Run one of the environment's own commands in it, with our output; return its exit code."""
        return process.attached(self._command(argv), env=self.variables())

    def has(self, package: PackageName) -> bool:
        """Return whether a package is installed in the environment."""
        records = (self.prefix / "conda-meta").glob(f"{package}-*.json")
        return any(record.name.rsplit("-", 2)[0] == package for record in records)

    def _command(self, argv: Sequence[str | Path]) -> list[str | Path]:
        return [self.bin / str(argv[0]), *argv[1:]]

    def variables(self) -> dict[str, str]:
        """Return the variables of a process in this environment: ours, with its commands first."""
        ours = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        path = os.pathsep.join([str(self.bin), ours.get("PATH", os.defpath)])
        return {**ours, "PATH": path, "CONDA_PREFIX": str(self.prefix)}


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvironmentFolders:
    """Where environments and their parts live: `home` holds one folder an environment and digest.

    `mirrors` maps a channel's URL to the folder that replaces it; `artifacts` is a folder of archives by
    file name that were in the channel once. `cache` keeps unpacked packages, and `bytecode` that of their
    modules. Nothing is downloaded from the channels in `unserved`: they are only here; from the others it is
    kept in `archives`. `digests` and `safe_archives` are files of what is known about archives.
    """

    home: Path
    cache: Path
    bytecode: Path
    artifacts: Path
    archives: Path
    mirrors: Mapping[str, Path]
    digests: Path | None = None
    safe_archives: Path | None = None
    unserved: Collection[str] = ()
    offline: bool = False


@contextmanager
def installed(
    lock_file: Path, environment: str, platform: Platform, *, places: EnvironmentFolders, progress: Progress
) -> Iterator[Environment]:
    """Yield the environment that the lock pins, made now unless it is there and whole.

    It is staged beside its place and renamed when complete, so a half-made one is never seen. Nobody deletes
    it during the block. Who made it deletes those that it replaces, after the block, unless one is in use.
    """
    home = places.home.resolve()
    in_use = home.with_name(f"{home.name}.use")
    with locks.shared(in_use):
        environment_made = _made(lock_file, environment, platform, places=places, progress=progress)
        yield environment_made
    if not environment_made.reused and lock_file.is_file():
        # The lock may ask for another one by now, which its run has made beside ours.
        wanted = _prefix(lock_file, environment, platform, home)
        with locks.unless_shared(in_use) as free:
            if free:
                _forget_others(wanted)


def _prefix(lock_file: Path, environment: str, platform: Platform, home: Path) -> Path:
    """Return where an environment belongs: by the digest of its pins, and of the place itself.

    (Scripts name their interpreter by its path.)
    """
    pins = _pins(lock_file, environment, platform)
    return home / digest_of([SCHEMA, str(home), pins])[:16]


def _made(
    lock_file: Path, environment: str, platform: Platform, *, places: EnvironmentFolders, progress: Progress
) -> Environment:
    """Return an environment; a second process that wants it waits for the first, and finds it there."""
    home = places.home.resolve()
    prefix = _prefix(lock_file, environment, platform, home)
    existing = Environment(prefix=prefix, digest=prefix.name, reused=True)
    if _is_whole(prefix):
        return existing
    with locks.alone(home.with_name(f"{home.name}.lock")):
        if _is_whole(prefix):
            return existing
        _make(lock_file, environment, platform, prefix=prefix, places=places, progress=progress)
    return replace(existing, reused=False)


def _make(
    lock_file: Path,
    environment: str,
    platform: Platform,
    *,
    prefix: Path,
    places: EnvironmentFolders,
    progress: Progress,
) -> None:
    progress.note(f"installing the environment {environment} of {lock_file.parent.name}")
    files.forget_temporaries(prefix.parent)
    with files.staged_folder(prefix) as staging:
        install_into(
            staging,
            lock_file,
            environment,
            platform,
            prefix=prefix,
            places=places,
            progress=progress,
        )
        memo.write(staging / CONTENTS, _contents(staging))


def _pins(lock_file: Path, environment: str, platform: Platform) -> list[tuple[str, str]]:
    """Return (URL, sha256) of each package of an environment, sorted."""
    records = pinned(read_lock(lock_file), lock_file.name, environment, platform)
    return sorted((record.url, record.sha256) for record in records)


def read_lock(lock_file: Path) -> document.Lock:
    """Return the lock that a file is; an FL6xx error names the line that is wrong."""
    return document.read(files.read_text(lock_file, lock_file.name), lock_file.name)


def pinned(lock: document.Lock, file: str, environment: str, platform: Platform) -> tuple[Record, ...]:
    """Return what a lock pins for an environment and a platform; `file` is how an error calls the lock."""
    locked = lock.environments.get(environment)
    if locked is None:
        raise FlowlockError(
            f"{file} has no environment `{environment}`",
            code="FL701",
            hint=f"it has: {', '.join(sorted(lock.environments))}",
        )
    records = locked.packages.get(platform)
    if records is None:
        raise FlowlockError(
            f"{file} locks `{environment}` for {', '.join(sorted(locked.packages))}, but not for {platform}",
            code="FL702",
            hint="add the platform to flowlock.toml and run `flowlock lock`",
        )
    return records


def _is_whole(prefix: Path) -> bool:
    """Compare every file's size with what was there when the environment was made."""
    expected = memo.read(prefix / CONTENTS, dict[str, int])
    if expected is None:
        return False
    try:
        return all(os.lstat(f"{prefix}/{path}").st_size == size for path, size in expected.items())
    except (OSError, ValueError):
        return False


def _contents(prefix: Path) -> dict[str, int]:
    """Return path → size of all files but bytecode, which Python makes again by itself."""
    return {
        path: os.lstat(f"{prefix}/{path}").st_size
        for path in files.paths_below(prefix)
        if not path.endswith(".pyc")
    }


def install_into(
    staging: Path,
    lock_file: Path,
    environment: str,
    platform: Platform,
    *,
    prefix: Path,
    places: EnvironmentFolders,
    progress: Progress,
) -> None:
    """Install an environment with its bytecode into a folder, as it will be at `prefix`.

    Of another platform than this machine's, only packages that bring their bytecode have it.
    """
    records = _locked_records(lock_file, environment, platform)
    digests = StatCache(places.digests)
    for record in records:
        record.url = _source(record.url, record.sha256, places, digests)
    new = [record for record in records if not _is_unpacked(record, places.cache)]
    _download(new, places, progress)
    # The engine trusts what is in an archive.
    archives = [Path(url2pathname(urlsplit(record.url).path)) for record in new]
    refuse_unsafe_archives(archives, safe=SafeArchives(places.safe_archives), digests=digests)
    digests.save()
    _install(records, environment, platform, staging=staging, prefix=prefix, cache=places.cache)
    if platform == platforms.current():
        progress.working(f"compiling the bytecode of {environment}")
        add_bytecode(staging, places.bytecode)


def _locked_records(lock_file: Path, environment: str, platform: Platform) -> list["RepoDataRecord"]:
    """Return what a lock pins, as the engine reads it."""
    import rattler

    locked = dict(rattler.LockFile.from_path(lock_file).environments())[environment]
    by_name = {str(locked_platform): locked_platform for locked_platform in locked.platforms()}
    return locked.conda_repodata_records_for_platform(by_name[platform]) or []


def _is_unpacked(record: "RepoDataRecord", cache: Path) -> bool:
    return (cache / f"{record.name.normalized}-{record.version}-{record.build}").is_dir()


def _install(
    records: list["RepoDataRecord"],
    environment: str,
    platform: Platform,
    *,
    staging: Path,
    prefix: Path,
    cache: Path,
) -> None:
    import asyncio

    import rattler

    try:
        asyncio.run(
            rattler.install(
                records,
                target_prefix=staging,
                cache_dir=cache,
                platform=rattler.Subdir(platform),
                show_progress=False,
                alternative_target_prefix=prefix,
            )
        )
    except _install_errors() as error:
        raise FlowlockError(
            f"cannot install the environment `{environment}`: {error}",
            code="FL703",
            hint="check the network and the disk; `flowlock sync` builds missing workspace packages",
            kept="the previous environment, if there is one",
        ) from error


def _download(records: Iterable["RepoDataRecord"], places: EnvironmentFolders, progress: Progress) -> None:
    """Let records of channels that are elsewhere name a file here; one that no digest pins is refused."""
    remote = {}
    for record in records:
        if record.url.startswith("file:"):
            continue
        if record.sha256 is None:
            raise FlowlockError(
                f"the lock has no sha256 for {record.url}",
                code="FL703",
                hint="run `flowlock lock --upgrade`: without a digest the contents cannot be verified",
            )
        pin = PinnedFile(file=record.file_name, url=record.url, sha256=record.sha256.hex())
        remote[pin] = record
    if not remote:
        return
    paths = download(remote, places.archives, offline=places.offline, progress=progress)
    for pin, record in remote.items():
        record.url = paths[pin].resolve().as_uri()


def _install_errors() -> tuple[type[Exception], ...]:
    """Return what the installer raises: the engine's exceptions have no common base class."""
    from rattler import exceptions as engine

    names = ("InstallerError", "LinkError", "IoError", "CacheDirError", "ExtractError", "TransactionError")
    return (OSError, *(getattr(engine, name) for name in names))


def _mirrored_channel(url: str, places: EnvironmentFolders) -> str | None:
    for channel in places.mirrors:
        if url.startswith(f"{channel}/"):
            return channel
    return None


def _source(url: str, sha256: bytes | None, places: EnvironmentFolders, digests: StatCache) -> str:
    """Return where the bytes of a pinned package are had from: a file here if it has them, else its URL.

    The installer checks what it downloads against the pin, but not what it reads from a file; we do.
    """
    channel = _mirrored_channel(url, places)
    if channel is None:
        return url
    path = url.removeprefix(f"{channel}/")
    for file in (places.mirrors[channel] / path, places.artifacts / path.rpartition("/")[2]):
        if sha256 is not None and file.is_file() and digests.sha256(file) == sha256.hex():
            return file.resolve().as_uri()
    if channel in places.unserved:
        raise FlowlockError(
            f"{path} does not exist on this machine with the sha256 that the lock pins",
            code="FL705",
            hint="run `flowlock sync` to build the missing packages and update the lock",
        )
    return url


def _forget_others(prefix: Path) -> None:
    """Delete the environments that this one replaces."""
    try:
        for other in prefix.parent.iterdir():
            if other != prefix:
                shutil.rmtree(other)
    except OSError as error:
        raise from_os_error(error, "delete", prefix.parent) from error
