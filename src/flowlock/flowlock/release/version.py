"""Versions: which comes next, how tag and version go together, and where a version is written. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime

import tomlkit
from packaging.version import InvalidVersion, Version

from flowlock.errors import FlowlockError
from flowlock.names import Tag

PARTS = ("major", "minor", "patch")


def parse(text: str) -> Version:
    """Return a version that may be released: two or three numbers and perhaps an rc."""
    try:
        version = Version(text)
        Tag(tag_of(version))
    except (InvalidVersion, ValueError) as error:
        raise FlowlockError(
            f"`{text}` is not a version to release",
            code="FL831",
            hint="write a version such as 1.2.0 or 1.2.0rc1, or one of major, minor, patch",
        ) from error
    return version


def following(current: Version, wanted: str, *, pre: bool) -> Version:
    """Return the version that is wanted: named, or by the part that grows; with `pre` its next rc.

    From a release candidate, the part that its version grew by gives the final one: 1.2.0rc1, minor → 1.2.0.
    A version that is not greater than the current one is an error.
    """
    base = _grown(current, wanted) if wanted in PARTS else parse(wanted)
    if pre and base.pre is None:
        same = current.pre is not None and current.release == base.release
        number = (current.pre[1] if current.pre and same else 0) + 1
        base = Version(f"{base.base_version}rc{number}")
    if base <= current:
        raise FlowlockError(
            f"{base} is not greater than the current version {current}",
            code="FL832",
            hint="choose a greater version",
        )
    return base


def _grown(current: Version, part: str) -> Version:
    major, minor, micro = current.major, current.minor, current.micro
    candidate = current.pre is not None
    if part == "major":
        done = candidate and minor == 0 and micro == 0
        return Version(f"{major if done else major + 1}.0.0")
    if part == "minor":
        done = candidate and micro == 0
        return Version(f"{major}.{minor if done else minor + 1}.0")
    return Version(f"{major}.{minor}.{micro if candidate else micro + 1}")


def tag_of(version: Version) -> str:
    """Return a version's tag: `v1.2.0`, `v1.2.0-rc1`."""
    candidate = f"-{version.pre[0]}{version.pre[1]}" if version.pre else ""
    rest = str(version).removeprefix(version.base_version)
    prerelease = f"{version.pre[0]}{version.pre[1]}" if version.pre else ""
    return f"v{version.base_version}{candidate}{rest.removeprefix(prerelease)}"


def version_of(tag: str) -> Version:
    """Return the version that a tag stands for."""
    try:
        return Version(Tag(tag).removeprefix("v"))
    except ValueError as error:
        raise FlowlockError(str(error), code="FL833", hint="name a tag such as v1.2.0") from error


def bump_recipe(text: str, version: Version, file: str) -> str:
    """Return a recipe with another `context.version`; comments, quotes and layout stay."""
    in_context = False
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if re.match(r"\S", line) and not line.startswith("#"):
            in_context = line.startswith("context:")
        version_line = re.match(r"""(\s+version:\s*)(["']?)([^"'#\s]+)\2(.*)""", line, re.DOTALL)
        if in_context and version_line:
            lines[number] = f"{version_line[1]}{version_line[2]}{version}{version_line[2]}{version_line[4]}"
            return "".join(lines)
    raise FlowlockError(
        f"{file} has no `context.version`",
        code="FL834",
        hint="add the version there, so that a release can raise it",
    )


def bump_pyproject(text: str, version: Version, file: str) -> str:
    """Return a pyproject with another `project.version`, everything else unchanged."""
    document = tomlkit.parse(text)
    project = document.get("project")
    if not isinstance(project, Mapping) or "version" not in project:
        raise FlowlockError(
            f"{file} has no `project.version`",
            code="FL834",
            hint="add the version there; a dynamic version cannot be compared with the version of the recipe",
        )
    document["project"]["version"] = str(version)
    return tomlkit.dumps(document)


def bump_workspace(text: str, version: Version, epoch: datetime) -> str:
    """Return a flowlock.toml with another version and epoch, everything else unchanged."""
    document = tomlkit.parse(text)
    table = document["workspace"]
    table["version"] = str(version)
    table["epoch"] = tomlkit.datetime(epoch.strftime("%Y-%m-%dT%H:%M:%SZ"))
    return tomlkit.dumps(document)
