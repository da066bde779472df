"""Types that tasks share: tables, paths, group keys, time ranges; none imports pandas."""

import re
from dataclasses import dataclass, replace
from datetime import datetime, time
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError, core_schema

from flowlock_core.documents.times import is_day, parse_time
from flowlock_core.refusals.sentences import KIND_ERROR

OBJECT_SCHEMES = ("s3",)
_KEY = re.compile(r"[^\x00-\x1f\x7f\\%?#]+")
_LONGEST_KEY = 1024

if TYPE_CHECKING:
    from pandas import DataFrame as DataFrame  # noqa: PLC0414 - exported
else:

    class DataFrame:
        """A pandas DataFrame; pandas is imported when a value is checked, not when a task is declared."""

        __module__ = "pandas"

        @classmethod
        def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> core_schema.CoreSchema:
            """Check that a value is a DataFrame; it has no JSON Schema, so it can only come from a step."""
            return core_schema.no_info_plain_validator_function(_a_table)


def _a_table(value: Any) -> Any:
    import pandas as pd

    if not isinstance(value, pd.DataFrame):
        raise PydanticCustomError(KIND_ERROR, "a table")
    return value


class Wired:
    """A value that only another step can give: checked by its class, without a JSON Schema.

    `phrase` is the name of the value.
    """

    __slots__ = ()
    phrase: ClassVar[str] = "a result of another step"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, _handler: Any) -> core_schema.CoreSchema:
        """Check the class only."""
        return core_schema.custom_error_schema(
            core_schema.is_instance_schema(source), KIND_ERROR, custom_error_message=source.phrase
        )


def _from_base(path: Path, info: ValidationInfo) -> Path:
    context = info.context or {}
    base = context.get("base")
    resolved = path if base is None or path.is_absolute() else Path(base) / path
    if "inputs" in context:
        context["inputs"].add(resolved)
    return resolved


InputPath: TypeAlias = Annotated[Path, AfterValidator(_from_base)]
"""A file to read; a relative path is relative to the folder of the parameters file.

A run records every such path, to determine later whether its results are up to date.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectUrl:
    """The URL of an object in a store, `s3://bucket/key`; str gives it back."""

    scheme: str
    bucket: str
    key: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the URL that a text is; a ValueError says what is expected."""
        scheme, _, rest = text.partition("://")
        bucket, _, key = rest.partition("/")
        if scheme not in OBJECT_SCHEMES or not bucket or not key:
            raise ValueError("expected the URL of an object, such as s3://bucket/folder/table.csv")
        parts = key.split("/")
        # Servers and libraries differ in what they make of these.
        if any(part in ("", ".", "..") for part in parts) or not _KEY.fullmatch(key):
            raise ValueError("expected the key of an object: no `..`, no empty part, none of \\ % ? #")
        if len(key.encode()) > _LONGEST_KEY:
            raise ValueError(f"the key of an object must have at most {_LONGEST_KEY} bytes")
        return cls(scheme=scheme, bucket=bucket, key=key)

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rpartition("/")[2]

    def renamed(self, name: str) -> Self:
        """Return the URL with another last part of the key."""
        folder, slash, _ = self.key.rpartition("/")
        return replace(self, key=f"{folder}{slash}{name}")

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}/{self.key}"


def _path_or_url(value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    if isinstance(value, ObjectUrl):
        return value
    if isinstance(value, str) and "://" in value:
        return ObjectUrl.parse(value)
    return _from_base(handler(value), info)


if TYPE_CHECKING:
    InputFile: TypeAlias = Path | ObjectUrl
else:
    InputFile = Annotated[Path, WrapValidator(_path_or_url)]
    """A file to read as `InputPath`, or the URL of an object."""


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or not path.name:
        raise ValueError("expected a relative path inside the results folder")
    return name


OutputName: TypeAlias = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_inside)]
"""A file to write, relative to the results folder; `/` creates folders."""


def _inside_or_url(name: str) -> str:
    return str(ObjectUrl.parse(name)) if "://" in name else _inside(name)


OutputFile: TypeAlias = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_inside_or_url)]
"""A file to write as `OutputName`, or the URL of an object."""

GroupKey: TypeAlias = tuple[tuple[str, str, Any], ...]
"""The values that identify a group: (column, "=", value) triples, sorted by column. Empty for all rows."""


class TimeRange(BaseModel):
    """A time range that includes both ends."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    since: Annotated[datetime, Field(title="Since", description="The start of the range, which is included.")]
    until: Annotated[
        datetime,
        Field(
            title="Until",
            description="The end of the range, which is included; a date is the whole day.",
        ),
    ]

    @field_validator("since", mode="before")
    @classmethod
    def _read_since(cls, value: Any) -> datetime:
        return parse_time(value)

    @field_validator("until", mode="before")
    @classmethod
    def _read_until(cls, value: Any) -> datetime:
        """Read a day as its last moment: `until: 2015-12-31` takes in all of New Year's Eve."""
        moment = parse_time(value)
        day = is_day(value) if isinstance(value, str) else not isinstance(value, datetime)
        return datetime.combine(moment, time.max, moment.tzinfo) if day else moment

    @model_validator(mode="after")
    def _in_order(self) -> "TimeRange":
        if (self.since.tzinfo is None) != (self.until.tzinfo is None):
            raise ValueError("`since` and `until` must both have a time zone, or neither")
        if self.since > self.until:
            raise ValueError(f"`since` ({self.since}) is later than `until` ({self.until})")
        return self
