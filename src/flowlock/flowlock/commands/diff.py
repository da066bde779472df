"""`flowlock diff`: what changed in the locks since a revision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, assert_never

from flowlock.conda.match import compare_versions
from flowlock.edges import files, git
from flowlock.lock.lockfile import diff, document
from flowlock.lock.lockfile.diff import PinChange
from flowlock.lock.lockfile.forms import DiffForm

NAME = "pixi.lock"


@dataclass(frozen=True, kw_only=True, slots=True)
class LockDiff:
    """One lock's changes; `platforms` are those of each environment in both revisions."""

    path: str
    changes: tuple[PinChange, ...]
    platforms: Mapping[str, Sequence[str]]

    def as_json(self) -> Mapping[str, Any]:
        """Return {path, changes}."""
        return {"path": self.path, "changes": [change.as_json() for change in self.changes]}


@dataclass(frozen=True, kw_only=True, slots=True)
class DiffResult:
    """What changed in each lock that changed."""

    revision: str
    locks: tuple[LockDiff, ...]
    form: DiffForm = DiffForm.TEXT

    @property
    def ok(self) -> bool:
        """Whether the locks could be compared; what prevents that is raised."""
        return True

    def as_json(self) -> Mapping[str, Any]:
        """Return {"revision", "locks": [{path, changes}]}."""
        return {"revision": self.revision, "locks": [lock.as_json() for lock in self.locks]}

    def as_text(self) -> str:
        """Return the changes of each lock in the requested form."""
        match self.form:
            case DiffForm.TEXT:
                parts = [[lock.path, *diff.as_lines(lock.changes, lock.platforms)] for lock in self.locks]
            case DiffForm.MARKDOWN:
                parts = [
                    [f"### {lock.path}", "", *diff.as_markdown(lock.changes, lock.platforms), ""]
                    for lock in self.locks
                ]
            case _:
                assert_never(self.form)
        lines = [line for part in parts for line in part]
        return "\n".join(lines) if lines else f"the locks are identical to {self.revision}"


def since(folder: Path, revision: str, *, form: DiffForm = DiffForm.TEXT) -> DiffResult:
    """Compare every pixi.lock below a folder with what it was at a revision; new and gone ones count."""
    commit = git.commit_of(folder, revision)
    before = [path for path in git.files_at(folder, commit) if Path(path).name == NAME]
    now = [path for path in git.source_files(folder) if Path(path).name == NAME]
    locks = []
    for path in sorted({*before, *now}):
        old = document.read(git.text_at(folder, commit, path), path) if path in before else None
        new = document.read(files.read_text(folder / path, path), path) if path in now else None
        changes = diff.changes(old, new, compare_versions)
        if changes:
            locks.append(
                LockDiff(path=path, changes=changes, platforms=diff.platforms_by_environment(old, new))
            )
    return DiffResult(revision=revision, locks=tuple(locks), form=form)
