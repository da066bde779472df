"""`flowlock compile`: specs on disk → packages on disk. All are checked before anything is written."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from flowlock.commands import hand_edits
from flowlock.commands.last_release import PreviousRelease, last_release
from flowlock.commands.location_packages import refuse_broken
from flowlock.compile.compatibility import Parameters
from flowlock.compile.location import LocatedWorkflow, render_location
from flowlock.compile.manifest import MANIFEST, digest, recorded
from flowlock.compile.package import render
from flowlock.edges import files
from flowlock.errors import FlowlockError, Location, Problem, from_os_error
from flowlock.lifecycle.names import job_name
from flowlock.names import import_name
from flowlock.report.renderings import errors, warnings
from flowlock.report.reporter import Progress
from flowlock.spec.catalog import Catalog
from flowlock.spec.facts import WorkspaceFacts, facts_of
from flowlock.spec.layout import FILE as LAYOUT
from flowlock.spec.layout import WidgetPosition, parse_layout
from flowlock.spec.literals import literal_checks
from flowlock.spec.model import Spec, SpecRequirement
from flowlock.spec.parse import parse
from flowlock.spec.rules.check import by_place, check, without_consequences
from flowlock.tasks.discover import TaskLookup, signatures, with_foreign_tasks
from flowlock.workspace import DagsterLocation, GeneratedPackage, Workflow, Workspace
from flowlock_core.parameters.literals import LiteralCheck

WRITERS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Compiled:
    """What was done, or with --check would have to be done, for one workflow."""

    name: str
    package: str
    status: str
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    parameters: Parameters | None = None

    def as_json(self) -> dict[str, Any]:
        """Return name, status and files; with --check after a release, how the parameters changed since."""
        names = ("name", "package", "status", "changed", "removed")
        document = {name: getattr(self, name) for name in names}
        if self.parameters:
            document["parameters"] = self.parameters.as_json()
        return document

    def as_lines(self) -> Iterator[str]:
        """Yield a line for the workflow, and one for each file and parameter that differs."""
        yield f"{self.name:<20} {self.status:<8} {self.package}"
        yield from (f"  {path}" for path in self.changed)
        yield from (f"  {path} (no longer generated)" for path in self.removed)
        if self.parameters:
            yield from (f"  {line}" for line in self.parameters.as_lines())


@dataclass(frozen=True, kw_only=True, slots=True)
class CompileResult:
    """What `flowlock compile` prints; status current|updated, or stale with --check."""

    workflows: tuple[Compiled, ...]

    @property
    def ok(self) -> bool:
        """Whether every package on disk is what its spec says."""
        return all(workflow.status != "stale" for workflow in self.workflows)

    def as_json(self) -> dict[str, Any]:
        """Return each workflow with the files that changed."""
        return {"workflows": [workflow.as_json() for workflow in self.workflows]}

    def as_text(self) -> str:
        """Return a line per workflow, and a line per file that differs."""
        lines = [line for workflow in self.workflows for line in workflow.as_lines()]
        if not self.ok:
            lines.append("hint: run `flowlock compile`, then commit the changes")
        return "\n".join(lines)


@dataclass(frozen=True, kw_only=True, slots=True)
class SpecSource:
    """A spec as read: its text, its model, and its problems."""

    workflow: Workflow
    text: str
    spec: Spec | None
    problems: tuple[Problem, ...]
    layout: tuple[WidgetPosition, ...] = ()
    layout_text: str | None = None


def compile_workflows(
    workspace: Workspace,
    names: Sequence[str],
    *,
    check: bool,
    progress: Progress,
    lookup: TaskLookup | None = None,
) -> CompileResult:
    """Compile the named workflows, or all; with `check`, write nothing and say what is out of date.

    One invalid spec, or one generated file that was changed by hand, and nothing is written. Required
    packages that are not here are looked up by `lookup`.
    """
    location = _named_location(workspace, names)
    workflows = _named_workflows(workspace, names, location)
    facts = facts_of(workspace)
    sources = read_specs(workspace, workflows)
    catalog = catalog_for(workspace, sources, facts, progress, lookup)
    problems = check_specs(sources, catalog, facts)
    if wrong := errors(problems):
        message = f"{count(wrong)} in the specs; nothing was compiled"
        raise FlowlockError(message, problems=wrong, texts=texts_of(sources, workspace))
    if problems:
        progress.note(f"{count(problems)} in the specs: see `flowlock check`")
    changes = []
    for source in sources:
        assert source.spec is not None  # noqa: S101 - a spec that cannot be read is a problem
        rendered = render(source.spec, catalog, facts, source=source.text, layout=source.layout)
        changes.append(_compare(workspace, source.workflow, rendered))
    if location is not None:
        refuse_broken(workspace, location)
        located = _located(workspace, location, changes)
        changes.append(_compare(workspace, location, render_location(location.table, located, facts)))
    release = None
    if check:
        release = last_release(workspace)
    else:
        _write_all(changes)
    return CompileResult(workflows=tuple(_result(change, release, check=check) for change in changes))


def _named_location(workspace: Workspace, names: Sequence[str]) -> DagsterLocation | None:
    """Return the location of the workspace if it is named, or if nothing is."""
    location = workspace.location
    if location is None or not names:
        return location
    return location if {location.name, location.distribution}.intersection(names) else None


def _named_workflows(
    workspace: Workspace, names: Sequence[str], location: DagsterLocation | None
) -> Sequence[Workflow]:
    """Return the workflows of these names, all of them without names."""
    if not names:
        return workspace.workflow_list
    others = () if location is None else (location.name, location.distribution)
    return [workspace.workflow(name) for name in names if name not in others]


def _located(
    workspace: Workspace, location: DagsterLocation, changes: "Sequence[_Change]"
) -> list[LocatedWorkflow]:
    """Return the workflows of a location, whose packages are compiled."""
    location.require_valid()
    compiled = {change.workflow.name for change in changes}
    located = []
    for name in location.table.workflows:
        workflow = workspace.workflow(name)
        if name not in compiled and not workflow.package.is_dir():
            raise FlowlockError(
                f"{workspace.relative(workflow.package)} is not compiled",
                code="FL932",
                hint=f"run `flowlock compile {name} {location.name}`",
            )
        located.append(
            LocatedWorkflow(
                name=name,
                function=job_name(name),
                package=import_name(workflow.distribution),
                distribution=workflow.distribution,
            )
        )
    return located


def read_specs(workspace: Workspace, workflows: Sequence[Workflow]) -> list[SpecSource]:
    """Read the specs of workflows."""
    sources = []
    for workflow in workflows:
        file = workspace.relative(workflow.spec)
        text, problems = read_text(workflow.spec, file)
        spec, more = parse(text, file) if not problems else (None, [])
        problems = [*problems, *more, *_misplaced(workflow, spec)]
        source = SpecSource(workflow=workflow, text=text, spec=spec, problems=tuple(problems))
        sources.append(with_layout(source, workspace))
    return sources


def with_layout(source: SpecSource, workspace: Workspace) -> SpecSource:
    """Add the `layout.json` beside a spec, if there is one, and its problems."""
    path = source.workflow.folder / LAYOUT
    if source.spec is None or not path.is_file():
        return source
    file = workspace.relative(path)
    text, problems = read_text(path, file)
    layout, more = parse_layout(text, file, source.spec) if not problems else ((), [])
    wrong = (*source.problems, *problems, *more)
    return replace(source, layout=layout, layout_text=text, problems=wrong)


def texts_of(sources: Sequence[SpecSource], workspace: Workspace) -> dict[str, str]:
    """Return the texts that problems point into, by the names that they use."""
    texts = {}
    for source in sources:
        texts[workspace.relative(source.workflow.spec)] = source.text
        if source.layout_text is not None:
            texts[workspace.relative(source.workflow.folder / LAYOUT)] = source.layout_text
    return texts


def read_text(path: Path, file: str) -> tuple[str, list[Problem]]:
    """Read a spec's text in UTF-8, with LF line ends; what prevents that is a problem like others."""
    try:
        return files.read_text(path, file).replace("\r\n", "\n"), []
    except FlowlockError as error:
        problem = error.problems[0]
        if problem.location is not None:
            return "", [replace(problem, code="FL106")]
        return "", [replace(problem, location=Location(file=file))]


def _misplaced(workflow: Workflow, spec: Spec | None) -> list[Problem]:
    """Compare the id with the folder: a name must be enough to find a workflow."""
    if spec is None or spec.id is None:
        return []
    same = spec.id.value.lower().replace("_", "-") == workflow.name.lower().replace("_", "-")
    if same or not re.fullmatch(r"\w+", spec.id.value):
        return []
    message = f"the id `{spec.id.value}` does not match the folder `{workflow.name}`"
    hint = f"rename the folder, or write `id: {workflow.name.replace('-', '_')}`"
    return [Problem(code="FL123", message=message, location=spec.id.at, hint=hint)]


def catalog_for(
    workspace: Workspace,
    sources: Sequence[SpecSource],
    facts: WorkspaceFacts,
    progress: Progress,
    lookup: TaskLookup | None = None,
    *,
    checks: Iterable[LiteralCheck] = (),
    literals: bool = True,
) -> Catalog:
    """Look up the tasks that specs may name, if necessary in packages that are not installed.

    The catalog has the verdicts of the specs' own literals, unless not wanted, and of `checks`.
    """
    specs = [source.spec for source in sources if source.spec]
    own = chain.from_iterable(map(literal_checks, specs if literals else ()))
    every_check = list(dict.fromkeys((*own, *checks)))
    catalog = signatures(workspace, _required(specs, facts), checks=every_check, progress=progress)
    missing = list(_missing(specs, catalog, facts))
    return with_foreign_tasks(catalog, missing, lookup, every_check) if lookup and missing else catalog


def _required(specs: Sequence[Spec], facts: WorkspaceFacts) -> set[str] | None:
    """Return the distributions that specs require; None if one of them leaves that to us."""
    if any(spec.open for spec in specs):
        return None
    requirements = chain.from_iterable(spec.requirements for spec in specs)
    return {facts.distribution(requirement.name.value) for requirement in requirements if requirement.name}


def _missing(specs: Sequence[Spec], catalog: Catalog, facts: WorkspaceFacts) -> Iterator[SpecRequirement]:
    """Yield the absent packages of specs that name a task which nobody here has; one may have it.

    A package of a channel that flowlock.toml does not know is not looked for.
    """
    for spec in specs:
        if all(catalog.knows(step.task.value) for step in spec.steps if step.task):
            continue
        for requirement in spec.requirements:
            name, channel = requirement.name, requirement.channel
            if name is None or facts.distribution(name.value) in catalog.distributions:
                continue
            if channel is None or facts.knows_channel(channel.value):
                yield requirement


def check_specs(sources: Sequence[SpecSource], catalog: Catalog, facts: WorkspaceFacts) -> list[Problem]:
    """Return all problems of all specs."""
    problems = []
    for source in sources:
        own = list(source.problems)
        if source.spec:
            own += check(source.spec, catalog, facts)
        problems += without_consequences(own)
    return by_place(problems)


def count(problems: Sequence[Problem]) -> str:
    """Return how many problems and warnings there are."""
    numbers = {"problem": len(errors(problems)), "warning": len(warnings(problems))}
    return ", ".join(f"{n} {word}{'s' if n > 1 else ''}" for word, n in numbers.items() if n)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Change:
    """A package on disk and what it should be."""

    workflow: GeneratedPackage
    package: str
    rendered: Mapping[str, str]
    manifest_before: str
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    edited: tuple[Problem, ...]


def _compare(workspace: Workspace, workflow: GeneratedPackage, rendered: Mapping[str, str]) -> _Change:
    folder = workflow.package
    before = hand_edits.existing(folder / MANIFEST) or ""
    digests = recorded(before)
    changed: list[str] = []
    removed: list[str] = []
    edited: list[Problem] = []
    for path in sorted({*digests, *rendered} - {MANIFEST}):
        present = hand_edits.existing(folder / path)
        if present == rendered.get(path):
            continue
        if present is not None and digest(present) not in digests[path]:
            edited.append(hand_edits.edited(workspace.relative(folder / path), gone=path not in rendered))
        (changed if path in rendered else removed).append(path)
    if before != rendered[MANIFEST]:
        changed.append(MANIFEST)
    return _Change(
        workflow=workflow,
        package=workspace.relative(folder),
        rendered=rendered,
        manifest_before=before,
        changed=tuple(changed),
        removed=tuple(removed),
        edited=tuple(edited),
    )


def _write_all(changes: Sequence[_Change]) -> None:
    """Write packages side by side: most of the time goes into waiting for the disk to have each file."""
    edited = [problem for change in changes for problem in change.edited]
    if edited:
        raise FlowlockError("generated files were changed by hand; nothing was written", problems=edited)
    differing = [change for change in changes if change.changed or change.removed]
    with ThreadPoolExecutor(max_workers=WRITERS) as pool:
        for _ in pool.map(_write, differing):
            continue


def _write(change: _Change) -> None:
    """Write what differs.

    While files change, the manifest holds the digests of before and after: a run that was killed leaves
    nothing that looks like a change by hand.
    """
    folder, final = change.workflow.package, change.rendered[MANIFEST]
    files.write_text(folder / MANIFEST, change.manifest_before + final)
    files.sync_folder(folder, {path: text for path, text in change.rendered.items() if path != MANIFEST})
    for path in change.removed:
        try:
            (folder / path).unlink(missing_ok=True)
        except OSError as error:
            raise from_os_error(error, "delete", folder / path) from error
    files.write_text(folder / MANIFEST, final)


def _result(change: _Change, release: PreviousRelease | None, *, check: bool) -> Compiled:
    status = "current"
    if change.changed or change.removed:
        status = "stale" if check else "updated"
    parameters = None
    if release and isinstance(change.workflow, Workflow):
        parameters = release.compare(change.workflow, change.rendered)
    return Compiled(
        name=change.workflow.name,
        package=change.package,
        status=status,
        changed=change.changed,
        removed=change.removed,
        parameters=parameters,
    )
