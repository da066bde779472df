"""A page for each example: its graph, spec and parameters."""

from collections.abc import Iterator
from pathlib import Path

from flowlock.commands.graph import GraphForm, graph
from flowlock.commands.session import Profile, Session
from flowlock.report.reporter import Silent
from flowlock.spec.parse import parse
from flowlock.workspace import Workflow, Workspace
from tools.docs.markdown import fence, table


def example_pages(workspace: Workspace) -> Iterator[tuple[str, str]]:
    """Yield the path and text of the index, of each example's page and of its graph."""
    session = Session(workspace=workspace, profile=Profile.EMBEDDED, offline=True, progress=Silent())
    rows = []
    for workflow in workspace.workflow_list:
        spec, _ = parse(workflow.spec.read_text(encoding="utf-8"), "spec.yaml")
        if spec is None:
            raise ValueError(f"{workflow.spec} is not a spec")
        words = spec.metadata.description.value if spec.metadata.description else ""
        rows.append([f"[{workflow.name}]({workflow.name}.md)", spec.title, words])
        yield f"examples/{workflow.name}.md", _page(workflow, spec.title, words)
        drawn = graph(session, workflow.name, form=GraphForm.SVG, output=None, show=False)
        yield f"examples/{workflow.name}.svg", drawn.graph
    head = "# Examples\n\nEach is in `examples/` of the repository, with its data and test cases.\n\n"
    yield "examples/index.md", head + table(("workflow", "title", "description"), rows)


def _page(workflow: Workflow, title: str, words: str) -> str:
    parts = [
        f"# {title}\n",
        f"{words.strip()}\n",
        fence("sh", f"flowlock run {workflow.name}"),
        f"![The steps of {workflow.name}, drawn]({workflow.name}.svg)\n",
        "## The spec\n",
        fence("yaml", workflow.spec.read_text(encoding="utf-8")),
    ]
    for file in sorted(_beside(workflow.folder)):
        parts += [f"## {file.name}\n", fence("yaml", file.read_text(encoding="utf-8"))]
    return "\n".join(parts)


def _beside(folder: Path) -> Iterator[Path]:
    for name in ("params.yaml", "test-cases.yaml"):
        if (folder / name).exists():
            yield folder / name
