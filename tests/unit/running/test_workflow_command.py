"""What a workflow's command wrote is read, or counts as nothing if it wrote anything else."""

from pathlib import Path

import pytest

from flowlock.commands.init import init
from flowlock.edges.process import Completed
from flowlock.running import workflow_command
from flowlock.workspace import load

PROBLEM = '{"code": "FL728", "message": "wrong", "file": null, "line": null, "column": null, "hint": null}'


def completed(stdout: str, code: int = 1) -> Completed:
    return Completed(returncode=code, stdout=stdout, stderr="last words")


@pytest.mark.parametrize(
    "stdout",
    ["", "x", "[]", "[" * 200_000, '{"problems": 5}', '{"problems": [5]}', '{"cases": [{}]}', "\ud800"],
)
def test_a_report_of_another_shape_counts_as_none(stdout: str, tmp_path: Path) -> None:
    init(tmp_path / "birds")
    workspace = load(tmp_path / "birds")
    (workflow,) = workspace.workflow_list
    error = workflow_command.failure(workspace, workflow, completed(stdout), kept="")
    assert [problem.code for problem in error.problems] == ["FL712"]
    assert error.detail == "last words"
    result = workflow_command.tested(workspace, workflow, completed(stdout))
    assert result.output == "last words"


def test_problems_and_cases_of_a_report_are_read(tmp_path: Path) -> None:
    init(tmp_path / "birds")
    workspace = load(tmp_path / "birds")
    (workflow,) = workspace.workflow_list
    error = workflow_command.failure(workspace, workflow, completed(f'{{"problems": [{PROBLEM}]}}'), kept="")
    assert [problem.code for problem in error.problems] == ["FL728"]
    case = f'{{"case": "odd", "passed": false, "seconds": 1, "problems": [{PROBLEM}]}}'
    result = workflow_command.tested(workspace, workflow, completed(f'{{"cases": [{case}]}}'))
    assert [(one.case, one.passed, one.seconds) for one in result.cases] == [("odd", False, 1.0)]


def test_the_traceback_of_a_task_is_passed_on(tmp_path: Path) -> None:
    init(tmp_path / "birds")
    workspace = load(tmp_path / "birds")
    (workflow,) = workspace.workflow_list
    problem = PROBLEM.replace('"hint": null', '"hint": null, "detail": "arguments: a=1"')
    error = workflow_command.failure(workspace, workflow, completed(f'{{"problems": [{problem}]}}'), kept="")
    assert error.detail == "arguments: a=1"
