"""Where files refer to a workflow: to its package, its folder, or its job in Dagster."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from flowlock.documents import toml
from flowlock.errors import Location, Problem
from flowlock.lifecycle.names import job_name
from flowlock.lifecycle.settings import schedules_of
from flowlock.names import import_name

CODE = "FL961"
# Arguments of Dagster's functions that name jobs.
_JOB_ARGUMENTS = {"job", "job_name", "job_names", "jobs", "monitored_jobs", "request_job", "request_jobs"}
# One place of a file is enough to find the others.
MOST_IN_FILE = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkflowNames:
    """What a workflow is called: in flowlock.toml, as a package, as a folder below the workspace."""

    name: str
    distribution: str
    folder: str

    def pattern(self) -> re.Pattern[str]:
        """Return what finds the package's names and the folder in a text."""
        module = import_name(self.distribution)
        names = "|".join(map(re.escape, (self.distribution, module, self.folder)))
        return re.compile(rf"(?<![\w/-])(?:\.\.?/)*(?:{names})(?![\w-])")


def in_settings(settings: toml.Document, names: WorkflowNames) -> Iterator[Problem]:
    """Yield the schedules of a workflow: one that names a missing job stops the whole location."""
    for schedule in schedules_of(settings.data, names.name):
        yield Problem(
            code=CODE,
            message=f"the schedule {schedule} runs {names.name}",
            location=settings.at(("location", "schedules", schedule, "workflow")),
            hint="remove the schedule, or give --with-schedules",
        )


def in_texts(texts: Mapping[str, str], names: WorkflowNames) -> Iterator[Problem]:
    """Yield where files name the package of a workflow or its folder."""
    pattern = names.pattern()
    for file, text in sorted(texts.items()):
        numbered = enumerate(text.splitlines(), start=1)
        found = [(number, match) for number, line in numbered if (match := pattern.search(line))]
        for number, match in found[:MOST_IN_FILE]:
            yield _problem(file, number, match.start() + 1, f"`{match[0]}` is named here")


def in_jobs(sources: Mapping[str, str], names: WorkflowNames) -> Iterator[Problem]:
    """Yield where hand-written Python gives the name of a workflow's job to Dagster."""
    job = job_name(names.name)
    for file, text in sorted(sources.items()):
        try:
            tree = ast.parse(text)
        except SyntaxError:
            # `location check` names it.
            continue
        for keyword in ast.walk(tree):
            if not isinstance(keyword, ast.keyword) or keyword.arg not in _JOB_ARGUMENTS:
                continue
            for node in ast.walk(keyword.value):
                if isinstance(node, ast.Constant) and node.value == job:
                    words = f"`{keyword.arg}` names the job {job}"
                    yield _problem(file, node.lineno, node.col_offset + 1, words)


def _problem(file: str, line: int, column: int, message: str) -> Problem:
    where = Location(file=file, line=line, column=column)
    return Problem(code=CODE, message=message, location=where, hint="change it first")
