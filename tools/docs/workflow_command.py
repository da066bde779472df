"""The page of the command that each workflow's package installs, from its own help."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tools.docs.markdown import fence

EXAMPLE = "penguins"
HEAD = """\
# Commands of workflows

The package of a workflow installs a command: `{program}` for the workflow `{workflow}`.
[Run released workflows](running.md) shows how to use it.
"""
_COMMAND = re.compile(r"^ {4}(\w+) ", re.MULTILINE)


def workflow_command_page(root: Path) -> str:
    """Return the page; the command of one example stands for all."""
    program = f"flowlock-{EXAMPLE}-workflow"
    overview = _help(root, program)
    parts = [
        HEAD.format(program=program, workflow=EXAMPLE),
        fence("text", overview),
    ]
    for command in _COMMAND.findall(overview):
        parts += [f"## {command}\n", fence("text", _help(root, program, command))]
    return "\n".join(parts)


def _help(root: Path, program: str, *words: str) -> str:
    module = program.replace("-", "_")
    folder = root / "examples" / EXAMPLE / program
    plain = {"PYTHONPATH": str(folder), "COLUMNS": "90", "NO_COLOR": "1"}
    command = [sys.executable, "-m", module, *words, "--help"]
    done = subprocess.run(command, env={**os.environ, **plain}, check=True, capture_output=True, text=True)
    return done.stdout
