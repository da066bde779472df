"""Channels as the engine reads them: opened once, shared by all solves, converted to and from our records."""

import json
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from flowlock.conda.match import RattlerMatcher
from flowlock.conda.records import Record, from_repodata, to_repodata
from flowlock.errors import FlowlockError
from flowlock.lock.manifest.model import ExcludeNewer
from flowlock.lock.solver import sources
from flowlock.lock.solver.sources import KEPT, ChannelFolder

if TYPE_CHECKING:
    from rattler import RepoDataRecord, SparseRepoData


@dataclass(slots=True)
class ChannelMetadata:
    """Channels as the engine reads them; each subdir is opened once and shared by all solves.

    `folders` stand for channels, several for one share its priority tier. A channel without a folder is live:
    it is queried over the network, or refused when `offline`; `cache` keeps its metadata (by default in the
    engine's own folder). Use it as a context, which closes the files and deletes the temporary ones.
    """

    folders: Sequence[ChannelFolder]
    offline: bool = False
    cache: Path | None = None
    _opened: dict[tuple[Path, str], "SparseRepoData"] = field(default_factory=dict)
    _records: dict[tuple[str, bytes | None], Record] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)
    _limited: dict[tuple[Path, int], Path] = field(default_factory=dict)
    _gateway: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for opened in self._opened.values():
            opened.close()
        self._stack.close()

    def sparse(
        self, channel: str, subdir: str, limit: ExcludeNewer | None = None
    ) -> "list[SparseRepoData] | None":
        """Return the opened files of a channel for a subdir and noarch; None for a channel with no folder.

        A limit that the engine cannot express (exemptions, cutoffs of single packages) is applied here.
        """
        folders = [folder for folder in self.folders if _is_same_channel(folder.url, channel)]
        if not folders:
            return None
        opened = []
        for folder in folders:
            for name in (subdir, sources.NOARCH):
                file = folder.repodata(name)
                if file is None:
                    continue
                if limit is not None and not limit.is_plain:
                    file = self._filtered(file, limit)
                opened.append(self._open(folder, name, file))
        return opened

    def _filtered(self, file: Path, limit: ExcludeNewer) -> Path:
        made = self._limited.get((file, id(limit)))
        if made is None:
            matcher = RattlerMatcher()

            def is_exempt(record: Record) -> bool:
                exemptions = (exempt for exempt in limit.exempt if exempt.name == record.name)
                return any(matcher.matches(exempt.spec, record) for exempt in exemptions)

            made = self._limited[file, id(limit)] = self._folder() / sources.REPODATA
            try:
                document = sources.without_newer(sources.parsed(file), limit, is_exempt)
            except sources.WrongEntryError as error:
                raise sources.refused_entry(file, error) from error
            made.write_text(json.dumps(document), encoding="utf-8")
        return made

    def _open(self, folder: ChannelFolder, subdir: str, file: Path) -> "SparseRepoData":
        import rattler

        key = (file, folder.url)
        if key not in self._opened:
            sources.require_base_url(file)
            try:
                self._opened[key] = rattler.SparseRepoData(rattler.Channel(folder.url), subdir, file)
            except OSError as error:
                # It tells the place, which the engine does not.
                sources.parsed(file)
                raise bad_metadata(f"{subdir}/{file.name}", error) from error
        return self._opened[key]

    def require_sound(self) -> None:
        """Refuse opened files that are malformed, with the place that the engine does not tell."""
        for file, _ in self._opened:
            sources.parsed(file)

    def stand_in(self, channels: Iterable[str], records: Iterable[Record]) -> None:
        """Let records be all that some channels have: a lock's own, for a relock without metadata."""
        written = self._written(records)
        for channel in channels:
            empty = ChannelFolder(url=channel, path=self._folder())
            own = [folder for folder in written if _is_same_channel(folder.url, channel)]
            self.folders = [*self.folders, empty, *own]

    def gateway(self) -> Any:
        """Return a gateway of this run's own: a reused one serves stale data."""
        import rattler

        if self._gateway is None:
            self._gateway = rattler.Gateway(cache_dir=self.cache)
        return self._gateway

    def pinned(self, records: Iterable[Record]) -> "list[RepoDataRecord]":
        """Return our records as the engine's, through a repodata file, which is the one complete form."""
        loaded = []
        for place in self._written(records):
            for file in place.path.glob(f"*/{sources.REPODATA}"):
                loaded += self._open(place, file.parent.name, file).load_all_records()
        return loaded

    def _written(self, records: Iterable[Record]) -> list[ChannelFolder]:
        """Write records as repodata, one folder for each channel and base of URLs."""
        by_place: dict[tuple[str, str], list[Record]] = {}
        for record in records:
            by_place.setdefault((record.channel, record.url.rpartition("/")[0]), []).append(record)
        return [
            write_repodata(self._folder(), channel, base, group)
            for (channel, base), group in by_place.items()
        ]

    def _folder(self) -> Path:
        made = tempfile.TemporaryDirectory(prefix="lock-", ignore_cleanup_errors=True)
        return Path(self._stack.enter_context(made))

    def ours(self, record: "RepoDataRecord") -> Record:
        """Return the engine's record as ours; one artifact is converted once."""
        key = (record.url, record.sha256)
        if key not in self._records:
            data = json.loads(record.to_json())
            self._records[key] = from_repodata(record.url, record.channel or "", data)
        return self._records[key]


def write_repodata(folder: Path, channel: str, base: str, records: Sequence[Record]) -> ChannelFolder:
    """Write records of one subdir, all with URLs below `base`, and return the folder as the channel's."""
    subdir = records[0].subdir
    entries: dict[str, dict[str, Any]] = {"packages": {}, "packages.conda": {}}
    for record in records:
        kind = "packages.conda" if record.file_name.endswith(".conda") else "packages"
        entries[kind][record.file_name] = to_repodata(record)
    document = {"info": {"subdir": subdir, "base_url": base + "/"}, **entries, "repodata_version": 1}
    file = folder / subdir / sources.REPODATA
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document), encoding="utf-8")
    return ChannelFolder(url=channel, path=folder, serves=False)


def bad_metadata(what: str, error: Exception) -> FlowlockError:
    """Return the error for metadata that the engine refuses."""
    return FlowlockError(
        f"the metadata of {what} cannot be used: {error}",
        code="FL621",
        hint="download the metadata again, then run the same command again",
        kept=KEPT,
    )


def _is_same_channel(url: str, other: str) -> bool:
    return url.rstrip("/") == other.rstrip("/")
