"""Dagster's GraphQL API, as far as a deployment is verified by it; every answer is checked for its shape."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, Field

from flowlock.deploy import dagster_queries as queries
from flowlock.edges.dagster import DagsterServer
from flowlock.edges.retry_policy import RetryPolicy
from flowlock.errors import FlowlockError

IMAGE = "image"
LONGEST_REFUSAL = 2000


class _Model(BaseModel):
    """What may be one of several types: the name of the type, and its message if it is an error."""

    kind: str = Field(default="", alias="__typename")
    message: str = ""

    @property
    def reason(self) -> str:
        """The first line of the message, or the type."""
        lines = self.message.strip().splitlines()
        return lines[0].strip() if lines else self.kind


class _ChainLink(BaseModel):
    error: _Model | None = None


class _WithChain(_Model):
    """An error with those that it was raised from, the innermost last."""

    chain: list[_ChainLink] = Field(default=[], alias="errorChain")

    @property
    def innermost(self) -> str:
        """The first line of the error that all others were raised from."""
        errors = [link.error for link in self.chain if link.error is not None]
        return errors[-1].reason if errors else self.reason


class _Named(BaseModel):
    name: str


class LoadedRepository(_Named):
    """The definitions of a location."""

    pipelines: list[_Named] = []


class LoadOutcome(_Model):
    """What came of loading a location."""

    repositories: list[LoadedRepository] = []


class _Metadata(BaseModel):
    key: str
    value: str


class LocationEntry(_Model):
    """A location as the web server knows it; `outcome` is None while it is loaded for the first time."""

    name: str = ""
    updated: float = Field(default=0.0, alias="updatedTimestamp")
    metadata: list[_Metadata] = Field(default=[], alias="displayMetadata")
    outcome: LoadOutcome | None = Field(default=None, alias="locationOrLoadError")

    @property
    def image(self) -> str:
        """The image that the code server runs in, as far as it says so."""
        return {entry.key: entry.value for entry in self.metadata}.get(IMAGE, "")

    @property
    def is_loaded(self) -> bool:
        """Whether its definitions are there; `loadStatus` is LOADED for failures, too."""
        return self.outcome is not None and self.outcome.kind == "RepositoryLocation"

    @property
    def load_error(self) -> str:
        """Why it is not loaded."""
        return self.outcome.reason if self.outcome is not None else "it is still being loaded"

    @property
    def jobs(self) -> dict[str, str]:
        """The jobs, each with the name of its repository; those of Dagster itself are left out."""
        repositories = self.outcome.repositories if self.outcome is not None else []
        jobs: dict[str, str] = {}
        for repository in repositories:
            for job in repository.pipelines:
                if not job.name.startswith("__"):
                    jobs[job.name] = repository.name
        return jobs


class _Workspace(_Model):
    entries: list[LocationEntry] = Field(default=[], alias="locationEntries")


class _WorkspaceData(BaseModel):
    workspace: _Workspace = Field(alias="workspaceOrError")


class _ReloadData(BaseModel):
    entry: LocationEntry = Field(alias="reloadRepositoryLocation")


class DaemonState(BaseModel):
    """A daemon, and what its last heartbeats reported."""

    kind: str = Field(alias="daemonType")
    required: bool
    healthy: bool | None
    heartbeat: float | None = Field(default=None, alias="lastHeartbeatTime")
    errors: list[_Model] = Field(default=[], alias="lastHeartbeatErrors")


class _Health(BaseModel):
    statuses: list[DaemonState] = Field(alias="allDaemonStatuses")


class _Instance(BaseModel):
    health: _Health = Field(alias="daemonHealth")


class _InstanceData(BaseModel):
    instance: _Instance


class _RunId(BaseModel):
    id: str = Field(alias="runId")


class Launch(_WithChain):
    """A run that was launched, or why there is none."""

    run: _RunId | None = None
    errors: list[_Model] = []

    @property
    def refusal(self) -> str:
        """Why there is no run, in one line with all problems of the run config.

        If a package fails, Dagster says only that a config mapping has failed; the error is in the chain.
        """
        chained = [link.error.message for link in self.chain if link.error is not None]
        messages = [self.message, *chained, *(error.message for error in self.errors)]
        return " ".join(" ".join(messages).split())[:LONGEST_REFUSAL] or self.kind


class _LaunchData(BaseModel):
    launch: Launch = Field(alias="launchRun")


class _RunState(_Model):
    status: str = ""


class _RunData(BaseModel):
    run: _RunState = Field(alias="runOrError")


class LogEvent(_Model):
    """An event of a run's log; only messages have a level."""

    level: str = ""
    step: str | None = Field(default=None, alias="stepKey")
    error: _WithChain | None = None

    @property
    def line(self) -> str:
        """The event in one line."""
        where = f"{self.step}: " if self.step else ""
        text = self.error.innermost if self.error is not None else self.reason
        return f"{self.level.lower():<8} {where}{text}"


class _Logs(_Model):
    events: list[LogEvent] = []


class _LogsData(BaseModel):
    logs: _Logs = Field(alias="logsForRun")


class _RunList(_Model):
    results: list[_RunId] = []


class _RunsData(BaseModel):
    runs: _RunList = Field(alias="runsOrError")


class DagsterApi:
    """A web server of Dagster; each method is one request, and a failure is a FlowlockError."""

    def __init__(self, url: str, *, seconds: float = 30) -> None:
        # A verification that waits asks again anyway.
        policy = RetryPolicy(tries=1, connect=min(seconds, 5.0), read=seconds)
        self._server = DagsterServer(url, retry_policy=policy)

    def locations(self) -> list[LocationEntry]:
        """Return the locations of the workspace."""
        workspace = self._server.ask(queries.LOCATIONS, _WorkspaceData).workspace
        if workspace.kind != "Workspace":
            raise self._server.fault(workspace.reason)
        return workspace.entries

    def location(self, name: str) -> LocationEntry:
        """Return a location; one that Dagster does not have is a FlowlockError."""
        entries = {entry.name: entry for entry in self.locations()}
        if name not in entries:
            raise FlowlockError(
                f"Dagster has no location `{name}`",
                code="FL951",
                hint=f"it has {', '.join(entries) or 'none'}; name one as `location` in flowlock.toml",
            )
        return entries[name]

    def reload(self, name: str) -> LocationEntry:
        """Let Dagster load a location again, and return what came of it."""
        entry = self._server.ask(queries.RELOAD, _ReloadData, name=name).entry
        if entry.kind != "WorkspaceLocationEntry":
            raise FlowlockError(
                f"Dagster cannot reload `{name}`: {entry.reason}",
                code="FL951",
                hint="check the name of the location, and that its code server answers",
            )
        return entry

    def daemons(self) -> list[DaemonState]:
        """Return the daemons."""
        return self._server.ask(queries.DAEMONS, _InstanceData).instance.health.statuses

    def launch(
        self, location: str, repository: str, job: str, config: Mapping[str, Any], tags: Mapping[str, str]
    ) -> Launch:
        """Launch a run; a refusal, also of its run config, is returned."""
        parameters = {
            "selector": {
                "repositoryLocationName": location,
                "repositoryName": repository,
                "pipelineName": job,
            },
            "runConfigData": dict(config),
            "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
        }
        return self._server.ask(queries.LAUNCH, _LaunchData, parameters=parameters).launch

    def status(self, run: str) -> str:
        """Return the status of a run."""
        state = self._server.ask(queries.STATUS, _RunData, run=run).run
        if not state.status:
            raise self._server.fault(state.reason)
        return state.status

    def terminate(self, run: str) -> None:
        """Ask for the end of a run, whether or not it comes."""
        self._server.ask(queries.TERMINATE, BaseModel, run=run)

    def logs(self, run: str, limit: int = 1000) -> Sequence[LogEvent]:
        """Return the first events of a run's log."""
        logs = self._server.ask(queries.LOGS, _LogsData, run=run, limit=limit).logs
        if logs.kind != "EventConnection":
            raise self._server.fault(logs.reason)
        return logs.events

    def last_run(self, job: str) -> str | None:
        """Return the last run of a job by its name, None if there is none."""
        runs = self._server.ask(queries.LAST_RUN, _RunsData, job=job).runs
        if runs.kind != "Runs":
            raise self._server.fault(runs.reason)
        return runs.results[0].id if runs.results else None
