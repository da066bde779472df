"""`flowlock location`: whether Dagster can load a location, and Dagster's development server for it."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flowlock.commands import hand_edits
from flowlock.commands.hand_written import from_repositories, write_metadata
from flowlock.commands.locked_environment import install
from flowlock.commands.session import Profile, Session
from flowlock.compile.location import DEVELOP
from flowlock.edges import process
from flowlock.errors import FlowlockError, Problem
from flowlock.lock.manifest.model import DEFAULT
from flowlock.workspace import DagsterLocation, Workspace

_CHECK = "flowlock_dagster.check"
# What Dagster's development server imports.
_NEEDED = "import dagster_webserver, flowlock_dagster"


@dataclass(frozen=True, kw_only=True, slots=True)
class LocationCheck:
    """What `location check` prints; a location with problems is an error instead."""

    name: str
    module: str
    environment: str

    @property
    def ok(self) -> bool:
        """Always."""
        return True

    def as_json(self) -> dict[str, Any]:
        """Return the name of the location, the module that was loaded, and the prefix or the interpreter."""
        return {"location": self.name, "module": self.module, "environment": self.environment}

    def as_text(self) -> str:
        """Return one line."""
        return f"{self.name}: Dagster can load {self.module} in {self.environment}"


@dataclass(frozen=True, kw_only=True, slots=True)
class LocationPython:
    """An interpreter to load a location with: where it is, how that is shown, and its variables."""

    path: Path
    shown: str
    variables: Mapping[str, str]


def check_location(session: Session, python: Path | None, *, frozen: bool) -> LocationCheck:
    """Load the definitions as Dagster does; a FlowlockError has every problem.

    That is in the environment of the location's lock, or of the embedded profile's lock if there is no other,
    with what is installed there; or with a named interpreter, from the sources of the workspace.
    """
    location = _required(session.workspace)
    with _python(session, location, python, environment=DEFAULT, frozen=frozen) as interpreter:
        return load_definitions(location, interpreter)


def load_definitions(location: DagsterLocation, python: LocationPython) -> LocationCheck:
    """Load the definitions of a location with an interpreter; a FlowlockError has every problem."""
    module = f"{location.module}.definitions"
    done = process.run(
        [python.path, "-m", _CHECK, module], env=python.variables, check=False, cwd=location.package
    )
    lines = done.stdout.splitlines()
    problems = [_problem(line) for line in lines if line.startswith("{")]
    if problems:
        raise FlowlockError(f"Dagster cannot load the location {location.name}", problems=problems)
    if done.returncode != 0:
        raise _unusable(python, location, done)
    return LocationCheck(name=location.name, module=module, environment=python.shown)


def serve_location(session: Session, python: Path | None, *, port: int | None, frozen: bool) -> int:
    """Run `dagster dev` until it is interrupted; return its exit code.

    Its instance is that of DAGSTER_HOME, or else one of the workspace, which keeps its runs.
    """
    location = _required(session.workspace)
    with _python(session, location, python, environment=DEVELOP, frozen=frozen) as interpreter:
        argv: list[str | Path] = [interpreter.path]
        found = process.run([*argv, "-c", _NEEDED], env=interpreter.variables, check=False)
        if found.returncode != 0:
            raise _unusable(interpreter, location, found)
        argv += ["-m", "dagster", "dev", "-w", location.package / "workspace.yaml"]
        if port is not None:
            argv += ["--port", str(port)]
        return process.attached(argv, env={**_instance(session.workspace), **interpreter.variables})


def _instance(workspace: Workspace) -> Mapping[str, str]:
    """Return the variables of the workspace's own instance of Dagster, which tells nobody what is run."""
    home = workspace.state.dagster
    home.mkdir(parents=True, exist_ok=True)
    return {"DAGSTER_HOME": str(home), "DAGSTER_DISABLE_TELEMETRY": "1"}


@contextmanager
def _python(
    session: Session, location: DagsterLocation, named: Path | None, *, environment: str, frozen: bool
) -> Iterator[LocationPython]:
    """Yield the interpreter to load a location with, as `check_location` says."""
    if named is not None:
        hand_edits.refuse(session.workspace, [location])
        path = named.absolute()
        yield LocationPython(path=path, shown=str(path), variables=_from_sources(session.workspace, location))
        return
    embedded = replace(session, profile=Profile.EMBEDDED)
    if not session.lock_file(location).is_file() and embedded.lock_file(location).is_file():
        session.progress.note(f"{location.name} has no lock: this is the environment of the embedded profile")
        session = embedded
    if session.profile is Profile.EMBEDDED:
        # It has one environment for everything.
        environment = DEFAULT
    with install(session, location, environment, frozen=frozen) as made:
        shown = session.workspace.relative(made.prefix)
        yield LocationPython(path=made.bin / "python", shown=shown, variables=made.variables())


def _unusable(python: LocationPython, location: DagsterLocation, done: process.Completed) -> FlowlockError:
    """Return the error of an interpreter that lacks what a location needs."""
    return FlowlockError(
        f"{python.shown} cannot load the location {location.name}",
        code="FL933",
        hint="name an interpreter with flowlock-dagster, dagster-webserver and what the location requires",
        # The last line names the module that is missing; those before are of the interpreter.
        detail="".join(done.stderr.splitlines()[-1:]),
    )


def _required(workspace: Workspace) -> DagsterLocation:
    location = workspace.location
    if location is None:
        raise FlowlockError(
            "the workspace has no location",
            code="FL934",
            hint="make one with `flowlock new location NAME`",
        )
    if not (location.package / "workspace.yaml").is_file():
        raise FlowlockError(
            f"{workspace.relative(location.package)} is not compiled",
            code="FL932",
            hint=f"run `flowlock compile {location.name}`",
        )
    return location


def _from_sources(workspace: Workspace, location: DagsterLocation) -> Mapping[str, str]:
    """Return the variables of a process that imports the location from the sources of the workspace."""
    folders = [location.package, *_sources(workspace, location)]
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    paths = [path for path in [*map(str, folders), *given] if path]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _sources(workspace: Workspace, location: DagsterLocation) -> Iterator[Path]:
    """Yield the folders of the location's workflows, those of packages, and metadata of theirs."""
    for name in location.table.workflows:
        yield workspace.workflow(name).package
    for package in [*workspace.packages, *from_repositories(workspace)]:
        yield package.folder
    yield write_metadata(workspace, location)


def _problem(line: str) -> Problem:
    document = json.loads(line)
    return Problem(code=document["code"], message=document["message"], hint=document["hint"])
