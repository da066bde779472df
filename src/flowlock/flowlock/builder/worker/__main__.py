"""One build in a process of its own: `python -m flowlock.builder.worker JOB`.

The engine holds the interpreter for the whole build and delays signals, and a build script can read the
environment of the processes above it; so each build has a process, whose environment holds no secret.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from flowlock.builder.worker.canonical import Facts, canonical
from flowlock.builder.worker.engine import Order, run, test
from flowlock.builder.worker.layout import ARTIFACT, LOG, RECIPE, RESULT, SOURCE
from flowlock.conda import archive
from flowlock.errors import FlowlockError


def main(job_file: Path) -> int:
    """Run the job; leave the canonical archive and a result beside it, the log in any case."""
    job = json.loads(job_file.read_bytes())
    work = job_file.parent
    with (work / LOG).open("w", encoding="utf-8", buffering=1) as log:
        # What the engine and its scripts print goes to the log too.
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)

        def note(line: str) -> None:
            log.write(line.rstrip() + "\n")

        try:
            file = _test(job, work, note) if "test" in job else _build(job, work, note)
            (work / RESULT).write_text(json.dumps({"file": file}))
        except FlowlockError as error:
            log.write(f"error: {error.message}\n")
            told = {"error": error.message, "code": error.problems[0].code, "hint": error.hint}
            (work / RESULT).write_text(json.dumps(told))
            return 1
    return 0


def _test(job: Mapping[str, Any], work: Path, log: Callable[[str], None]) -> str:
    test(work / job["test"], job["channels"], log)
    return str(job["test"])


def _build(job: Mapping[str, Any], work: Path, log: Callable[[str], None]) -> str:
    order = Order(
        document=job["document"],
        source=work / SOURCE / job["archive"] if job["archive"] else work / SOURCE,
        recipe_dir=work / RECIPE,
        work=work,
        build_string=job["build_string"],
        channels=job["channels"],
        fetched=job["fetched"],
        variant=job["variant"],
    )
    made = run(order, log)
    if len(made) != 1:
        raise FlowlockError(f"the recipe gave {len(made)} packages, one was expected", code="FL531")
    epoch = datetime.fromisoformat(job["epoch"])
    facts = Facts(recipe=job["recipe_text"], epoch=epoch, portable=job["portable"])
    members = canonical(archive.read(made[0]), facts)
    (work / ARTIFACT).write_bytes(archive.write(made[0].stem, members, epoch=epoch))
    return made[0].name


if __name__ == "__main__":
    ended = main(Path(sys.argv[1]))
    sys.stdout.flush()
    sys.stderr.flush()
    # Not by way of the interpreter's own end, during which the engine's threads may still drop our callbacks.
    os._exit(ended)
