"""A package's pyproject.toml, read or refused by the line: no more of it than recipes and tasks need."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from flowlock.documents import toml
from flowlock.errors import FlowlockError, Problem

_PROJECT_PAGE, _DEPENDENCY_PAGE = "pyproject-toml", "dependency-specifiers"


@lru_cache(maxsize=256)
def read(text: str, file: str) -> Mapping[str, Any]:
    """Return the document; a reader of its `[project]` finds names, versions and requirements well-formed.

    All its problems are reported together (PEP 621 has the rules). A file without `[project]` is one too.
    """
    document = toml.read(text, file, code="FL302")
    try:
        _PyprojectDocument.model_validate(document.data)
    except ValidationError as error:
        problems = [_problem(fault, document) for fault in error.errors()]
        raise FlowlockError(f"{file} has {len(problems)} problem(s)", problems=problems) from error
    return document.data


def _name(value: str) -> str:
    try:
        requirement = Requirement(value)
    except InvalidRequirement:
        requirement = None
    if requirement is None or str(requirement) != value or requirement.name != value:
        raise ValueError(f"`{value}` is not a valid distribution name")
    return value


def _specifiers(value: str) -> str:
    try:
        SpecifierSet(value)
    except InvalidSpecifier as error:
        raise ValueError(f"`{value}` is not a version specifier such as `>=3.11`") from error
    return value


def _requirement(value: str) -> str:
    try:
        Requirement(value)
    except InvalidRequirement as error:
        raise ValueError(f"the dependency `{value}` cannot be read: {str(error).splitlines()[0]}") from error
    return value


class _Project(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    name: Annotated[str, AfterValidator(_name)]
    version: str = ""
    description: str = ""
    requires_python: Annotated[str, AfterValidator(_specifiers)] = Field("", alias="requires-python")
    dependencies: list[Annotated[str, AfterValidator(_requirement)]] = []
    scripts: dict[str, str] = {}
    gui_scripts: dict[str, str] = Field({}, alias="gui-scripts")
    entry_points: dict[str, dict[str, str]] = Field({}, alias="entry-points")
    license_files: list[str] = Field([], alias="license-files")
    urls: dict[str, str] = {}


class _PyprojectDocument(BaseModel):
    model_config = ConfigDict(extra="ignore")

    project: _Project | None = None


def _problem(fault: Mapping[str, Any], document: toml.Document) -> Problem:
    shown = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault["loc"])[1:]
    reason = str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] == "missing":
        reason = "it is missing"
    # Our validators raise it for strings that are not names, specifiers or requirements.
    is_requirement = fault["type"] == "value_error"
    page = _DEPENDENCY_PAGE if is_requirement else _PROJECT_PAGE
    return Problem(
        code="FL331" if is_requirement else "FL332",
        message=f"{shown}: {reason}",
        location=document.at(fault["loc"]),
        hint=f"see https://packaging.python.org/specifications/{page} for the allowed values",
    )
