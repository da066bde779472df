"""`flowlock update-requirement`: a package's next version in specs, recipes and manifests, then sync."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from flowlock import workspace
from flowlock.commands import sync
from flowlock.commands.build_lock import FILE as BUILD_LOCK
from flowlock.commands.session import Session
from flowlock.commands.sync_result import SyncResult
from flowlock.edges import files
from flowlock.errors import FlowlockError
from flowlock.release.requirement import EDITORS, EditedFile, MovedRequirement, RequirementMove
from flowlock.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateResult:
    """Each place where the requirement was moved, and how the sync afterwards went (None in a dry run)."""

    name: str
    version: str
    changes: tuple[MovedRequirement, ...]
    synced: SyncResult | None

    @property
    def ok(self) -> bool:
        """Whether nothing is out of date afterwards."""
        return self.synced is None or self.synced.ok

    def as_json(self) -> Mapping[str, Any]:
        """Return {"ok", "name", "version", "changes": [{file, line, old, new}], "stages"}."""
        return {
            "ok": self.ok,
            "name": self.name,
            "version": self.version,
            "changes": [change.as_json() for change in self.changes],
            "stages": self.synced.as_json()["stages"] if self.synced else [],
        }

    def as_text(self) -> str:
        """Return one line per change, and what the sync says."""
        lines = [
            f"{change.file}:{change.line}: {change.old or 'any version'} → {change.new}"
            for change in self.changes
        ]
        if not lines:
            lines = [f"every requirement on {self.name} already specifies {self.version}"]
        synced = self.synced.as_text() if self.synced else ""
        if synced:
            lines.append(synced)
        return "\n".join(lines)


def update_requirement(session: Session, name: str, version: str, *, dry_run: bool = False) -> UpdateResult:
    """Move a package everywhere and sync; if that fails, specs, recipes and manifests are as before.

    `name` is the conda name or the wheel's, `version` a version or a whole constraint.
    """
    space = session.workspace
    move = _move(space, name, version)
    with session.exclusive():
        edited = _edited(space, move)
        changes = tuple(change for document in edited.values() for change in document.changes)
        if dry_run:
            return UpdateResult(name=name, version=version, changes=changes, synced=None)
        texts = {path: document.text for path, document in edited.items() if document.changes}
        with _restored_on_failure(space, texts):
            for path, text in texts.items():
                files.write_text(path, text)
            fresh = replace(session, workspace=workspace.load(space.root, offline=session.offline))
            synced = sync.sync(fresh, check=False, dry_run=False, jobs=None)
    return UpdateResult(name=name, version=version, changes=changes, synced=synced)


def _edited(space: Workspace, move: RequirementMove) -> dict[Path, EditedFile]:
    """Return every document as it would be; what cannot be moved, and what nothing requires, is refused."""
    edited = {path: _edit(space, path, move) for path in _documents(space)}
    problems = [problem for document in edited.values() for problem in document.problems]
    if problems:
        raise FlowlockError(
            f"{move.name} cannot be changed to {move.version} everywhere",
            problems=problems,
            kept="all files, unchanged",
        )
    if not any(document.changes for document in edited.values()):
        _refuse_unknown(space, move, edited)
    return edited


def _move(space: Workspace, name: str, version: str) -> RequirementMove:
    wheel = canonicalize_name(name)
    conda = str(space.conda_name(name)) if wheel in space.wheel_names else name
    wheels = {other for other, own in space.wheel_names.items() if own == conda}
    return RequirementMove(
        name=conda, wheels=frozenset({wheel, canonicalize_name(conda), *wheels}), version=version
    )


def _documents(space: Workspace) -> Iterator[Path]:
    """Yield everything that people write requirements into; what is generated follows from that."""
    yield space.root / workspace.FILE
    yield from (workflow.spec for workflow in space.workflow_list)
    yield from sorted(space.recipes.glob("*/recipe.yaml"))
    yield from sorted(space.recipes.glob("vendor/*/recipe.yaml"))
    yield from (package.folder / "pyproject.toml" for package in space.packages)
    manifests = (package.folder / "pixi.toml" for package in space.packages)
    yield from (manifest for manifest in manifests if manifest.is_file())


def _edit(space: Workspace, path: Path, move: RequirementMove) -> EditedFile:
    shown = space.relative(path)
    return EDITORS[path.name](files.read_text(path, shown), shown, move)


def _refuse_unknown(space: Workspace, move: RequirementMove, edited: Mapping[Path, EditedFile]) -> None:
    """Refuse a name that nothing requires: a misspelt one would look as if it were up to date."""
    probe = replace(move, version=">=0,!=0.0.0")
    for path in edited:
        if _edit(space, path, probe).changes:
            return
    raise FlowlockError(
        f"no spec, recipe or pyproject requires {move.name}",
        code="FL852",
        hint="check the name; `flowlock recipe PACKAGE` prints what a package requires",
    )


@contextmanager
def _restored_on_failure(space: Workspace, edited: Iterable[Path]) -> Iterator[None]:
    """Restore what a failed block changed in the edited files, the generated packages and the locks."""
    before = {path: path.read_bytes() for path in _committed_files(space, edited)}
    try:
        yield
    except BaseException:
        for path in _committed_files(space, edited):
            if path not in before:
                path.unlink()
        for path, data in before.items():
            if not path.is_file() or path.read_bytes() != data:
                files.write_bytes(path, data)
        raise


def _committed_files(space: Workspace, edited: Iterable[Path]) -> list[Path]:
    folders = [generated.package for generated in space.generated]
    generated = [path for folder in folders for path in folder.rglob("*")]
    return [path for path in {*edited, space.recipes / BUILD_LOCK, *generated} if path.is_file()]
