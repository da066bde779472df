"""A workflow that is compiled for the tests of the page of its service."""

from pathlib import Path

import gauge_tasks
from flowlock.compile.package import render
from flowlock.spec.catalog import Catalog
from flowlock.spec.rules.check import check_text
from flowlock_core.registry import Registration, registrations
from flowlock_core.schema import signature
from flowlock_core.task import Task
from specs import FACTS, with_verdicts

SPEC = """\
id: gauges
metadata: {title: Gauges of a river, description: What the tests of the page fill in and run.}
requirements:
  - {name: flowlock-core, version: ">=0.1.0", channel: "https://example.org/release"}
  - {name: gauge-tasks, version: "*", channel: "https://example.org/release"}
workflow:
  - {name: Observe, id: observed, task: observe}
  - type: task-group
    title: Look closer
    description: One after another.
    tasks:
      - name: Wait for each
        id: waited
        task: wait
        map: {argnames: [item], argvalues: "${{ workflow.observed.return }}"}
      - name: Describe them
        id: described
        task: describe
        partial: {items: "${{ workflow.waited.return }}"}
  - name: The words
    id: words
    task: create_text_widget
    partial: {text: "${{ workflow.described.return }}", title: In words, width: full}
  - name: Gather
    id: dashboard
    task: gather_dashboard
    partial: {title: What was seen, widgets: ["${{ workflow.words.return }}"], description: ""}
"""


def compile_gauges(root: Path) -> None:
    """Write the package of the workflow that the tests of the page run."""
    known = [one for one in registrations() if one.distribution == "flowlock-core"]
    found = [signature(one.load(), name=one.name, distribution=one.distribution) for one in known]
    own = [task for task in vars(gauge_tasks).values() if isinstance(task, Task)]
    found += [signature(task, distribution="gauge-tasks") for task in own]
    known += [
        Registration(name=task.name, distribution="gauge-tasks", target=f"gauge_tasks:{task.func.__name__}")
        for task in own
    ]
    catalog = with_verdicts(Catalog.of(found), SPEC, known)
    spec, problems = check_text(SPEC, "spec.yaml", catalog, FACTS)
    assert spec is not None
    assert not problems, [problem.message for problem in problems]
    for path, text in render(spec, catalog, FACTS, source=SPEC).items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
