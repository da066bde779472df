"""The test cases of a workflow, as pytest runs them."""

import os
import subprocess
import sys
from pathlib import Path

CASES = """
good: {name: Good, params: {table: {path: data.csv}}, expect: {title: <Sample> & co}}
bad: {name: Bad, params: {table: {path: data.csv}}, expect: {title: another}}
"""
MAIN = """
from flowlock_core import cli

raise SystemExit(cli.main("PACKAGE.workflow:sample"))
"""
TESTS = """
from pathlib import Path

from flowlock_core.testing.case_tests import case_test

test_each = case_test("PACKAGE", Path("test-cases.yaml").resolve())
"""


def run_pytest(package: str, folder: Path) -> str:
    """Return what pytest says of the test cases in a folder."""
    (folder / "paths é" / package / "__main__.py").write_text(MAIN.replace("PACKAGE", package))
    (folder / "test_cases.py").write_text(TESTS.replace("PACKAGE", package))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rA", "--rootdir", folder, "test_cases.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "paths é")},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_each_case_is_a_test_and_one_that_fails_says_why(package: str, tmp_path: Path) -> None:
    (tmp_path / "test-cases.yaml").write_text(CASES)
    output = run_pytest(package, tmp_path)
    assert "PASSED test_cases.py::test_each[good]" in output
    assert "FAILED test_cases.py::test_each[bad]" in output
    assert 'expected "another", got "<Sample> & co"' in output
    assert "Traceback" not in output


def test_without_the_file_there_is_no_case(package: str, tmp_path: Path) -> None:
    assert "1 skipped" in run_pytest(package, tmp_path)
