"""`flowlock location dev`: a real Dagster serves the location, and leaves nothing when it is interrupted."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from checkout import copy_repository
from servers.dagster_stack import BIN, PATIENCE, Stack, wait_until_loaded
from servers.processes import MARK, processes_of, wait_until_ended
from servers.real import clean, free_port
from shared import require_part

JOBS = """{ repositoriesOrError { ... on RepositoryConnection { nodes {
    location { name } jobs { name } schedules { name } sensors { name } } } } }"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_dev_serves_the_location_and_ends_with_all_its_processes(
    tmp_path: Path, number: signal.Signals
) -> None:
    require_part(found=BIN.is_dir(), part="Dagster")
    root, mark, port = tmp_path / "checkout", f"location {os.getpid()} {number}", free_port()
    root.mkdir()
    copy_repository(root)
    command = [sys.executable, "-m", "flowlock", "location", "dev", "--python", str(BIN / "python")]
    variables = {**clean({}), MARK: mark}
    log = tmp_path / "dev.log"
    with (
        log.open("wb") as stream,
        subprocess.Popen(
            [*command, "--port", str(port)],
            cwd=root,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        ) as process,
    ):
        try:
            stack = Stack(url=f"http://127.0.0.1:{port}", location="services")
            wait_until_loaded(stack, tmp_path)
            (served,) = stack.ask(JOBS)["repositoriesOrError"]["nodes"]
            running = processes_of(mark)
            process.send_signal(number)
            process.wait(timeout=PATIENCE)
            left = wait_until_ended(mark, seconds=PATIENCE)
        finally:
            for leftover in processes_of(mark):
                os.kill(leftover, signal.SIGKILL)
    assert served["location"] == {"name": "services"}
    assert {"carbon", "penguins", "k_anonymity"} <= {job["name"] for job in served["jobs"]}
    assert {schedule["name"] for schedule in served["schedules"]} == {"carbon_daily", "nightly_duplicates"}
    assert len(running) >= 4
    assert not left
    # The instance is the workspace's own: nothing else is written into it.
    assert (root / ".flowlock/dagster/history").is_dir()
    assert not list(root.glob(".tmp_dagster*"))
