"""`flowlock.toml` as a model: every key with its description, type and default, also as JSON Schema.

`flowlock.toml` is validated with it; editors complete from it, and the reference is generated from it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from packaging.version import InvalidVersion, Version
from pydantic import BaseModel, ConfigDict, Field, StrictBool, WithJsonSchema, field_validator

from flowlock.documents.deploy_table import DeployTable
from flowlock.documents.location_table import LocationTable
from flowlock.documents.lock_declaration import LockDeclaration
from flowlock.edges import address
from flowlock.names import SUBDIRS, Platform

DIALECT = "https://json-schema.org/draft/2020-12/schema"

# Validated by Platform, whose message names the platforms; editors get them as choices.
PlatformName = Annotated[str, WithJsonSchema({"type": "string", "enum": list(SUBDIRS)})]


class StrictModel(BaseModel):
    """A table without unknown keys."""

    # Only the whole document is validated: its tables need no separate validators.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class WorkspaceTable(StrictModel):
    """What the workspace is, and where its parts are."""

    name: str = Field(
        pattern=r"^[a-z][a-z0-9-]*$",
        description="The name of the workspace: lower-case letters, digits and hyphens.",
    )
    # Validated below, by PEP 440; editors see the most common mistake.
    version: str = Field(
        description="The version that the packages of the workspace have in common.",
        json_schema_extra={"pattern": "^[0-9]"},
    )
    epoch: datetime = Field(
        description="The only time inside built artifacts, so that the same source gives the same bytes on "
        "any day. A time without an offset is in UTC."
    )
    platforms: list[PlatformName] = Field(
        default=list(SUBDIRS), min_length=1, description="The platforms that workflows are locked for."
    )
    packages: str = Field(default="src", description="The folder with a folder for each package.")
    recipes: str = Field(
        default="recipes", description="The folder with a folder for the recipe of each package."
    )
    workflows: str = Field(default="examples", description="The folder with a folder for each workflow.")
    service: StrictBool = Field(
        default=True,
        description="Whether the commands of workflows have `serve`; if so, the packages of workflows "
        "require flowlock-serve.",
    )

    @field_validator("version")
    @classmethod
    def _of_pep_440(cls, value: str) -> str:
        try:
            Version(value)
        except InvalidVersion as error:
            raise ValueError(f"`{value}` is not a version such as 1.2.0 or 1.2.0rc1") from error
        if not value[0].isdigit():
            raise ValueError(f"`{value}` does not begin with a digit, as versions of packages do")
        return value

    @field_validator("epoch")
    @classmethod
    def _in_utc(cls, value: datetime) -> datetime:
        try:
            if value.tzinfo:
                value.astimezone(UTC)
        except OverflowError as error:
            raise ValueError("expected a time whose year in UTC is between 1 and 9999") from error
        return value

    @field_validator("platforms")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        return [Platform(name) for name in value]

    @field_validator("packages", "recipes", "workflows")
    @classmethod
    def _inside(cls, value: str) -> str:
        if Path(value).is_absolute() or ".." in Path(value).parts:
            raise ValueError("expected a folder in the workspace, relative to flowlock.toml")
        return value


class ChannelsTable(StrictModel):
    """The channels that packages may come from. A spec cannot add to them."""

    release: str = Field(
        pattern=r"^https?://",
        description="The channel that the workspace publishes to. Locks name its packages by this URL, "
        "before and after a release.",
    )
    others: list[str] = Field(
        default=["conda-forge"],
        description="The other channels, by name or URL, in order of priority.",
    )
    aliases: dict[str, str] = Field(
        default={},
        description="Other names that specs may use for a channel, each with the channel: a URL or one of "
        "`others`.",
    )

    @field_validator("release", "others", "aliases")
    @classmethod
    def _public(cls, value: Any) -> Any:
        """Refuse credentials: locks and recipes would have them, and everyone who can read the repository."""
        named = [value] if isinstance(value, str) else list(value)
        urls = [*named, *value.values()] if isinstance(value, dict) else named
        if any(address.user_info(url) for url in urls):
            raise ValueError("the address of a channel contains a user name or a password: remove them")
        return value


class BuildTable(StrictModel):
    """The exact build tools. They are part of the identity of every artifact."""

    backend: str = Field(
        pattern=r"^\S+ ==\S+$", description="The build backend of the packages, such as `hatchling ==1.30.1`."
    )
    installer: str = Field(
        pattern=r"^\S+ ==\S+$",
        description="The program that installs a package into its build, such as `uv ==0.11.21`.",
    )
    platforms: list[PlatformName] | None = Field(
        default=None,
        min_length=1,
        description="The platforms that packages are built on, for which recipes/build.lock pins the build "
        "tools. Default: the platforms of `[workspace]`.",
    )

    @field_validator("platforms")
    @classmethod
    def _known(cls, value: list[str] | None) -> list[str] | None:
        return value and [Platform(name) for name in value]


class PackageTable(StrictModel):
    """Settings of one package, by the name of its folder."""

    excludes: list[str] = Field(
        default=[],
        description="Files and folders of the package that are not part of what is built, as patterns "
        "relative to its folder.",
    )


class ImageTable(StrictModel):
    """Settings of the images that are made from locks."""

    base: str = Field(
        default="", description="The base image with its digest, `IMAGE@sha256:…`; by default there is none."
    )
    source: str = Field(
        default="",
        pattern=r"^(https?://[^@\s]+)?$",
        description="The URL of the source repository, which images name in an annotation.",
    )


class SettingsDocument(StrictModel):
    """The settings of a flowlock workspace."""

    workspace: WorkspaceTable
    channels: ChannelsTable
    build: BuildTable
    names: dict[str, str] = Field(
        default={},
        description="The conda-forge names of wheels, where they differ: wheel name in PEP 503 form = "
        "conda name.",
    )
    packages: dict[str, PackageTable] = Field(default={}, description="Settings by package.")
    workflows: dict[str, LockDeclaration] = Field(default={}, description="Settings by workflow.")
    targets: dict[str, str] = Field(
        default={},
        description="Names for `flowlock publish --to NAME`: each is `KIND:LOCATION`.",
    )
    image: ImageTable = ImageTable()
    location: LocationTable | None = Field(
        default=None, description="The code location of Dagster, if the workspace has one."
    )
    deploy: dict[str, DeployTable] = Field(
        default={}, description="The deployments: locations or workflows, by their names."
    )


def settings_schema() -> dict[str, Any]:
    """Return the JSON Schema of flowlock.toml."""
    schema = SettingsDocument.model_json_schema()
    return {"$schema": DIALECT, **schema, "title": "flowlock.toml"}


def known_keys(table: Sequence[str]) -> list[str]:
    """Return the keys that a table may have, the top level for an empty path; none for a table of names."""
    if not table:
        return list(SettingsDocument.model_fields)
    field = SettingsDocument.model_fields.get(table[0])
    model = field.annotation if field else None
    return list(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else []
