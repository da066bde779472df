"""`flowlock serve`: the service of a workflow, in its locked environment."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import requests

from checkout import Checkout
from servers.real import free_port

Make = Callable[[], Checkout]
# Seconds in which an environment is installed and its server answers, and in which a server ends.
START, END = 120, 20


def answers(port: int) -> bool:
    """Return whether a healthy service listens on the port."""
    try:
        return requests.get(f"http://127.0.0.1:{port}/health", timeout=5).ok
    except requests.ConnectionError:
        return False


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


@contextmanager
def served(checkout: Checkout, port: int) -> Iterator[subprocess.Popen[str]]:
    """Serve penguins beside the block, which begins when the service answers."""
    command = [sys.executable, "-m", "flowlock", "--profile", "embedded", "serve", "penguins", "--port", port]
    with subprocess.Popen(
        [str(word) for word in command],
        cwd=checkout.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "HOME": str(checkout.root.parent)},
    ) as process:
        try:
            wait_until(lambda: answers(port) or process.poll() is not None, START)
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_workflow_is_served_until_it_is_interrupted(checkout: Make, number: signal.Signals) -> None:
    port, copy = free_port(), checkout()
    with served(copy, port) as process:
        assert answers(port)
        # The services of two workflows of a workspace must not share a folder.
        assert copy.state.served_runs("penguins").is_dir()
        process.send_signal(number)
        out, err = process.communicate(timeout=END)
        assert process.returncode in (0, 130), err
        assert "Traceback" not in err
        assert f"http://127.0.0.1:{port}/" in out + err
        assert not answers(port)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_a_server_ends_with_the_command_that_started_it(checkout: Make) -> None:
    port = free_port()
    with served(checkout(), port) as process:
        assert answers(port)
        process.kill()
        wait_until(lambda: not answers(port), END)


def test_what_the_service_refuses_is_the_answer_of_the_command(checkout: Make) -> None:
    copy = checkout()
    done = copy.flowlock("serve", "penguins", "--port", "0", "--", "--no-such-option")
    assert done.code == 2
    assert "--no-such-option" in done.err
    assert "--host" in copy.flowlock("serve", "penguins", "--", "--help").out
    assert copy.flowlock("serve", "penguin").code == 1
    assert (
        copy.flowlock("--json", "serve", "penguins", "--", "--port=many").document["problems"][0]["code"]
        == "FL739"
    )


def test_a_workspace_without_the_service_says_so(checkout: Make) -> None:
    copy = checkout()
    settings = copy.root / "flowlock.toml"
    text = settings.read_text()
    assert "service = true" in text
    # The file is a link to that of the workspace that tests share.
    settings.unlink()
    settings.write_text(text.replace("service = true", "service = false"))
    assert copy.flowlock("sync", "penguins").code == 0
    project = copy.root / "examples/penguins/flowlock-penguins-workflow/pyproject.toml"
    assert "flowlock-serve" not in project.read_text()
    done = copy.flowlock("--json", "serve", "penguins")
    assert done.code == 1
    assert done.document["problems"][0]["code"] == "FL715"
    assert copy.flowlock("run", "penguins").code == 0
