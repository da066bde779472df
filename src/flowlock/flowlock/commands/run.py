"""Run a workflow, or its test cases, in the environment that its lock pins."""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from flowlock.commands.locked_environment import install
from flowlock.commands.session import Session
from flowlock.edges import file_locks as locks
from flowlock.edges import files, memo
from flowlock.errors import FlowlockError
from flowlock.running import environment as env
from flowlock.running import workflow_command as reported
from flowlock.workspace import Workflow

RECORD = "run.json"
DASHBOARD = "dashboard.html"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunResult:
    """How a run ended: `ran`, `failed`, or `current` if the results of the same inputs were there."""

    workflow: str
    status: str
    results: Path
    environment: str
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether there are results of these inputs now."""
        return self.status != "failed"

    @property
    def shown(self) -> Path:
        """What a person opens: the dashboard, or the folder if the workflow makes none."""
        dashboard = self.results / DASHBOARD
        return dashboard if dashboard.is_file() else self.results

    def as_json(self) -> Mapping[str, Any]:
        """Return {"workflow", "status", "results", "environment", "seconds"}."""
        return {
            "workflow": self.workflow,
            "status": self.status,
            "results": str(self.results),
            "environment": self.environment,
            "seconds": round(self.seconds, 3),
        }

    def as_text(self) -> str:
        """Return the path of what a person opens."""
        return str(self.shown) if self.ok else ""


def run(
    session: Session,
    name: str,
    *,
    params: Path | None = None,
    results: Path | None = None,
    if_changed: bool = False,
    frozen: bool = False,
) -> RunResult:
    """Install a workflow from its lock and run its command; with `if_changed` not if nothing changed.

    What a run was made from (environment, parameters, the files that it read) and what it wrote are kept by
    digest in `run.json` among the results; a run is current when all of them are as they were.
    """
    workspace = session.workspace
    workflow = workspace.workflow(name)
    chosen = chosen_params(session, workflow, params)
    target = (results or workspace.state.results(workflow.name)).resolve()
    started = time.perf_counter()
    with (
        install(session, workflow, "default", frozen=frozen) as environment,
        _alone(session, target),
        session.progress.stage("run") as stage,
    ):
        current = if_changed and _is_current(target, environment.digest, chosen)
        status = "current" if current else _execute(session, environment, workflow, chosen, target)
        stage.status = status
        stage.detail = f"{workflow.name}: {workspace.relative(target)}"
    return RunResult(
        workflow=workflow.name,
        status=status,
        results=target,
        environment=environment.digest,
        seconds=time.perf_counter() - started,
    )


def chosen_params(session: Session, workflow: Workflow, named: Path | None) -> Path | None:
    """Return the parameters file: the named one, else the workflow's own if it has one."""
    chosen = (named or workflow.folder / "params.yaml").resolve()
    if chosen.is_file():
        return chosen
    if named is None:
        return None
    raise FlowlockError(
        f"parameters file {session.workspace.relative(chosen)} does not exist",
        code="FL710",
        hint="check the path; the README of the workflow's package lists the parameters",
    )


@contextmanager
def _alone(session: Session, results: Path) -> Iterator[None]:
    """Let a second run that writes the same results wait for the first."""
    name = hashlib.sha256(str(results).encode()).hexdigest()[:16]
    shown = session.workspace.relative(results)
    note = f"another run is writing to {shown}; waiting for it"
    path = session.workspace.state.run_lock(name)
    with locks.alone(path, waiting=lambda: session.progress.note(note)):
        yield


def _execute(
    session: Session, environment: env.Environment, workflow: Workflow, params: Path | None, results: Path
) -> str:
    """Run the workflow's command into a folder beside `results` that replaces it when the run ends well."""
    if not _only_of_runs(results):
        raise FlowlockError(
            f"{results} contains files that were not created by a run",
            code="FL713",
            hint="choose a new or empty folder with --results; a run replaces the whole folder",
        )
    files.forget_staged(results)
    with files.staged_folder(results) as staging:
        # The folder is a new one each time, so no later run could reuse what this one keeps.
        options: list[str | Path] = ["--no-cache", "--no-history", "--results", staging]
        argv: list[str | Path] = [workflow.distribution, "--json", "run", *options]
        if params:
            argv += ["--params", params]
        done = environment.run(argv, each_line=session.progress.working)
        if done.returncode != 0:
            kept = (
                f"the results of the previous run, if there are any, in {session.workspace.relative(results)}"
            )
            raise reported.failure(session.workspace, workflow, done, kept=kept)
        record = _record(staging, environment.digest, params)
        files.write_text(staging / RECORD, json.dumps(record, indent=1, sort_keys=True) + "\n")
    return "ran"


def _only_of_runs(results: Path) -> bool:
    """Return whether a folder is absent, empty, or holds nothing but what the run in its record wrote."""
    if not results.exists():
        return True
    record = memo.read_plain(results / RECORD, RunRecord)
    written = {*record.outputs, RECORD} if record else set[str]()
    present = {path.relative_to(results).as_posix() for path in results.rglob("*") if not path.is_dir()}
    return present <= written


def _record(results: Path, environment: str, params: Path | None) -> dict[str, Any]:
    """Return what a run was made from and what it wrote, by digest."""
    document = json.loads((results / "result.json").read_bytes())
    inputs = set(document.get("inputs", []))
    if params:
        inputs.add(str(params))
    outputs = sorted(path for path in results.rglob("*") if path.is_file())
    return {
        "environment": environment,
        "params": str(params),
        "inputs": {path: files.sha256_of(Path(path)) for path in sorted(inputs)},
        "outputs": {path.relative_to(results).as_posix(): files.sha256_of(path) for path in outputs},
    }


def _is_current(results: Path, environment: str, params: Path | None) -> bool:
    """Return whether the results belong to this environment and these parameters, with unchanged inputs."""
    record = memo.read_plain(results / RECORD, RunRecord)
    if record is None or (record.environment, record.params) != (environment, str(params)):
        return False
    try:
        inputs = all(files.sha256_of(Path(path)) == digest for path, digest in record.inputs.items())
        return inputs and all(
            files.sha256_of(results / path) == digest for path, digest in record.outputs.items()
        )
    except (OSError, ValueError, FlowlockError):
        # Whatever is wrong with the files, the next run fixes it.
        return False


class RunRecord(BaseModel):
    """What a run was made from and what it wrote, by digest."""

    environment: str
    params: str
    inputs: dict[str, str]
    outputs: dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class TestOutcome:
    """How the test cases of some workflows went."""

    outcomes: tuple[reported.TestResult, ...]

    @property
    def ok(self) -> bool:
        """Whether all cases of all workflows passed."""
        return all(outcome.passed for outcome in self.outcomes)

    def as_json(self) -> Mapping[str, Any]:
        """Return {"ok", "workflows": [{workflow, passed, output, cases, problems}]}."""
        return {"ok": self.ok, "workflows": [outcome.as_json() for outcome in self.outcomes]}

    def as_text(self) -> str:
        """Return each workflow's output, and a line that counts."""
        failed = [outcome.workflow for outcome in self.outcomes if not outcome.passed]
        lines = [f"{outcome.workflow}:\n{outcome.output.rstrip()}" for outcome in self.outcomes]
        verdict = f"failed: {', '.join(failed)}" if failed else f"{len(self.outcomes)} workflow(s) passed"
        return "\n".join([*lines, verdict])


def test(session: Session, names: Sequence[str], *, frozen: bool) -> TestOutcome:
    """Install workflows from their locks and run their test cases, each case through the command."""
    outcomes = []
    for name in names or [workflow.name for workflow in session.workspace.workflow_list]:
        workflow = session.workspace.workflow(name)
        cases = workflow.folder / "test-cases.yaml"
        if not cases.is_file():
            session.progress.note(f"{workflow.name} has no test-cases.yaml")
            continue
        with (
            install(session, workflow, "default", frozen=frozen) as environment,
            session.progress.stage("test") as stage,
        ):
            argv: list[str | Path] = [workflow.distribution, "--json", "test", cases]
            outcome = reported.tested(
                session.workspace, workflow, environment.run(argv, each_line=session.progress.working)
            )
            stage.status, stage.detail = ("passed" if outcome.passed else "failed"), workflow.name
        outcomes.append(outcome)
    return TestOutcome(outcomes=tuple(outcomes))
