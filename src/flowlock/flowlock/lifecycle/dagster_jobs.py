"""What a running Dagster does with a job: runs that wait or run, backfills, schedules and sensors.

Dagster is only asked: a run that is deleted has no logs any more.
"""

from collections.abc import Iterator

from pydantic import BaseModel

from flowlock.edges.dagster import DagsterServer
from flowlock.edges.retry_policy import RetryPolicy
from flowlock.errors import FlowlockError, Problem, shortened

REFERS, NO_LOCATION = "FL962", "FL964"
SHOWN = 3
_MOST = 200
# A webserver that is up answers at once; one that is started again is back within seconds.
_RETRIES = RetryPolicy(tries=3, read=60.0)
_UNFINISHED = ["QUEUED", "NOT_STARTED", "MANAGED", "STARTING", "STARTED", "SUSPENDED", "CANCELING"]
# The names on the left are ours, and those of the classes below.
_QUERY = """
query ($runs: RunsFilter!, $most: Int!) {
  repositories: repositoriesOrError { ... on RepositoryConnection { nodes {
    location { name }
    schedules { name job: pipelineName state: scheduleState { status } }
    sensors { name targets { job: pipelineName } state: sensorState { status } }
  } } }
  runs: runsOrError(filter: $runs, limit: $most) { ... on Runs { results {
    id status origin: repositoryOrigin { location: repositoryLocationName }
  } } }
  requested: partitionBackfillsOrError(status: REQUESTED, limit: $most) { ...backfills }
  canceling: partitionBackfillsOrError(status: CANCELING, limit: $most) { ...backfills }
}
fragment backfills on PartitionBackfillsOrError {
  ... on PartitionBackfills { results { id partitions: partitionSet {
    job: pipelineName origin: repositoryOrigin { location: repositoryLocationName }
  } } }
}
"""


class _Location(BaseModel):
    name: str


class _State(BaseModel):
    status: str


class _Schedule(BaseModel):
    name: str
    job: str | None
    state: _State


class _Target(BaseModel):
    job: str | None


class _Sensor(BaseModel):
    name: str
    targets: list[_Target] | None
    state: _State


class _DagsterRepository(BaseModel):
    location: _Location
    schedules: list[_Schedule]
    sensors: list[_Sensor]


class _DagsterRepositories(BaseModel):
    nodes: list[_DagsterRepository]


class _DagsterOrigin(BaseModel):
    location: str


class _DagsterRun(BaseModel):
    id: str
    status: str
    origin: _DagsterOrigin | None


class _Runs(BaseModel):
    results: list[_DagsterRun]


class _Partitions(BaseModel):
    job: str
    origin: _DagsterOrigin


class _Backfill(BaseModel):
    id: str
    partitions: _Partitions | None


class _Backfills(BaseModel):
    results: list[_Backfill]


class _DagsterState(BaseModel):
    repositories: _DagsterRepositories
    runs: _Runs
    requested: _Backfills
    canceling: _Backfills


def in_dagster(url: str, location: str, job: str) -> list[Problem]:
    """Return what a Dagster still does with a job of a location.

    A FlowlockError says that it does not answer, or does not have the location.
    """
    runs = {"pipelineName": job, "statuses": _UNFINISHED}
    server = DagsterServer(url, retry_policy=_RETRIES)
    state = server.ask(_QUERY, _DagsterState, runs=runs, most=_MOST)
    names = sorted({repository.location.name for repository in state.repositories.nodes})
    if location not in names:
        raise FlowlockError(
            f"the Dagster at {url} has no location {location}",
            code=NO_LOCATION,
            hint=f"it has loaded {shortened(names, SHOWN) or 'none'}; reload the location, or correct --url",
        )
    repositories = [each for each in state.repositories.nodes if each.location.name == location]
    backfills = [*state.requested.results, *state.canceling.results]
    return [
        *_instigators(repositories, job),
        *_runs(state.runs, location, job),
        *_backfills(backfills, location, job),
    ]


def _instigators(repositories: list[_DagsterRepository], job: str) -> Iterator[Problem]:
    """Yield the schedules and sensors that are on; one that is off goes with the location that has it."""
    for repository in repositories:
        for schedule in repository.schedules:
            if schedule.job == job and schedule.state.status == "RUNNING":
                yield _problem(f"the schedule {schedule.name} is on, and runs {job}", "turn it off")
        for sensor in repository.sensors:
            targets = {target.job for target in sensor.targets or ()}
            if job in targets and sensor.state.status == "RUNNING":
                yield _problem(f"the sensor {sensor.name} is on, and runs {job}", "turn it off")


def _runs(runs: _Runs, location: str, job: str) -> Iterator[Problem]:
    for run in runs.results:
        # A run that was not launched from a location may be of any.
        if run.origin is None or run.origin.location == location:
            yield _problem(f"the run {run.id} of {job} is {run.status}", "wait for its end, or cancel it")


def _backfills(backfills: list[_Backfill], location: str, job: str) -> Iterator[Problem]:
    for backfill in backfills:
        partitions = backfill.partitions
        if partitions and partitions.job == job and partitions.origin.location == location:
            words = f"the backfill {backfill.id} of {job} has not ended"
            yield _problem(words, "wait for its end, or cancel it")


def _problem(message: str, hint: str) -> Problem:
    return Problem(code=REFERS, message=message, hint=hint)
