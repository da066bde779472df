"""The test cases of a workflow as tests of pytest."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from flowlock_core.testing import load_cases


def case_test(package: str, cases: Path) -> Callable[[str], None]:
    """Return a test that runs once for each case of a file.

    The command of the workflow runs the case in a separate process; its output is shown if the case fails. An
    installed package has no such file: then there is no case.
    """
    import pytest

    ids = list(load_cases(cases).by_id) if cases.is_file() else []

    @pytest.mark.parametrize("case", ids)
    def test(case: str) -> None:
        command = [sys.executable, "-m", package, "test", str(cases), "--case", case]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.fail(done.stdout + done.stderr, pytrace=False)

    return test
