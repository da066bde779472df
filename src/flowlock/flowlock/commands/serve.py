"""Serve a workflow with its own command, in the environment that its lock pins."""

import signal
from collections.abc import Sequence

from flowlock.commands.locked_environment import install
from flowlock.commands.session import Session
from flowlock.errors import ExitCode, FlowlockError
from flowlock.names import SERVE, PackageName
from flowlock.running.workflow_command import ended_by_signal


def serve(session: Session, name: str, options: Sequence[str], *, results: str | None, frozen: bool) -> int:
    """Install a workflow from its lock and run `serve` of its command until it ends; return its exit code.

    Runs are kept in `results`, or in a folder of this workflow, which has the records if `results` is a URL.
    What the command writes is not changed, since it shows an address that must not be in a log.
    """
    workflow = session.workspace.workflow(name)
    state = session.workspace.state.served_runs(workflow.name)
    places = [f"--results={results or state}", f"--state={state}"]
    with install(session, workflow, "default", frozen=frozen) as environment:
        if not environment.has(PackageName(SERVE)):
            raise FlowlockError(
                f"the environment of {workflow.name} has no {SERVE}",
                code="FL715",
                hint="set `service = true` in [workspace] of flowlock.toml, and run `flowlock sync`",
            )
        code = environment.attach([workflow.distribution, "serve", *places, *options])
    if -code in (signal.SIGINT, signal.SIGTERM):
        return ExitCode.INTERRUPTED
    if code < 0:
        raise ended_by_signal(workflow, -code)
    return code
