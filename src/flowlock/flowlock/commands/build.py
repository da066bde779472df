"""`flowlock build`: build the packages that are out of date into the local channel."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from flowlock.commands.last_outcome import LastOutcome, Outcome
from flowlock.commands.recorded_progress import RecordingProgress, repeat
from flowlock.commands.session import Session
from flowlock.report.reporter import Result


def build(
    session: Session,
    names: Sequence[str],
    *,
    jobs: int | None,
    dry_run: bool,
    verify: bool,
    test: bool,
    output: Path | None,
) -> Result:
    """Build packages and what they need, all if none is named; `flowlock build --help` has the options.

    If nothing that a build looks at has changed since one that had nothing to do, its result is returned
    again. A dry run says why, a verification builds again, and an output is written in any case.
    """
    repeatable = not (dry_run or verify or output is not None)
    last = LastOutcome.of(session, "build", [names, test])
    outcome = last.read() if repeatable else None
    if outcome is not None:
        repeat(session.progress, "build", outcome.stages)
        return outcome
    # Imported here: the builder is a large part of flowlock, and an idle build needs nothing of it.
    from flowlock.commands.build_stage import BuildSettings, build_named

    started_ns = time.time_ns()
    progress = RecordingProgress(session.progress)
    settings = BuildSettings(jobs=jobs, dry_run=dry_run, verify=verify, test=test, output=output)
    result = build_named(replace(session, progress=progress), names, settings)
    if repeatable and progress.idle and not result.tested:
        outcome = Outcome(stages=progress.details, document=result.as_json(), text=result.as_text())
        last.write(outcome, started_ns=started_ns)
    return result
