"""`flowlock location update-requirement`: write down the commits of packages that other repositories have."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowlock.builder.plan.git_packages import checked_out, commits, require_network
from flowlock.commands.session import Session
from flowlock.documents.git_source_table import GitSourceTable, WrittenCommit, text_of
from flowlock.edges import files, git
from flowlock.errors import FlowlockError, nearest
from flowlock.workspace import DagsterLocation, Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class MovedSource:
    """The commit of a package before (empty if there was none) and now."""

    name: str
    reference: str
    old: str
    new: str

    @property
    def status(self) -> str:
        """Whether the commit is another one."""
        return "current" if self.old == self.new else "updated"

    def as_json(self) -> Mapping[str, str]:
        """Return {name, reference, old, new, status}."""
        names = ("name", "reference", "old", "new", "status")
        return {name: getattr(self, name) for name in names}

    def as_text(self) -> str:
        """Return one line."""
        change = self.new if self.old == self.new else f"{self.old or 'nothing'} → {self.new}"
        return f"{self.name}: {self.reference}: {change}"


@dataclass(frozen=True, kw_only=True, slots=True)
class SourcesResult:
    """What `location update-requirement` prints."""

    file: str
    sources: tuple[MovedSource, ...]

    @property
    def ok(self) -> bool:
        """Always: what cannot be moved is an error."""
        return True

    def as_json(self) -> Mapping[str, Any]:
        """Return {"file", "sources": [{name, reference, old, new, status}]}."""
        return {"file": self.file, "sources": [source.as_json() for source in self.sources]}

    def as_text(self) -> str:
        """Return a line for each package, and what to do next if a commit has changed."""
        lines = [source.as_text() for source in self.sources]
        if any(source.status == "updated" for source in self.sources):
            lines.append(f"hint: run `flowlock sync`, then commit {self.file} and the lock")
        return "\n".join(lines)


def update_sources(session: Session, name: str | None) -> SourcesResult:
    """Write down the present commit of a package's tag or branch, or those of all packages.

    Each commit is checked out and has a recipe, or nothing is written. A tag that has moved is refused.
    """
    workspace = session.workspace
    location = workspace.location
    sources = location.table.sources if location else {}
    if location is None or (name is not None and name not in sources):
        raise FlowlockError(
            f"[location.sources] has no package `{name or ''}`",
            code="FL935",
            hint=nearest(name or "", list(sources)) or f"packages there: {', '.join(sources) or 'none'}",
        )
    with session.exclusive():
        return _update(workspace, location, [name] if name else list(sources))


def _update(workspace: Workspace, location: DagsterLocation, names: list[str]) -> SourcesResult:
    written = dict(commits(workspace, location))
    moved = []
    for name in names:
        source = location.table.sources[name]
        before = written.get(name)
        old = before.commit if before is not None and before.is_of(source) else ""
        new = source.commit or _present(workspace, name, source, old)
        checked_out(workspace, name, source, new)
        moved.append(MovedSource(name=name, reference=source.shown, old=source.commit or old, new=new))
        if not source.commit:
            written[name] = WrittenCommit(git=source.git, reference=source.reference, commit=new)
    kept = {name: one for name, one in written.items() if name in location.table.sources}
    files.write_text(location.commits, text_of(kept))
    return SourcesResult(file=workspace.relative(location.commits), sources=tuple(moved))


def _present(workspace: Workspace, name: str, source: GitSourceTable, old: str) -> str:
    """Return the commit that the repository has for a tag or branch now; a tag stays where it was."""
    require_network(workspace, source)
    commit = git.remote_reference(workspace.root, source.git, source.reference)
    if commit is None:
        raise FlowlockError(
            f"{source.git} does not have {source.shown}, which {name} is built from",
            code="FL936",
            hint="correct it under [location.sources] in flowlock.toml",
        )
    if source.tag and old and commit != old:
        raise FlowlockError(
            f"{source.shown} of {source.git} has moved: it was {old}, and is {commit}",
            code="FL937",
            kept=f"{workspace.relative(workspace.root)}: nothing was written",
            hint=f'ask why; to accept it, write `commit = "{commit}"` instead of the tag',
        )
    return commit
