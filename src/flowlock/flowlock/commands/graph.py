"""`flowlock graph NAME`: a workflow's steps as a picture, drawn from its current spec."""

import webbrowser
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from flowlock.commands.compile import catalog_for, check_specs, count, read_specs, texts_of
from flowlock.commands.session import Session
from flowlock.commands.tasks import EnvironmentLookup
from flowlock.compile.code.code_plan import plan
from flowlock.compile.graph.mermaid import mermaid
from flowlock.compile.graph.svg import graph_svg
from flowlock.edges import files
from flowlock.errors import FlowlockError
from flowlock.report.renderings import errors
from flowlock.spec.catalog import scope
from flowlock.spec.facts import facts_of


class GraphForm(StrEnum):
    """How a graph is written."""

    MERMAID = "mermaid"
    SVG = "svg"


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphResult:
    """A graph, and the file that it was written to, if it was."""

    workflow: str
    form: GraphForm
    graph: str
    file: Path | None = None

    @property
    def ok(self) -> bool:
        """A graph is there, or an error was raised."""
        return True

    def as_json(self) -> Mapping[str, Any]:
        """Return {"workflow", "form", "graph", "file"}; the file is null unless one was written."""
        file = str(self.file) if self.file else None
        return {"workflow": self.workflow, "form": self.form, "graph": self.graph, "file": file}

    def as_text(self) -> str:
        """Return the graph, or where it is."""
        return str(self.file) if self.file else self.graph


def graph(session: Session, name: str, *, form: GraphForm, output: Path | None, show: bool) -> GraphResult:
    """Draw the graph of a workflow whose spec has no problems; `show` opens it in the browser.

    A picture to show is written to `output`, or below the state folder.
    """
    workspace = session.workspace
    workflow = workspace.workflow(name)
    if show:
        form = GraphForm.SVG
        output = output or workspace.state.graph(workflow.name)
    facts = facts_of(workspace)
    sources = read_specs(workspace, [workflow])
    catalog = catalog_for(workspace, sources, facts, session.progress, EnvironmentLookup(session=session))
    spec = sources[0].spec
    problems = errors(check_specs(sources, catalog, facts))
    if problems or spec is None:
        message = f"{count(problems)} in the spec, so its graph cannot be drawn"
        raise FlowlockError(message, problems=problems, texts=texts_of(sources, workspace))
    planned = plan(spec, scope(spec, catalog, facts))
    text = graph_svg(planned) if form is GraphForm.SVG else mermaid(planned)
    if output is not None:
        files.write_text(output.absolute(), text)
    if show and output is not None and not webbrowser.open(output.absolute().as_uri()):
        session.progress.note("no browser is available to show the graph")
    return GraphResult(workflow=workflow.name, form=form, graph=text, file=output)
