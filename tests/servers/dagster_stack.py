"""A whole Dagster: code server, webserver and daemon, asked over GraphQL; PostgreSQL keeps what they know."""

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from servers.parts import folder_of
from servers.postgres import PostgresServer, postgres
from servers.real import clean, free_port
from shared import ROOT

BIN = folder_of("dagster") / "bin"
# What a loaded machine may add.
PATIENCE = 240.0
STORAGE = """storage:
  postgres:
    postgres_db:
      username: ada
      password: {{env: PG_PASSWORD}}
      hostname: 127.0.0.1
      db_name: rivers
      port: {port}
"""
OLDER = """
UPDATE daemon_heartbeats SET body = regexp_replace(
  body, '"timestamp": [0-9.]+', '"timestamp": ' || (extract(epoch from now()) - :seconds)::float8::text
)
"""
ENDED = ("SUCCESS", "FAILURE", "CANCELED")
LAUNCH = """
mutation ($selector: JobOrPipelineSelector!, $config: RunConfigData!) {
  launchRun(executionParams: {selector: $selector, runConfigData: $config}) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message errorChain { error { message } } }
    ... on RunConfigValidationInvalid { errors { message } }
    ... on PipelineNotFoundError { message }
  }
}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stack:
    """A Dagster that answers on loopback."""

    url: str
    location: str
    programs: "Programs | None" = None
    database: PostgresServer | None = None

    def stop(self, kind: str) -> None:
        """End `code`, `web` or `daemon`."""
        assert self.programs is not None
        self.programs.stop(kind)

    @contextmanager
    def without(self, kind: str) -> Iterator[None]:
        """Do without a program in the block, and start it again."""
        self.stop(kind)
        try:
            yield
        finally:
            assert self.programs is not None
            self.programs.start(kind)

    def let_daemons_be_silent(self, seconds: int) -> None:
        """Make their last heartbeats so much older, in the database of a stack on PostgreSQL."""
        assert self.database is not None
        self.database.sql(OLDER, seconds=seconds)

    def replace_code(self, *, image: str) -> None:
        """Start the code server again, as a platform does with a new image."""
        self.stop("code")
        assert self.programs is not None
        self.programs.start("code", "--container-image", image)

    def ask(self, query: str, **variables: Any) -> Any:
        """Return the data that GraphQL answers; errors come with other statuses, and as JSON, too."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/graphql", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                document = json.load(answer)
        except urllib.error.HTTPError as error:
            document = json.load(error)
        assert document.get("data") is not None, document
        return document["data"]

    def launch(self, job: str, config: Mapping[str, Any]) -> dict[str, Any]:
        """Launch a run, and return the answer."""
        selector = {
            "repositoryName": "__repository__",
            "repositoryLocationName": self.location,
            "pipelineName": job,
        }
        answer: dict[str, Any] = self.ask(LAUNCH, selector=selector, config=dict(config))["launchRun"]
        return answer

    def started(self, job: str, config: Mapping[str, Any]) -> str:
        """Launch a run, and return its id."""
        answer = self.launch(job, config)
        assert answer["__typename"] == "LaunchRunSuccess", answer
        run: str = answer["run"]["runId"]
        return run

    def status(self, run: str) -> str:
        """Return the status of a run."""
        query = "query ($run: ID!) { runOrError(runId: $run) { ... on Run { status } } }"
        status: str = self.ask(query, run=run)["runOrError"]["status"]
        return status

    def ended(self, run: str) -> str:
        """Wait for the end of a run, and return its status."""
        return self.waited(run, ENDED)

    def waited(self, run: str, statuses: tuple[str, ...]) -> str:
        """Wait until a run has one of some statuses, and return it."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            status = self.status(run)
            if status in statuses:
                return status
            time.sleep(0.3)
        raise AssertionError(f"the run {run} is {status}")

    def runs(self, job: str) -> list[str]:
        """Return the ids of the runs of a job."""
        query = """query ($job: String!) { runsOrError(filter: {pipelineName: $job}) {
            ... on Runs { results { runId } } } }"""
        return [run["runId"] for run in self.ask(query, job=job)["runsOrError"]["results"]]


@contextmanager
def stack_on_postgres(
    definitions: Path, folder: Path, variables: Mapping[str, str], *, image: str = ""
) -> Iterator[Stack]:
    """Run a Dagster that keeps what it knows in a new PostgreSQL, below a folder, with tests importable."""
    with postgres() as server:
        environment = {
            "PG_PASSWORD": server.password,
            "PYTHONPATH": str(ROOT / "tests"),
            "FLOWLOCK_RESULTS": str(folder / "results"),
            **variables,
        }
        storage = STORAGE.format(port=server.port)
        with dagster_stack(definitions, folder / "home", environment, storage, image) as stack:
            yield replace(stack, database=server)


@contextmanager
def dagster_stack(
    definitions: Path, home: Path, environment: Mapping[str, str], storage: str = "", image: str = ""
) -> Iterator[Stack]:
    """Run a Dagster with the definitions of a file; `storage` are lines of dagster.yaml about a database.

    `image` is what the code server says that it runs in.
    """
    home.mkdir(parents=True)
    (home / "dagster.yaml").write_text(f"telemetry: {{enabled: false}}\n{storage}")
    code, web = free_port(), free_port()
    name = definitions.stem
    (home / "workspace.yaml").write_text(
        f"load_from:\n- grpc_server: {{host: 127.0.0.1, port: {code}, location_name: {name}}}\n"
    )
    variables = {**clean({}), "DAGSTER_HOME": str(home), "DAGSTER_DISABLE_TELEMETRY": "1", **environment}
    served = ["-h", "127.0.0.1", "-p"]
    commands = {
        "code": ["dagster", "code-server", "start", *served, str(code), "-f", str(definitions)],
        "web": ["dagster-webserver", *served, str(web), "-w", str(home / "workspace.yaml")],
        "daemon": ["dagster-daemon", "run", "-w", str(home / "workspace.yaml")],
    }
    with ExitStack() as stack:
        programs = Programs(home=home, variables=variables, commands=commands)
        stack.callback(programs.close)
        if not storage:
            # Programs that make the tables of SQLite at once leave them with two versions, for ever.
            migrate = [str(BIN / "dagster"), "instance", "migrate"]
            subprocess.run(migrate, env=variables, check=True, capture_output=True)
        programs.start("code", *(("--container-image", image) if image else ()))
        programs.start("web")
        programs.start("daemon")
        running = Stack(url=f"http://127.0.0.1:{web}", location=name, programs=programs)
        wait_until_loaded(running, home)
        yield running


@dataclass(kw_only=True)
class Programs:
    """The programs of a Dagster, which can be stopped and started one by one."""

    home: Path
    variables: Mapping[str, str]
    commands: Mapping[str, list[str]]
    running: dict[str, ExitStack] = field(default_factory=dict)

    def start(self, kind: str, *arguments: str) -> None:
        program, *rest = self.commands[kind]
        command = [str(BIN / program), *rest, *arguments]
        self.running[kind] = ExitStack()
        self.running[kind].enter_context(_process(command, self.home / f"{kind}.log", self.variables))

    def stop(self, kind: str) -> None:
        self.running.pop(kind).close()

    def close(self) -> None:
        for kind in [*self.running]:
            self.stop(kind)


@contextmanager
def _process(command: list[str], log: Path, environment: Mapping[str, str]) -> Iterator[None]:
    with (
        log.open("wb") as stream,
        subprocess.Popen(
            command,
            cwd=log.parent,
            env=dict(environment),
            stdout=stream,
            stderr=stream,
            start_new_session=True,
            # A test may have been started with signals ignored; these servers would then never end.
            restore_signals=True,
        ) as process,
    ):
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def wait_until_loaded(stack: Stack, home: Path) -> None:
    """Wait until the webserver has loaded the location."""
    query = """{ workspaceOrError { ... on Workspace { locationEntries {
        loadStatus locationOrLoadError { __typename ... on PythonError { message } } } } } }"""
    until, last = time.monotonic() + PATIENCE, ""
    while time.monotonic() < until:
        try:
            (entry,) = stack.ask(query)["workspaceOrError"]["locationEntries"]
            loaded = entry["locationOrLoadError"]
            if loaded and loaded["__typename"] == "RepositoryLocation":
                return
            last = str(loaded)
        except (OSError, ValueError) as error:
            last = str(error)
        time.sleep(0.5)
    logs = "\n".join(path.read_text()[-1500:] for path in home.glob("*.log"))
    raise AssertionError(f"Dagster does not answer: {last}\n{logs}")
