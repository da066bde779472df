"""`[location]` of flowlock.toml: what the code location of a workspace holds, as its authors declare it."""

import re
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationInfo, field_validator

from flowlock.documents.git_source_table import GitSourceTable
from flowlock.documents.lock_declaration import LockDeclaration
from flowlock.names import PackageName

_CRON_FIELD = r"[0-9A-Za-z*,/-]+"
_VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"
_NO_OR_VARIABLE = r"^([A-Za-z_][A-Za-z0-9_]*)?$"


class _LocationModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class ScheduleTable(_LocationModel):
    """A schedule of a workflow, by its name."""

    workflow: str = Field(description="The workflow that runs; it is one of the location's.")
    cron: str = Field(description="When it runs, as five fields of cron such as `0 6 * * *`.")
    timezone: str = Field(default="UTC", description="The time zone of `cron`, such as `Europe/Berlin`.")
    params: dict[str, dict[str, Any]] = Field(
        default={}, description="The parameters of the workflow, by step, as in a parameters file."
    )
    running: StrictBool = Field(
        default=False, description="Whether the schedule is on when it is loaded for the first time."
    )

    @field_validator("cron")
    @classmethod
    def _five_fields(cls, value: str) -> str:
        if not re.fullmatch(rf"{_CRON_FIELD}( {_CRON_FIELD}){{4}}", value):
            raise ValueError("expected five fields of cron, such as `0 6 * * *`")
        return value

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError("expected the name of a time zone, such as `Europe/Berlin`") from error
        return value


class WebhookTable(_LocationModel):
    """A receiver of signed JSON."""

    url: str = Field(pattern=_VARIABLE, description="The environment variable with its URL.")
    signed_with: str = Field(
        pattern=_VARIABLE, description="The environment variable with its key in base64."
    )


class MailTable(_LocationModel):
    """Receivers of e-mail."""

    host: str = Field(pattern=r"^[A-Za-z0-9.-]+$", description="The mail server.")
    port: int = Field(default=587, ge=1, le=65535, description="Its port.")
    sender: str = Field(pattern=r"^[^@\s]+@[^@\s]+$", description="The address that mails come from.")
    receivers: list[str] = Field(min_length=1, description="The addresses that mails go to.")
    user: str = Field(
        default="", pattern=_NO_OR_VARIABLE, description="The environment variable with the user's name."
    )
    password: str = Field(
        default="", pattern=_NO_OR_VARIABLE, description="The environment variable with the password."
    )
    encrypted: StrictBool = Field(
        default=True, description="Whether the connection is encrypted; false only for a server nearby."
    )


class NotificationsTable(_LocationModel):
    """Who is notified when runs of the location's workflows end."""

    webhooks: list[WebhookTable] = Field(default=[], description="Receivers of signed JSON.")
    mail: list[MailTable] = Field(default=[], description="Receivers of e-mail.")


class LocationTable(LockDeclaration):
    """A code location of Dagster: workflows, and packages with jobs that are written by hand."""

    name: str = Field(
        pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40, description="The name of the location."
    )
    folder: str = Field(
        default="locations", description="The folder in which the location has a folder of its name."
    )
    workflows: list[str] = Field(default=[], description="The workflows that become jobs, by their names.")
    packages: list[str] = Field(
        default=[], description="Packages with entry points in the group `flowlock.dagster`."
    )
    sources: dict[str, GitSourceTable] = Field(
        default={}, description="Packages of the location that are in other repositories, by their names."
    )
    one_op: list[str] = Field(default=[], description="Workflows whose jobs have one op for all steps.")
    executor: Literal["in-process", "multiprocess"] = Field(
        default="in-process", description="Whether all steps run in one process, or each in another one."
    )
    json_logs: StrictBool = Field(default=False, description="Whether the jobs write their logs as JSON.")
    values: str = Field(
        default="",
        pattern=r"^([a-z][a-z0-9]*(_[a-z0-9]+)*)?$",
        description="The connection of the kind s3 to which the values of steps go; by default they are "
        "files of the Dagster instance.",
    )
    schedules: dict[str, ScheduleTable] = Field(default={}, description="The schedules, by their names.")
    notifications: NotificationsTable = Field(
        default=NotificationsTable(), description="Who is notified when runs end."
    )

    @field_validator("folder")
    @classmethod
    def _inside(cls, value: str) -> str:
        if value.startswith("/") or ".." in value.split("/"):
            raise ValueError("expected a folder in the workspace, relative to flowlock.toml")
        return value

    @field_validator("sources")
    @classmethod
    def _of_packages(
        cls, value: dict[str, GitSourceTable], info: ValidationInfo
    ) -> dict[str, GitSourceTable]:
        for name in value:
            PackageName(name)
            if name not in info.data.get("packages", ()):
                raise ValueError(f"`{name}` is not one of the location's `packages`")
        return value

    @field_validator("schedules")
    @classmethod
    def _named(cls, value: dict[str, ScheduleTable]) -> dict[str, ScheduleTable]:
        for name in value:
            if not re.fullmatch(_VARIABLE, name):
                raise ValueError(f"`{name}` cannot be the name of a schedule: use letters, digits and `_`")
        return value
