"""Where runs are kept: the port, the folder of this machine, and what is below a URL."""

import os
import shutil
import socket
from pathlib import Path
from typing import Any, Protocol

from flowlock_core.errors import WorkflowError
from flowlock_core.runs.blobs import Blobs
from flowlock_core.runs.identity import is_run_id
from flowlock_core.runs.locks import may_be_locked
from flowlock_core.runs.run_folder import RUNS
from flowlock_core.store.whole_files import is_running


class RunStorage(Protocol):
    """The runs of a results folder."""

    @property
    def place(self) -> str:
        """The results folder, as users name it."""
        ...

    def names(self) -> list[str]:
        """Return the ids of the runs, the oldest first."""
        ...

    def address(self, run: str) -> str:
        """Return where the folder of a run is."""
        ...

    def files(self, run: str) -> list[str]:
        """Return the names of the files of a run."""
        ...

    def read(self, run: str, name: str) -> bytes:
        """Return the contents of a file of a run; nothing if it does not exist."""
        ...

    def may_be_alive(self, run: str, document: dict[str, Any]) -> bool:
        """Return whether the process of a run may exist, which has this run.json."""
        ...

    def remove(self, run: str) -> None:
        """Remove a run."""
        ...


class LocalRuns:
    """The runs of a local folder, each locked while it runs."""

    def __init__(self, results: Path) -> None:
        self.place = str(results)
        self._folder = results / RUNS

    def names(self) -> list[str]:
        """Return the ids of the runs, the oldest first."""
        if not self._folder.is_dir():
            return []
        return sorted(path.name for path in self._folder.iterdir() if is_run_id(path.name))

    def address(self, run: str) -> str:
        """Return the folder of a run."""
        return str(self._folder / run)

    def files(self, run: str) -> list[str]:
        """Return the names of the files of a run."""
        folder = self._folder / run
        return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())

    def read(self, run: str, name: str) -> bytes:
        """Return the contents of a file."""
        try:
            return (self._folder / run / name).read_bytes()
        except OSError:
            return b""

    def may_be_alive(self, run: str, _document: dict[str, Any]) -> bool:
        """Return whether the folder is locked."""
        return may_be_locked(self._folder / run)

    def remove(self, run: str) -> None:
        """Remove the folder of a run."""
        folder = self._folder / run
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise WorkflowError(
                f"cannot remove {folder}: {error.strerror or error}",
                code="FL734",
                hint="check who owns the folder and its files",
            ) from error


class StoredRuns:
    """The runs below a URL; there are no locks."""

    def __init__(self, blobs: Blobs) -> None:
        self.place = str(blobs.url)
        self._blobs = blobs

    def names(self) -> list[str]:
        """Return the ids of the runs, the oldest first."""
        names = {key.split("/")[1] for key in self._blobs.keys(RUNS)}
        return sorted(name for name in names if is_run_id(name))

    def address(self, run: str) -> str:
        """Return the URL of a run."""
        return self._blobs.url.of(f"{RUNS}/{run}")

    def files(self, run: str) -> list[str]:
        """Return the names of the files of a run."""
        folder = f"{RUNS}/{run}"
        return [key.removeprefix(f"{folder}/") for key in self._blobs.keys(folder)]

    def read(self, run: str, name: str) -> bytes:
        """Return the contents of a file."""
        return self._blobs.get(f"{RUNS}/{run}/{name}") or b""

    def may_be_alive(self, _run: str, document: dict[str, Any]) -> bool:
        """Return whether the process exists; of a process on another machine, that is unknown."""
        process = document.get("process")
        if document.get("host") != socket.gethostname() or not isinstance(process, int):
            return True
        return process == os.getpid() or is_running(process)

    def remove(self, run: str) -> None:
        """Remove the files of a run; what says that it exists, last."""
        keys = self._blobs.keys(f"{RUNS}/{run}")
        self._blobs.delete(sorted(keys, key=lambda key: key.endswith("/run.json")))
