"""The invoker of wt's runner, which drives a package by its command: run by the Python that has wt-invokers.

`python wt_invoker.py REQUEST`: the request is JSON, the answer is JSON on stdout.
"""

import asyncio
import json
import sys
from typing import Any


async def answer(request: dict[str, Any]) -> dict[str, Any]:
    from rattler import MatchSpec
    from wt_invokers import LocalSubprocessInvoker

    invoker = LocalSubprocessInvoker(matchspec=MatchSpec(request["matchspec"]), cwd=request["cwd"])
    installed = await invoker.is_installed()
    outputs = [await invoker.check_output(command, stdin=stdin) for command, stdin in request["commands"]]
    await invoker.run(
        workflow_run_id="1",
        config_text=request["config"],
        results_url=request["results"],
        execution_mode="sequential",
        mock_io=request["mock_io"],
        otel_console_exporter_dst="file",
    )
    code = await invoker.wait(timeout=100, error_msg="it took too long")
    return {"installed": installed, "outputs": outputs, "code": code}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(answer(json.loads(sys.argv[1])))))
