"""Questions for required parameters."""

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

from flowlock_core.command.asking import ask, missing
from flowlock_core.command.parameter_texts import parameters

SCHEMA = {
    "properties": {
        "table": {
            "properties": {"path": {"type": "string", "title": "File"}, "size": {"type": "integer"}},
            "required": ["path", "size"],
        },
        "card": {"properties": {"width": {"type": "integer", "default": 1}}},
    }
}


def test_only_required_parameters_without_a_value_are_missing() -> None:
    known = parameters(SCHEMA)
    assert [one.path for one in missing(known, {"table": {"path": "a.csv"}})] == ["table.size"]
    assert [one.path for one in missing(known, {"table": "not a mapping"})] == ["table.path", "table.size"]  # type: ignore[dict-item] # as a file may have it


def test_an_empty_answer_is_asked_again_and_the_end_of_answers_ends_the_questions() -> None:
    questions = io.StringIO()
    settings = ask(parameters(SCHEMA)[:2], answers=io.StringIO("\n a b.csv \n"), questions=questions)
    assert settings == ["table.path=a b.csv"]
    assert questions.getvalue() == "table.path (text): File\n> > table.size (integer): \n> \n"


def run_on_a_terminal(package: str, folder: Path, typed: bytes, *options: str) -> tuple[int, str]:
    """Run a workflow at a terminal on which somebody types; return its exit code, and what is shown."""
    ours, theirs = pty.openpty()
    code = f"from flowlock_core.cli import main; raise SystemExit(main('{package}.workflow:sample'))"
    running = subprocess.Popen(
        [sys.executable, "-c", code, "run", *options],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "paths é")},
    )
    os.close(theirs)
    os.write(ours, typed)
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:
        # Linux says so when the other end has been closed.
        pass
    os.close(ours)
    return running.wait(), shown.decode()


def test_a_run_at_a_terminal_asks_for_what_is_missing(package: str, tmp_path: Path) -> None:
    step = {"properties": {"path": {"type": "string", "title": "File"}}, "required": ["path"]}
    schema = json.dumps({"properties": {"table": step}})
    (tmp_path / "paths é" / package / "params.schema.json").write_text(schema)
    code, shown = run_on_a_terminal(package, tmp_path, b"data.csv\n")
    assert code == 0, shown
    assert "table.path (text): File" in shown
    assert (tmp_path / "results" / "result.json").exists()
    code, shown = run_on_a_terminal(package, tmp_path, b"", "--quiet")
    assert code == 1
    assert "FL727 table.path: a value is required" in shown
    assert "File" not in shown
