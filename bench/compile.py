"""Compile and check: a spec of 40 tasks, 100 specs, a spec of 1,000 tasks; commands above a bare typer app.

Signatures are kept already, as they are from the second command on.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bench._measure import print_table, side_by_side

TODAY = datetime(2026, 11, 1, tzinfo=UTC)
COMMAND_GOAL, PROCESS_GOAL, MANY_GOAL, CHECK_GOAL = 0.3, 0.06, 3.0, 1.0
BARE = "import typer\napp = typer.Typer()\n@app.command()\ndef main() -> None: ...\napp()\n"
STEPS = """
  - type: task-group
    title: Part {n}
    tasks:
      - {{name: Keep columns, id: kept_{n}, task: select_columns,
         partial: {{df: "${{{{ workflow.{before}.return }}}}", columns: [a, b, c]}}}}
      - {{name: Split, id: groups_{n}, task: split_groups,
         partial: {{df: "${{{{ workflow.kept_{n}.return }}}}", by: [a]}}}}
      - id: sums_{n}
        name: Aggregate each group
        task: aggregate
        partial: {{by: [b], aggregations: [{{column: c, function: sum, name: c}}]}}
        mapvalues: {{argnames: [df], argvalues: "${{{{ workflow.groups_{n}.return }}}}"}}
      - {{name: Put together, id: whole_{n}, task: concat_groups,
         partial: {{groups: "${{{{ workflow.sums_{n}.return }}}}"}}}}
"""
COUNT = """
  - {{id: count_{n}, task: count_rows, partial: {{df: "${{{{ workflow.{before}.return }}}}"}}}}
"""


def spec(name: str, tasks: int) -> str:
    """Return a spec of so many tasks: a chain of groups in which tables are split, mapped and joined."""
    parts = [f"id: {name}\nrequirements: [flowlock-core]\nworkflow:\n  - {{id: table, task: load_table}}\n"]
    before = "table"
    for number in range((tasks - 1) // 4):
        parts.append(STEPS.format(n=number, before=before))
        before = f"whole_{number}"
    parts += [COUNT.format(n=number, before=before) for number in range((tasks - 1) % 4)]
    return "".join(parts)


def workspace_in(folder: Path, specs: dict[str, str]) -> Path:
    """Make a workspace with these workflows only, in git, its signatures kept."""
    from flowlock import workspace
    from flowlock.commands.init import init
    from flowlock.tasks import discover

    init(folder, today=TODAY)
    subprocess.run(["git", "init", "-q", folder], check=True)
    (folder / "examples/hello/spec.yaml").unlink()
    for name, text in specs.items():
        path = folder / "examples" / name / "spec.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    discover.signatures(workspace.load(folder), [])
    return folder


def run(*command: str | Path) -> Callable[[], object]:
    """Return what runs a command, and fails if it does."""
    return lambda: subprocess.run([sys.executable, *command], check=True, capture_output=True)


def in_process(folder: Path) -> Callable[[], object]:
    """Return what reads, checks and renders every spec of a workspace, and compares with what is there."""
    from flowlock import workspace
    from flowlock.commands.compile import compile_workflows
    from flowlock.report.reporter import Silent

    space = workspace.load(folder)
    return lambda: compile_workflows(space, (), check=False, progress=Silent())


def rules_only(text: str, folder: Path) -> Callable[[], object]:
    """Return what parses, checks and renders a text, without files."""
    from flowlock import workspace
    from flowlock.compile.package import render
    from flowlock.report.renderings import errors
    from flowlock.spec.facts import facts_of
    from flowlock.spec.rules.check import check_text
    from flowlock.tasks import discover

    space = workspace.load(folder)
    catalog, facts = discover.signatures(space, []), facts_of(space)

    def rendered() -> None:
        found, problems = check_text(text, "spec.yaml", catalog, facts)
        assert found
        assert not errors(problems)
        render(found, catalog, facts, source=text)

    return rendered


def main() -> None:
    """Print the medians beside their goals."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        (root / "bare.py").write_text(BARE)
        forty = workspace_in(root / "forty", {"forty": spec("forty", 40)})
        many = workspace_in(root / "many", {f"w{n}": spec(f"w{n}", 40) for n in range(100)})
        thousand = workspace_in(root / "thousand", {"thousand": spec("thousand", 1000)})
        in_process(forty)()
        flowlock = ("-m", "flowlock", "-C")
        commands = side_by_side(
            {
                "bare": run(root / "bare.py"),
                "compile": run(*flowlock, forty, "compile"),
                "check": run(*flowlock, thousand, "check"),
            },
            repeat=7,
        )
        inside = side_by_side({"rules": rules_only(spec("forty", 40), forty)}, repeat=9)
        hundred = side_by_side({"first": in_process(many)}, repeat=1)["first"]
        again = side_by_side({"again": in_process(many)}, repeat=3)["again"]
    rows = [
        ("compile, 40 tasks: above a bare typer app", commands["compile"] - commands["bare"], COMMAND_GOAL),
        ("compile, 40 tasks: in the process", inside["rules"], PROCESS_GOAL),
        ("compile, 100 specs of 40 tasks, all written", hundred, MANY_GOAL),
        ("compile, 100 specs of 40 tasks, all current", again, MANY_GOAL),
        ("check, 1,000 tasks: above a bare typer app", commands["check"] - commands["bare"], CHECK_GOAL),
    ]
    print_table(("compiler", "seconds", "goal"), rows)
