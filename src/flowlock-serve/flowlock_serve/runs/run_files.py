"""The folder of each run: its parameters, its log, what it printed, its report, its results."""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowlock_core.errors import WorkflowError
from flowlock_core.runs.locks import may_be_locked
from flowlock_core.store.whole_files import write_whole
from flowlock_serve.runs.record import RunRecord

PARAMS, LOG, OUTPUT, REPORT, RESULTS = "params.json", "log.jsonl", "output.log", "report.json", "results"
STORED = "stored.json"
DASHBOARD = "dashboard.html"


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredFiles:
    """Results that were uploaded: the URL that all runs are below, and the size of each file by its path."""

    url: str
    sizes: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFiles:
    """The files of one run."""

    folder: Path

    @property
    def log(self) -> Path:
        """The events of the run, a line of JSON each."""
        return self.folder / LOG

    @property
    def output(self) -> Path:
        """What the process of the run has printed."""
        return self.folder / OUTPUT

    @property
    def results(self) -> Path:
        """The folder that the run writes its results to."""
        return self.folder / RESULTS

    def create(self, record: RunRecord) -> None:
        """Create the folder with the parameters; a WorkflowError if that fails."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(self.folder / PARAMS, json.dumps(record.order.params).encode())
        except OSError as error:
            raise WorkflowError(
                f"cannot write {self.folder}: {error.strerror or error}",
                code="FL734",
                hint="free some space, or serve with another folder for --results",
            ) from error

    def report(self) -> dict[str, Any] | None:
        """Return what the run reported at its end, None if it did not."""
        return self._object(REPORT)

    def stored(self) -> StoredFiles | None:
        """Return which results were uploaded, None if they are in the folder."""
        document = self._object(STORED)
        return None if document is None else StoredFiles(url=document["url"], sizes=document["sizes"])

    def has_moved_to(self, url: str, sizes: Mapping[str, int]) -> None:
        """Write that the results were uploaded, and remove those of the folder."""
        document = {"url": url, "sizes": dict(sizes)}
        write_whole(self.folder / STORED, json.dumps(document, ensure_ascii=False).encode())
        shutil.rmtree(self.results)

    def _object(self, name: str) -> dict[str, Any] | None:
        try:
            document = json.loads((self.folder / name).read_bytes())
        except (OSError, ValueError):
            return None
        return document if isinstance(document, dict) else None

    def steps_ended(self) -> int:
        """Return how many steps have ended."""
        try:
            return self.log.read_bytes().count(b'"event": "step ended"')
        except OSError:
            return 0

    def result_names(self) -> list[str]:
        """Return the paths of the results, relative to their folder; links are left out."""
        stored = self.stored()
        if stored is not None:
            return sorted(stored.sizes)
        names = []
        for parent, _, files in os.walk(self.results):
            for file in files:
                path = Path(parent) / file
                if path.is_file() and not path.is_symlink():
                    names.append(path.relative_to(self.results).as_posix())
        return sorted(names)

    def size(self) -> int:
        """Return how many bytes the folder has, and the results that were uploaded from it."""
        stored = self.stored()
        total = 0 if stored is None else sum(stored.sizes.values())
        for parent, _, files in os.walk(self.folder):
            total += sum((Path(parent) / file).lstat().st_size for file in files)
        return total

    def may_be_in_use(self) -> bool:
        """Return whether a process of the run may be alive: it holds the lock of the folder."""
        return self.folder.is_dir() and may_be_locked(self.folder)

    def remove(self) -> None:
        """Remove the folder; a WorkflowError if that fails."""
        try:
            shutil.rmtree(self.folder)
        except FileNotFoundError:
            return
        except OSError as error:
            raise WorkflowError(
                f"cannot remove {self.folder}: {error.strerror or error}",
                code="FL734",
                hint="check who owns the folder and its files",
            ) from error
