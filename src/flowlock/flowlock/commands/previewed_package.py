"""The package of a workflow that is previewed: compiled into a temporary folder, as the spec is now."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flowlock.commands.compile import SpecSource, catalog_for, check_specs, count, read_specs, texts_of
from flowlock.commands.session import Session
from flowlock.commands.tasks import EnvironmentLookup
from flowlock.compile.package import render
from flowlock.edges import files
from flowlock.errors import FlowlockError
from flowlock.names import import_name
from flowlock.preview.computations import Computation
from flowlock.report.renderings import errors
from flowlock.spec.catalog import Catalog
from flowlock.spec.facts import WorkspaceFacts, facts_of
from flowlock.spec.model import Spec
from flowlock.workspace import Workflow

LAYOUT = "{}/layout.json"
KEPT = "the last good dashboard"


@dataclass(kw_only=True)
class PreviewedPackage:
    """A workflow's package in a separate folder; what is known of tasks is kept from edit to edit."""

    session: Session
    workflow: Workflow
    folder: Path
    catalog: Catalog | None = None

    def forget_tasks(self) -> None:
        """Read the tasks again before the next compilation: their sources were edited."""
        self.catalog = None

    def compiled(self, arguments: list[str]) -> Computation:
        """Compile the spec, and return how to run it with arguments; if it has problems, they are an error.

        Its literals are checked later: that takes longer than many computations, which refuse them too.
        """
        workspace = self.session.workspace
        facts = facts_of(workspace)
        sources = read_specs(workspace, [self.workflow])
        spec = sources[0].spec
        if self.catalog is None or _names_unknown_tasks(self.catalog, spec):
            self.catalog = self._catalog(sources, facts, literals=False)
        spec, function = self._checked(sources, self.catalog, facts)
        rendered = render(spec, self.catalog, facts, source=sources[0].text, layout=sources[0].layout)
        package = import_name(self.workflow.distribution)
        module = {path: text for path, text in rendered.items() if path.startswith(f"{package}/")}
        if LAYOUT.format(package) not in module:
            files.remove(self.folder / LAYOUT.format(package))
        files.sync_folder(self.folder, module)
        folders = [folder for one in workspace.packages for folder in (one.folder, one.folder / "src")]
        return Computation(
            package=package,
            function=function,
            arguments=arguments,
            paths=[self.folder, *(folder for folder in folders if folder.is_dir())],
        )

    def check_literals(self) -> None:
        """Raise the problems that the spec has with its literals."""
        facts = facts_of(self.session.workspace)
        sources = read_specs(self.session.workspace, [self.workflow])
        self._checked(sources, self._catalog(sources, facts, literals=True), facts)

    def _catalog(self, sources: Sequence[SpecSource], facts: WorkspaceFacts, *, literals: bool) -> Catalog:
        lookup = EnvironmentLookup(session=self.session)
        progress = self.session.progress
        return catalog_for(self.session.workspace, sources, facts, progress, lookup, literals=literals)

    def _checked(
        self, sources: Sequence[SpecSource], catalog: Catalog, facts: WorkspaceFacts
    ) -> tuple[Spec, str]:
        """Return the spec and its id; its problems, if it has some, are an error."""
        wrong = errors(check_specs(sources, catalog, facts))
        spec = sources[0].spec
        if wrong or spec is None or spec.id is None:
            texts = texts_of(sources, self.session.workspace)
            raise FlowlockError(f"{count(wrong)} in the spec", problems=wrong, texts=texts, kept=KEPT)
        return spec, spec.id.value


def _names_unknown_tasks(catalog: Catalog, spec: Spec | None) -> bool:
    """Return whether a catalog was made for other requirements than those of the spec."""
    if spec is None:
        return False
    tasks = [step.task.value for step in spec.steps if step.task is not None]
    return not all(map(catalog.knows, tasks))
