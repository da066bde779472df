"""One build in a separate process: `python -m flowlock.builder.worker JOB`.

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

from flowlock.builder.contents import installed
from flowlock.builder.contents.remarks import Remarks
from flowlock.builder.contents.shipped import ExcludedFile
from flowlock.builder.worker.canonical import ArchiveFacts, canonical
from flowlock.builder.worker.engine import EngineRequest, run, test
from flowlock.builder.worker.layout import ARTIFACT, HOST_ENVIRONMENT, LOG, RECIPE, RESULT, SOURCE
from flowlock.conda import archive
from flowlock.conda.members import Member
from flowlock.conda.noarch import Noarch
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
            if "test" in job:
                test(work / job["test"], job["channels"], note)
                result = {"file": job["test"]}
            else:
                result = _build(job, work, note)
            (work / RESULT).write_text(json.dumps(result))
        except FlowlockError as error:
            log.write(f"error: {error.message}\n")
            failure = {"error": error.message, "code": error.problems[0].code, "hint": error.hint}
            (work / RESULT).write_text(json.dumps(failure))
            return 1
    return 0


def _build(job: Mapping[str, Any], work: Path, log: Callable[[str], None]) -> dict[str, Any]:
    request = EngineRequest(
        document=job["document"],
        source=work / SOURCE / job["archive"] if job["archive"] else work / SOURCE,
        recipe_dir=work / RECIPE,
        work=work,
        build_string=job["build_string"],
        channels=job["channels"],
        fetched=job["fetched"],
        variant=job["variant"],
    )
    archives = run(request, log)
    if len(archives) != 1:
        raise FlowlockError(
            f"the recipe produced {len(archives)} packages, but exactly one is expected", code="FL531"
        )
    epoch = datetime.fromisoformat(job["epoch"])
    noarch = Noarch(job["noarch"]) if job["noarch"] else None
    members = archive.read(archives[0])
    data, missing = _besides(job["document"], work, members, noarch)
    result = canonical([*members, *data], ArchiveFacts(recipe=job["recipe_text"], epoch=epoch, noarch=noarch))
    (work / ARTIFACT).write_bytes(archive.write(archives[0].stem, result.members, epoch=epoch))
    paths = [member.path for member in result.members if not member.is_info]
    remarks = Remarks.of(job["name"], paths, [*missing, *result.left_out], noarch)
    return {"file": archives[0].name, "remarks": remarks.as_json()}


def _besides(
    document: Mapping[str, Any], work: Path, members: list[Member], noarch: Noarch | None
) -> tuple[list[Member], list[ExcludedFile]]:
    """Return the data that the engine took for bytecode, and what else it did not pack of the script's files.

    A recipe that lists what to pack (`build.files`) leaves out the rest on purpose.
    """
    lists_files = "files" in (document.get("build") or {})
    data: list[Member] = []
    omitted: list[ExcludedFile] = []
    for prefix in work.glob(HOST_ENVIRONMENT):
        contents = installed.read(prefix)
        installed.refuse_info(contents)
        if lists_files:
            continue
        missing = installed.missing(contents, members, noarch)
        data += installed.data_members(contents, missing, noarch)
        packed = {member.path for member in data}
        omitted += [file for file in missing if installed.packed_path(file.path, noarch) not in packed]
    return data, omitted


if __name__ == "__main__":
    ended = main(Path(sys.argv[1]))
    sys.stdout.flush()
    sys.stderr.flush()
    # Not by way of the interpreter's own end, during which the engine's threads may still drop our callbacks.
    os._exit(ended)
