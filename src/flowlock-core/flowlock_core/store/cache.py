"""The cache of one run: what may be reused, what is kept, and the reason for each."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from flowlock_core.execute.call import Outcome
from flowlock_core.store.entry import Entry, WrittenFile
from flowlock_core.store.errors import DamagedError, NotKeptError, UndigestibleError
from flowlock_core.store.explain import what_changed
from flowlock_core.store.inputs import file_digest
from flowlock_core.store.keys import Parts, key_of
from flowlock_core.store.result import Result
from flowlock_core.store.store import Store
from flowlock_core.store.stored_value import StoredValue
from flowlock_core.store.whole_files import remove_leftovers, write_whole

_LAST = "last"


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheOptions:
    """Where results are kept, and which may be reused: all but those of `fresh` steps, if `reuse`."""

    folder: Path
    reuse: bool = False
    fresh: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheHit:
    """What a call gave in an earlier run, and its files, which are there again."""

    entry: Entry
    written: tuple[Path, ...]


class RunCache:
    """The cache of one run of one workflow into one results folder."""

    def __init__(self, options: CacheOptions, *, workflow: str, results: Path) -> None:
        self.store = Store(options.folder)
        remove_leftovers(results)
        self.options = options
        self.results = results
        # What cannot be written is said once.
        self.trouble: str | None = None
        self.damaged: list[str] = []
        self._run = sha256(f"{workflow}\0{results}".encode()).hexdigest()
        self._parts: dict[str, Parts] = {}
        self._last: dict[str, Parts] = self._last_parts()

    def why_not_reused(self, step: str) -> str | None:
        """Return why nothing that was kept of a step may be used."""
        if not self.options.reuse:
            return "--resume was not given"
        return self.options.fresh.get(step)

    def find(self, step: str, label: str, parts: Parts, secret: set[str]) -> CacheHit | str:
        """Return what a call gave before, its files restored; or the reason why it has to run."""
        self._parts[label] = {name: part for name, part in parts.items() if name not in secret}
        reason = self.why_not_reused(step)
        if reason is not None:
            return reason
        try:
            entry = self.store.entry(key_of(parts))
            if entry is None:
                return self._what_changed(label)
            if entry.written and entry.folder != str(self.results):
                return "its files were written to another results folder"
            written = tuple([self._restored(file) for file in entry.written])
        except DamagedError as error:
            self.damaged.append(label)
            return str(error)
        return CacheHit(entry=entry, written=written)

    def keep(self, label: str, parts: Parts, outcome: Outcome) -> Result | str:
        """Keep what a call returned; return the kept result, or the reason why it cannot be kept."""
        try:
            kept = self._kept(outcome)
            written = []
            for path in outcome.written:
                name = path.relative_to(self.results).as_posix()
                content = self.store.folder.put_object(path.read_bytes())
                written.append(WrittenFile(name=name, object=content))
            entry = Entry(
                label=label,
                result=kept,
                folder=str(self.results) if written else "",
                written=tuple(written),
            )
            self.store.put_entry(key_of(parts), entry)
        except UndigestibleError as error:
            return f"its result has no digest: {error}"
        except NotKeptError as error:
            if "cannot be written" in str(error):
                self.trouble = str(error)
            return str(error)
        except OSError as error:
            return f"a file that it wrote cannot be read: {error.strerror}"
        return Result(self.store, value=outcome.value, kept=kept)

    def _kept(self, outcome: Outcome) -> StoredValue:
        """Return how a result is kept; what executed the call may have kept it already, or tried to."""
        if isinstance(outcome.kept, Exception):
            raise outcome.kept
        if isinstance(outcome.kept, StoredValue):
            return outcome.kept
        return self.store.keep(outcome.value)

    def close(self) -> None:
        """Remember the parts of the keys, to tell the next run what has changed."""
        if self._parts and self.trouble is None:
            # A cache that cannot be written has already been reported.
            with suppress(NotKeptError):
                self.store.folder.put_document(_LAST, self._run, {**self._last, **self._parts})

    def _last_parts(self) -> dict[str, Parts]:
        try:
            document = self.store.folder.document(_LAST, self._run)
        except DamagedError:
            return {}
        return document if isinstance(document, dict) else {}

    def _restored(self, file: WrittenFile) -> Path:
        path = self.results / file.name
        try:
            if path.is_file() and file_digest(path) == file.object:
                return path
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, self.store.folder.object(file.object))
        except OSError as error:
            raise DamagedError(f"its file {file.name} cannot be restored ({error.strerror})") from error
        return path

    def _what_changed(self, label: str) -> str:
        before = self._last.get(label)
        if before is None:
            return "it has not run with these inputs before"
        return what_changed(before, self._parts[label])
