"""`[deploy.NAME]` of flowlock.toml: where the tag of an image stands, who reviews it, and where it runs."""

import re
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from flowlock.edges.forge import REPOSITORY_NAME

_FORGE = f"^({REPOSITORY_NAME})?$"
_BRANCH = r"^([A-Za-z0-9][A-Za-z0-9._/-]*)?$"


class _DeployModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class SliceTable(_DeployModel):
    """A run on a small part of the data, by which a deployment is verified."""

    job: str = Field(pattern=r"^\w+$", description="The job that runs; it is one of the location's.")
    params: dict[str, dict[str, Any]] = Field(
        default={}, description="Its parameters, by step, as in a parameters file."
    )
    seconds: float = Field(default=120, gt=0, le=86_400, description="How long the run may take.")


class DeployTable(_DeployModel):
    """A deployment: what does not change from one tag to the next."""

    image: str = Field(
        default="",
        pattern=r"^([^\s@:/]+(:\d+)?(/[^\s@:/]+)*)?$",
        description="The repository of the image, without a tag: `ghcr.io/octo/services`.",
    )
    file: str = Field(
        default="",
        description="The file with its tag, relative to flowlock.toml: the values of a Helm chart, a "
        "kustomization or a Kubernetes manifest.",
    )
    key: str = Field(
        default="",
        description="The key of the tag, if the file has several places with the image: "
        "`deployments.services.image.tag`. An item of a list has the key of its `name`, or its number.",
    )
    remote: str = Field(
        default="origin", pattern=r"^\w[\w.-]*$", description="The remote to which commits are pushed."
    )
    branch: str = Field(
        default="",
        pattern=_BRANCH,
        description="The branch that is deployed; default: the main branch of the remote.",
    )
    forge: str = Field(
        default="",
        pattern=_FORGE,
        description="Where pull requests are opened: `github:OWNER/REPO` or "
        "`gitea:https://HOST/OWNER/REPO`. Default: the repository of the remote, if that is at github.com.",
    )
    url: str = Field(
        default="", pattern=r"^(https?://[^@\s]+)?$", description="The address of Dagster's web server."
    )
    location: str = Field(
        default="", description="The name of the location in Dagster; default: that of the deployment."
    )
    slice: SliceTable | None = Field(default=None, description="The run that verifies the deployment.")

    @field_validator("file")
    @classmethod
    def _relative(cls, value: str) -> str:
        if value.startswith("/") or re.match(r"[A-Za-z]:", value):
            raise ValueError("expected a path relative to flowlock.toml")
        return value
