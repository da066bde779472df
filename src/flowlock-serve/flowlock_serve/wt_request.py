"""What clients of ecoscope-workflows and wt ask a service for, and what of it is refused.

Their runner takes secrets and the place of the results from each request. A service has named connections and
one place for results, so both are refused, and everything else that would be ignored.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, WithJsonSchema

from flowlock_core.errors import Problem, UsageError
from flowlock_core.runs.results_url import ResultsUrl
from flowlock_serve.documents import Params, integer_of

SECRETS, RESULTS, MATCHSPEC, ELSEWHERE = "FL791", "FL792", "FL793", "FL794"
# Those of wt-runner that run where it does: one waits for the end, the other does not.
WAITING, NOT_WAITING = "BlockingLocalSubprocessInvoker", "AsyncLocalSubprocessInvoker"
# What descriptions say of values that are read, so that they can be refused with a code and a hint.
_NOTHING = WithJsonSchema({"type": "null"})
_EMPTY_OBJECT = WithJsonSchema({"anyOf": [{"type": "object", "maxProperties": 0}, {"type": "null"}]})
_EMPTY_TEXT = WithJsonSchema({"type": "string", "maxLength": 0})
_LOCAL = WithJsonSchema({"const": "localhost", "default": "localhost"})
# A name behind an optional channel, and the version that it must have, up to `*`.
_MATCHSPEC = re.compile(r"(?:\S+::)?([A-Za-z0-9._-]+) *(?:(={1,2}) *([A-Za-z0-9._+!]*?)(\.?\*)?)?")


class _Body(BaseModel):
    # Secrets may be in it.
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Lithops(_Body):
    """The settings of Lithops itself."""

    backend: Annotated[Literal["localhost", "gcp_cloudrun"], _LOCAL] = "localhost"
    storage: Annotated[Literal["localhost", "gcp_storage"], _LOCAL] = "localhost"
    log_level: str = "DEBUG"
    data_limit: Annotated[int, BeforeValidator(integer_of)] = 256


class LithopsConfig(_Body):
    """The settings of Lithops in a request."""

    lithops: Lithops = Field(default_factory=Lithops)
    gcp: Annotated[dict[str, Any] | None, _NOTHING] = None
    gcp_cloudrun: Annotated[dict[str, Any] | None, _NOTHING] = None

    @property
    def is_local(self) -> bool:
        """Whether the settings make no difference, because they name no cloud."""
        places = {self.lithops.backend, self.lithops.storage}
        return places == {"localhost"} and self.gcp is None and self.gcp_cloudrun is None


class WtBody(_Body):
    """The body of a request to run."""

    params: Params
    data_connections_env_vars: Annotated[dict[str, SecretStr] | None, _EMPTY_OBJECT] = Field(
        default=None, description="Refused unless it is empty: connections are those of the service."
    )
    lithops_config: LithopsConfig | None = Field(
        default=None, description="Refused if it names a cloud: the workflow runs where the service does."
    )


class WtQuery(BaseModel):
    """The query of a request to run, with the names of wt-runner."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    execution_mode: Literal["async", "sequential"] = Field(
        description="`async` runs independent steps and elements in processes."
    )
    mock_io: bool = Field(description="Use packaged examples instead of reading data.")
    results_url: str | None = Field(
        default=None, description="Refused unless it is the place of the results of the service."
    )
    matchspec: str | None = Field(default=None, description="The name of the package, or NAME==VERSION.")
    invoker_type: Annotated[str, WithJsonSchema({"type": "string", "enum": [WAITING, NOT_WAITING]})] = Field(
        default=WAITING, description=f"{WAITING} answers when the run has ended, {NOT_WAITING} at once."
    )
    timeout: Annotated[float | None, WithJsonSchema({"type": "number", "minimum": 1})] = Field(
        default=None,
        ge=1,
        allow_inf_nan=False,
        description="Seconds from the start of the run, which is cancelled then.",
    )
    docker_image_uri: Annotated[str | None, _EMPTY_TEXT] = Field(
        default=None, description="Refused unless it is empty."
    )
    workflow_run_id: str = Field(default="", description="Ignored: the service gives ids to runs.")

    @property
    def is_2024(self) -> bool:
        """Whether this is a request of ecoscope-workflows, whose services have one workflow."""
        return self.matchspec is None


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """What a service has to compare a request with: its package, the version, and where its results are."""

    package: str
    version: str | None
    results: ResultsUrl


def described(served: Served) -> dict[str, dict[str, Any]]:
    """Return the JSON Schemas of the parameters of a query that depend on what is served."""
    specs = [served.package]
    if served.version:
        specs.append(f"{served.package}=={served.version}")
    return {
        "matchspec": {"type": "string", "enum": specs},
        "results_url": {"type": "string", "enum": [str(served.results)]},
    }


def refused(body: WtBody, query: WtQuery, served: Served) -> Iterator[Problem]:
    """Yield why a request cannot be served; secrets are not repeated."""
    if body.data_connections_env_vars:
        yield Problem(
            code=SECRETS,
            message="`data_connections_env_vars` must be empty: this service takes no secrets from requests",
            hint="give the service the connections, in its environment or its connections file, and name one "
            "of them in `params`",
        )
    if query.results_url is not None and not _is_ours(query.results_url, served.results):
        yield Problem(
            code=RESULTS,
            message="`results_url` is not the place of the results of this service",
            hint="omit `results_url`; the header Location of the answer names the run, and /runs/ID/results/ "
            "has its files",
        )
    if query.matchspec is not None:
        yield from _against_matchspec(query.matchspec, served)
    yield from _against_place(body, query)


def _is_ours(text: str, results: ResultsUrl) -> bool:
    """Return whether a URL, or an absolute path, is that of a service's results."""
    try:
        url = ResultsUrl.parse(f"file://{text}" if PurePosixPath(text).is_absolute() else text)
    except UsageError:
        return False
    return url == results


def _against_matchspec(text: str, served: Served) -> Iterator[Problem]:
    match = _MATCHSPEC.fullmatch(text.strip())
    version = served.version or ""
    if match is None or (match[2] and not match[3] and not match[4]):
        message = "`matchspec` must be the name of a package, or NAME==VERSION"
    elif match[1].lower() != served.package:
        message = "`matchspec` names another package"
    elif not _has_version(version, match[2], match[3], match[4]):
        message = "`matchspec` names another version"
    else:
        return
    installed = f"{served.package}=={version}" if version else served.package
    yield Problem(code=MATCHSPEC, message=message, hint=f"this service runs {installed}; omit `matchspec`")


def _has_version(version: str, operator: str | None, wanted: str | None, star: str | None) -> bool:
    """Return whether a version is that of a match spec; one `=` and a star compare the leading parts."""
    if not wanted:
        return True
    if operator == "==" and not star:
        return version == wanted
    parts = wanted.split(".")
    return version.split(".")[: len(parts)] == parts


def _against_place(body: WtBody, query: WtQuery) -> Iterator[Problem]:
    hint = "omit it: the workflow runs where the service does"
    if query.invoker_type not in (WAITING, NOT_WAITING):
        choices = f"use {WAITING}, or {NOT_WAITING}, which does not wait"
        yield Problem(code=ELSEWHERE, message="`invoker_type` cannot be used with this service", hint=choices)
    if query.docker_image_uri:
        message = "`docker_image_uri` cannot be used with this service"
        yield Problem(code=ELSEWHERE, message=message, hint=hint)
    lithops = body.lithops_config
    if lithops is not None and not lithops.is_local:
        message = "`lithops_config` must not name a cloud"
        yield Problem(
            code=ELSEWHERE, message=message, hint=f"{hint}, with `execution_mode=async` in processes"
        )
