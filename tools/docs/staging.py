"""The pages of the site as a folder of Markdown: those of docs/, and the generated ones."""

import json
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath
from typing import Any

import tomlkit

from flowlock import workspace
from flowlock.documents.settings import settings_schema
from flowlock.spec.json_schema import spec_schema
from flowlock.tasks.discover import signatures
from tools.docs.command_pages import command_pages
from tools.docs.diagrams import flowchart_svg, read_flowchart
from tools.docs.example_pages import example_pages
from tools.docs.key_pages import settings_page, spec_page
from tools.docs.spec_slices import slices
from tools.docs.task_pages import task_pages
from tools.docs.workflow_command import workflow_command_page

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
CONFIGURATION = "site.toml"
# What becomes a page under another name, by its path in the repository.
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "locations/services/flowlock-services-jobs/README.md": "services-jobs.md",
}
_LINK = re.compile(r"(\]\()([^)\s]+)(\))")
_MERMAID = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def stage(folder: Path) -> None:
    """Write the pages and the configuration of the site into an empty folder."""
    written = pages()
    for path, text in written.items():
        target = folder / "pages" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    for source in sorted(DOCS.rglob("*")):
        if source.suffix in {".png", ".svg", ".js"}:
            target = folder / "pages" / source.relative_to(DOCS)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    (folder / "zensical.toml").write_text(configuration(list(written)), encoding="utf-8")


def pages() -> Mapping[str, str]:
    """Return every page and diagram by its path in the site."""
    guides = dict(_guides())
    return {**guides, **dict(generated(guides))}


def _guides() -> Iterator[tuple[str, str]]:
    sources = [*sorted(DOCS.rglob("*.md")), *(ROOT / name for name in PAGES)]
    for source in sources:
        path = source.relative_to(ROOT).as_posix()
        text = source.read_text(encoding="utf-8")
        yield from _with_diagrams(site_path(path), _relinked(text, path))


def generated(guides: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the path and text of what is generated; `guides` are the pages that people wrote."""
    here = workspace.load(ROOT)
    catalog = signatures(here)
    tasks = list(chain.from_iterable(catalog.tasks.values()))
    specs = [workflow.folder for workflow in here.workflow_list]
    specs += sorted(path.parent for path in (DOCS / "task-examples").glob("*/spec.yaml"))
    schema = settings_schema()
    yield from command_pages(guides)
    yield from task_pages(tasks, slices(specs), ROOT)
    yield from example_pages(here)
    yield "flowlock-toml.md", settings_page(schema)
    yield "workflow-command.md", workflow_command_page(ROOT)
    yield "spec-keys.md", spec_page(spec_schema(catalog))
    yield "workspace.schema.json", json.dumps(schema, indent=2) + "\n"


def site_path(path: str) -> str:
    """Return where the site has a file of the repository; what is no page is part of an example."""
    if path in PAGES:
        return PAGES[path]
    inside = PurePosixPath(path)
    if inside.parts[0] == "docs":
        return inside.relative_to("docs").as_posix()
    if inside.parts[0] == "examples" and len(inside.parts) > 1:
        return f"examples/{inside.parts[1]}.md"
    raise ValueError(f"the site has no page for {path}")


def _relinked(text: str, path: str) -> str:
    """Point the links of a page at the site's pages."""
    folder = PurePosixPath(path).parent
    here = PurePosixPath(site_path(path)).parent

    def moved(match: re.Match[str]) -> str:
        link, _, anchor = match[2].partition("#")
        if not link or re.match(r"[a-z]+:", link):
            return match[0]
        target = site_path(normpath(f"{folder}/{link}"))
        end = f"#{anchor}" if anchor else ""
        return f"{match[1]}{relpath(target, here)}{end}{match[3]}"

    return _LINK.sub(moved, text)


def _with_diagrams(path: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield a page with its Mermaid flowcharts as pictures, and the pictures."""
    name = path.removesuffix(".md")
    parts = _MERMAID.split(text)
    for number, source in enumerate(parts[1::2]):
        chart = read_flowchart(source)
        picture = f"{name}-{number}.svg"
        yield picture, flowchart_svg(chart)
        words = ", ".join(chart.nodes.values())
        parts[2 * number + 1] = f"![A flowchart: {words}]({PurePosixPath(picture).name})"
    yield path, "".join(parts)


def configuration(paths: list[str]) -> str:
    """Return docs/site.toml, with pages instead of the folders that its navigation names."""
    document = tomlkit.parse((DOCS / CONFIGURATION).read_text(encoding="utf-8")).unwrap()
    project = document["project"]
    project["nav"] = [_expanded(entry, paths) for entry in project["nav"]]
    return tomlkit.dumps(document)


def _expanded(entry: Any, paths: list[str]) -> Any:
    if isinstance(entry, str):
        return entry
    ((title, target),) = entry.items()
    if isinstance(target, list):
        return {title: [_expanded(inner, paths) for inner in target]}
    if not target.endswith("/"):
        return entry
    inside = sorted(path for path in paths if path.startswith(target) and path.endswith(".md"))
    index = f"{target}index.md"
    return {title: [index, *(path for path in inside if path != index)]}
