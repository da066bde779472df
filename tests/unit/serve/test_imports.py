"""What the service costs those who do not call it: no import."""

import subprocess
import sys

import pytest

from shared import ROOT

PACKAGE = ROOT / "examples/penguins/flowlock-penguins-workflow"
HEAVY = ("fastapi", "starlette", "uvicorn", "anyio")
CODE = f"""
import sys
sys.path.insert(0, {str(PACKAGE)!r})
from flowlock_core.cli import main
try:
    main("flowlock_penguins_workflow.workflow:penguins", sys.argv[1:])
except SystemExit:
    pass
print("imported:", *sorted({{name.partition(".")[0] for name in sys.modules}} & {set(HEAVY)!r}))
"""


def imported(*arguments: str, cwd: str) -> list[str]:
    """Call the command of a workflow in a process; return which heavy packages it imports."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, *arguments], capture_output=True, text=True, check=True, cwd=cwd
    )
    return done.stdout.rpartition("imported:")[2].split()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("serve", "--help"),
        ("schema",),
        ("form",),
        ("params",),
        ("graph",),
        ("completion", "bash"),
        ("runs", "ls"),
        ("run", "--mock-io", "--no-cache"),
    ],
)
def test_only_serve_imports_what_serves(
    arguments: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert imported(*arguments, cwd=str(tmp_path_factory.mktemp("cwd"))) == []


def test_the_application_imports_what_serves() -> None:
    code = "import sys, flowlock_serve.app; print(*sorted(set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"fastapi", "starlette"} <= set(done.stdout.split())
