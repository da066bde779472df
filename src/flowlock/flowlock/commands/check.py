"""`flowlock check`: every problem of specs, recipes and generated packages, together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flowlock.commands import compile as command
from flowlock.commands import hand_edits
from flowlock.commands.recipe import recipe_problems
from flowlock.commands.run_files import RunFiles
from flowlock.errors import Location, Problem, Severity
from flowlock.report import renderings as render
from flowlock.report.reporter import Format, Progress
from flowlock.spec.catalog import Catalog
from flowlock.spec.facts import WorkspaceFacts, facts_of
from flowlock.spec.parse import parse
from flowlock.spec.rules.check import by_place
from flowlock.tasks.discover import TaskLookup
from flowlock.workspace import Workflow, Workspace
from flowlock_core.parameters.literals import LiteralCheck

SPEC = "spec.yaml"
# What editors and people name it else.
MISNAMED = ("spec.yml", "spec.yaml.txt", "spec.yml.txt", "spec.txt", "specs.yaml", "specs.yml")
NO_SPECS = "no specs: `flowlock new workflow NAME` makes one"


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckResult:
    """All problems, sorted by place, and the texts that they are in."""

    problems: tuple[Problem, ...]
    specs: int
    texts: Mapping[str, str]
    form: Format

    @property
    def ok(self) -> bool:
        """Whether there is nothing but warnings."""
        return not render.errors(self.problems)

    def as_json(self) -> Mapping[str, Any]:
        """Return {"ok", "problems": [{code, message, file, line, column, hint}], "warnings": [the same]}."""
        return render.as_json(self.problems)

    def as_text(self) -> str:
        """Return the problems with snippets and a count, or as annotations for GitHub."""
        if self.form is Format.GITHUB:
            return render.as_github(self.problems)
        if not self.problems:
            return f"{self.specs} spec(s): no problems" if self.specs else NO_SPECS
        return f"{render.as_text(self.problems, self.texts)}\n{command.count(self.problems)}"


def check(
    workspace: Workspace,
    paths: Sequence[Path],
    *,
    form: Format,
    progress: Progress,
    lookup: TaskLookup | None = None,
    strict: bool = False,
) -> CheckResult:
    """Check spec files or those of folders; with none named, every spec and recipe.

    With `strict`, what would be a warning is an error.
    """
    facts = facts_of(workspace)
    files = _spec_files(workspace, paths) if paths else [w.spec for w in workspace.workflow_list]
    sources = [_source(workspace, file) for file in files]
    run_files = [RunFiles.read(file.parent, workspace) for file in files]
    catalog = command.catalog_for(
        workspace, sources, facts, progress, lookup, checks=_literal_checks(sources, run_files)
    )
    problems = command.check_specs(sources, catalog, facts)
    problems += _run_file_problems(
        workspace, files, sources, run_files, catalog=catalog, facts=facts, spec_problems=problems
    )
    if not paths:
        problems += _workspace_problems(workspace)
    problems = by_place(problems)
    if strict:
        problems = [replace(problem, severity=Severity.ERROR) for problem in problems]
    texts = command.texts_of(sources, workspace)
    for source, beside, file in zip(sources, run_files, files, strict=True):
        texts |= {workspace.relative(file): source.text, **beside.texts}
    return CheckResult(problems=tuple(problems), specs=len(files), texts=texts, form=form)


def _run_file_problems(
    workspace: Workspace,
    files: Sequence[Path],
    sources: Sequence[command.SpecSource],
    run_files: Sequence[RunFiles],
    *,
    catalog: Catalog,
    facts: WorkspaceFacts,
    spec_problems: Sequence[Problem],
) -> list[Problem]:
    """Return the problems of the files beside specs that have no errors: those would be found there again."""
    wrong = {problem.location.file for problem in render.errors(spec_problems) if problem.location}
    problems: list[Problem] = []
    for file, source, beside in zip(files, sources, run_files, strict=True):
        if workspace.relative(file) not in wrong:
            problems += beside.check(source, catalog, facts, workspace)
    return problems


def _workspace_problems(workspace: Workspace) -> Iterator[Problem]:
    """Yield what is wrong outside of specs: with recipes, generated files, and what stayed behind."""
    yield from recipe_problems(workspace)
    for workflow in workspace.workflow_list:
        yield from hand_edits.edits(workspace, workflow)
    yield from _orphans(workspace)


def _literal_checks(
    sources: Sequence[command.SpecSource], run_files: Sequence[RunFiles]
) -> Iterator[LiteralCheck]:
    for source, beside in zip(sources, run_files, strict=True):
        if source.spec:
            yield from beside.checks(source.spec)


def _spec_files(workspace: Workspace, paths: Sequence[Path]) -> list[Path]:
    """Return the specs that paths mean, each once."""
    return list(dict.fromkeys(file for path in paths for file in _meant_by(workspace, path)))


def _meant_by(workspace: Workspace, path: Path) -> list[Path]:
    """Return the specs that a path means: a file, those of a folder, however deep, or a workflow's name."""
    if path.is_dir():
        return _specs_below(path)
    if path.exists() or path.suffix:
        return [path]
    named = [workflow.spec for workflow in workspace.workflow_list if workflow.name == path.name]
    return named[:1] or [path]


def _specs_below(folder: Path) -> list[Path]:
    """Return a folder's own spec, or those of the folders below that are not hidden."""
    own = folder / SPEC
    if own.is_file():
        return [own]
    below = []
    for file in sorted(folder.rglob(SPEC)):
        parts = file.relative_to(folder).parts
        if not any(part.startswith(".") for part in parts):
            below.append(file)
    return below or [own]


def _source(workspace: Workspace, file: Path) -> command.SpecSource:
    """Read a spec; one that is not in the workflows' folder may have any id."""
    shown = workspace.relative(file)
    workflow = Workflow(name=file.resolve().parent.name, folder=file.parent)
    if workflow.spec == file and file.resolve().is_relative_to(workspace.workflows):
        return command.read_specs(workspace, [workflow])[0]
    text, problems = command.read_text(file, shown)
    spec, more = parse(text, shown) if not problems else (None, [])
    source = command.SpecSource(workflow=workflow, text=text, spec=spec, problems=(*problems, *more))
    return command.with_layout(source, workspace)


def _orphans(workspace: Workspace) -> Iterator[Problem]:
    """Yield what stayed behind when its source went: packages without a spec, recipes without a package."""
    for package in sorted(workspace.workflows.glob("*/flowlock-*-workflow")):
        workflow = Workflow(name=package.parent.name, folder=package.parent)
        where = Location(file=workspace.relative(package))
        if not workflow.spec.is_file():
            hint = "restore the spec, or delete the package"
            yield Problem(
                code="FL308", message="the spec of this package does not exist", location=where, hint=hint
            )
        elif package.name != workflow.distribution:
            message = f"the name of this package does not match its workflow `{workflow.name}`"
            hint = f"delete it: `flowlock compile` generates {workflow.distribution} from the spec"
            yield Problem(code="FL308", message=message, location=where, hint=hint)
    for path in sorted(workspace.workflows.glob("*/*")):
        if path.name.lower() in MISNAMED and not path.with_name(SPEC).is_file():
            yield Problem(
                code="FL333",
                message=f"this file is not read: a spec has the name {SPEC}",
                location=Location(file=workspace.relative(path)),
                hint=f"rename it to {SPEC}",
            )
    names = {package.name for package in workspace.packages}
    for recipe in sorted(workspace.recipes.glob("*/recipe.yaml")):
        if recipe.parent.name not in names:
            where = Location(file=workspace.relative(recipe))
            hint = (
                f"restore {workspace.relative(workspace.root / 'src' / recipe.parent.name)}, "
                "or delete the recipe"
            )
            yield Problem(
                code="FL309", message="the package of this recipe does not exist", location=where, hint=hint
            )
