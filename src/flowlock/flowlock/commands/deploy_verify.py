"""`flowlock deploy verify` and `deploy reload`: what the platform says of a deployment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowlock.commands.deployment import DeployOptions, declared, deployment, written_tag
from flowlock.commands.session import Session
from flowlock.deploy.dagster_api import DagsterApi
from flowlock.deploy.junit import junit
from flowlock.deploy.verification import CheckOutcome, CheckStatus, Expectation, SliceRun, reload, verify
from flowlock.documents import yaml
from flowlock.documents.deploy_table import DeployTable
from flowlock.edges import files, secret
from flowlock.errors import FlowlockError
from flowlock.lifecycle.names import job_name
from flowlock.workspace import Workspace

SECONDS = 120.0


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifyOptions:
    """What is verified, beside the deployment itself; what is left out, flowlock.toml has."""

    url: str | None = None
    tag: str | None = None
    job: str | None = None
    params: Path | None = None
    seconds: float | None = None
    removed: Sequence[str] = ()
    wait: float = 0.0
    junit: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DeployVerification:
    """The checks of a deployment."""

    location: str
    image: str
    outcomes: Sequence[CheckOutcome]

    @property
    def ok(self) -> bool:
        """Whether no check failed."""
        return all(outcome.status is not CheckStatus.FAILED for outcome in self.outcomes)

    def as_json(self) -> Mapping[str, Any]:
        """Return {"location", "image", "ok", "checks": [{name, status, detail, seconds, log}]}."""
        checks = [outcome.as_json() for outcome in self.outcomes]
        return {"location": self.location, "image": self.image, "ok": self.ok, "checks": checks}

    def as_text(self) -> str:
        """Return a line for each check, and the log of the run below its line."""
        lines = []
        for outcome in self.outcomes:
            lines.append(f"{outcome.status:<8} {outcome.name:<9} {outcome.detail}")
            lines += [f"    {line}" for line in outcome.log]
        return "\n".join(lines)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReloadResult:
    """A location that was loaded again without an error."""

    location: str
    image: str
    jobs: Sequence[str]

    @property
    def ok(self) -> bool:
        """A location that cannot be loaded is an error, so this is always true."""
        return True

    def as_json(self) -> Mapping[str, Any]:
        """Return {"location", "image", "jobs"}."""
        return {"location": self.location, "image": self.image, "jobs": list(self.jobs)}

    def as_text(self) -> str:
        """Return one line."""
        image = f" from {self.image}" if self.image else ""
        return f"{self.location}: loaded{image}, with {', '.join(self.jobs) or 'no jobs'}"


def verify_deployment(session: Session, options: DeployOptions, wanted: VerifyOptions) -> DeployVerification:
    """Ask Dagster whether it runs what was deployed; all failures are in the result."""
    name, table = declared(session.workspace, options.name)
    expected = Expectation(
        location=table.location or name,
        image=_image(session.workspace, options, table, wanted.tag),
        jobs=_jobs(session.workspace, name),
        open_ended=_has_packages(session.workspace),
        removed=tuple(wanted.removed),
        slice=_slice(table, wanted),
    )
    api = _api(name, table, wanted.url)
    with session.progress.stage("verify") as stage:
        outcomes = verify(api, expected, wait=wanted.wait)
        result = DeployVerification(location=expected.location, image=expected.image, outcomes=outcomes)
        stage.status = "passed" if result.ok else "failed"
        stage.detail = expected.location
    if wanted.junit is not None:
        text = secret.safe(junit(f"flowlock deploy verify {expected.location}", outcomes))
        files.write_text(wanted.junit, text)
    return result


def reload_location(session: Session, name: str | None, url: str | None) -> ReloadResult:
    """Let Dagster load a location again; a FlowlockError has the error that it met."""
    known, table = declared(session.workspace, name)
    entry = reload(_api(known, table, url), table.location or known)
    if not entry.is_loaded:
        raise FlowlockError(
            f"Dagster could not load {entry.name}: {entry.load_error}",
            code="FL951",
            hint="correct the location and deploy it again, or go back: `flowlock deploy rollback`",
            detail=entry.outcome.message if entry.outcome is not None else None,
        )
    return ReloadResult(location=entry.name, image=entry.image, jobs=sorted(entry.jobs))


def _api(name: str, table: DeployTable, url: str | None) -> DagsterApi:
    chosen = url or table.url
    if not chosen:
        raise FlowlockError(
            f"the address of Dagster is not known for {name}",
            code="FL952",
            hint=f"name it with --url, or with `url` under [deploy.{name}] in flowlock.toml",
        )
    return DagsterApi(chosen)


def _image(workspace: Workspace, options: DeployOptions, table: DeployTable, tag: str | None) -> str:
    """Return the image that is expected: that of a tag, or else of the manifest; nothing if unknown."""
    if tag is not None:
        image = options.image or table.image
        return f"{image}:{tag}" if image else ""
    if options.file is None and not table.file:
        return ""
    target = deployment(workspace, options)
    return f"{target.image}:{written_tag(target)}"


def _jobs(workspace: Workspace, name: str) -> frozenset[str] | None:
    """Return the jobs of the location, which are named as the functions of its workflows."""
    location = workspace.location
    if location is None or location.name != name:
        return None
    return frozenset(map(job_name, location.table.workflows))


def _has_packages(workspace: Workspace) -> bool:
    """Return whether the location has jobs that are written by hand, whose names are not known here."""
    return workspace.location is not None and bool(workspace.location.table.packages)


def _slice(table: DeployTable, wanted: VerifyOptions) -> SliceRun | None:
    declared_slice = table.slice
    if wanted.job is None and declared_slice is None:
        return None
    config: Mapping[str, Any] = {}
    job, seconds = wanted.job or "", SECONDS
    if declared_slice is not None and wanted.job in {None, declared_slice.job}:
        job, config, seconds = declared_slice.job, declared_slice.params, declared_slice.seconds
    if wanted.params is not None:
        config = yaml.read_mapping(
            files.read_text(wanted.params, str(wanted.params)), str(wanted.params)
        ).content
    return SliceRun(job=job, config=config, seconds=wanted.seconds or seconds)
