"""Which files a preview depends on, and when they change."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from flowlock.edges.state_folder import StateFolder

# Milliseconds in which nothing more must change, and after which a change is reported in any case.
QUIET, PATIENCE = 30, 300
# What programs write beside what people edit.
_PASSED_OVER = {
    "__pycache__",
    ".git",
    StateFolder.of(Path()).path.name,
    ".pixi",
    ".venv",
    "node_modules",
    "build",
    "dist",
}
_ENDINGS_PASSED_OVER = (".pyc", "~", ".swp", ".swx", ".tmp")


@dataclass(kw_only=True)
class Watched:
    """Folders whose files matter, `passed_over` apart, and single files elsewhere."""

    folders: Collection[Path]
    passed_over: Collection[Path]
    changed: Callable[[frozenset[Path]], None]
    files: set[Path] = field(default_factory=set)
    stop: Event = field(default_factory=Event)
    threads: list[Thread] = field(default_factory=list)

    def watch_files(self, paths: Collection[Path]) -> None:
        """Watch files outside of the folders too, in the folders that they are in."""
        outside = {path for path in paths if not self._is_inside(path)}
        folders = {path.parent for path in outside} - {path.parent for path in self.files}
        self.files |= outside
        for folder in sorted(folders):
            if folder.is_dir():
                self._start([folder], recursive=False)

    def _is_inside(self, path: Path) -> bool:
        return any(path.is_relative_to(folder) for folder in self.folders)

    def concerns(self, path: Path) -> bool:
        """Whether a change of this file may change what is computed."""
        if path in self.files:
            return True
        if path.name.endswith(_ENDINGS_PASSED_OVER) or not self._is_inside(path):
            return False
        if any(path.is_relative_to(folder) for folder in self.passed_over):
            return False
        own = next(folder for folder in self.folders if path.is_relative_to(folder))
        return _PASSED_OVER.isdisjoint(path.relative_to(own).parts)

    def start(self) -> None:
        """Begin to watch the folders."""
        self._start(sorted(self.folders), recursive=True)

    def _start(self, folders: Collection[Path], *, recursive: bool) -> None:
        thread = Thread(target=self._follow, args=(folders,), kwargs={"recursive": recursive}, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _follow(self, folders: Collection[Path], *, recursive: bool) -> None:
        from watchfiles import watch

        batches = watch(
            *folders,
            watch_filter=lambda _change, path: self.concerns(Path(path)),
            debounce=PATIENCE,
            step=QUIET,
            stop_event=self.stop,
            recursive=recursive,
            raise_interrupt=False,
        )
        for changes in batches:
            self.changed(frozenset(Path(path) for _, path in changes))


@contextmanager
def watching(
    folders: Collection[Path],
    *,
    passed_over: Collection[Path] = (),
    changed: Callable[[frozenset[Path]], None],
) -> Iterator[Watched]:
    """Call `changed` with the files that change, from another thread, until the block ends."""
    watched = Watched(folders=folders, passed_over=passed_over, changed=changed)
    watched.start()
    try:
        yield watched
    finally:
        watched.stop.set()
