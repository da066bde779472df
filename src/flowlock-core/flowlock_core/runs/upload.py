"""Results that go to a URL: the run marks its place there, and its files follow when it has ended."""

import sys
from collections.abc import Sequence
from pathlib import Path

from flowlock_core.errors import Problem, WorkflowError
from flowlock_core.execute import Plan, RunLog
from flowlock_core.execute.record import Unobserved
from flowlock_core.runs.blobs import Blobs
from flowlock_core.runs.followers import RunState
from flowlock_core.runs.run_folder import RUN, RUNS


class ResultsUpload(Unobserved):
    """A follower that uploads what a run has written into a local folder.

    It comes after the run's folder among the followers, whose files it uploads too.
    """

    def __init__(self, results: Path, blobs: Blobs, run: str) -> None:
        # Whether there are results that have not been uploaded.
        self.pending = False
        self._results = results
        self._blobs = blobs
        self._marker = f"{RUNS}/{run}/{RUN}"

    def begin(self, _plan: Plan, _log: RunLog) -> None:
        """Create the run at the URL, which also shows that it can be written to."""
        path = self._results / self._marker
        if path.is_file():
            self._blobs.create(self._marker, path.read_bytes())
        self.pending = True

    def ended(self, state: RunState, _problems: Sequence[Problem]) -> None:
        """Upload everything, the marker last; a failure does not replace the one that has ended the run."""
        try:
            self._upload()
        except WorkflowError as error:
            if state is RunState.DONE:
                raise
            kept = f"and were kept in {self._results}"
            sys.stderr.write(f"warning: the results were not uploaded, {kept}: {error.message}\n")

    def _upload(self) -> None:
        files = sorted(path for path in self._results.rglob("*") if path.is_file())
        keys = [path.relative_to(self._results).as_posix() for path in files]
        for key in sorted(keys, key=lambda key: key == self._marker):
            self._blobs.put(key, self._results / key)
        self.pending = False
