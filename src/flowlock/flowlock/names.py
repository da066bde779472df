"""Strings with rules: a value of one of these types is always valid.

Each constructor raises ValueError with a sentence that can be shown to a user.
"""

import keyword
import re
from typing import ClassVar, Self

from packaging.utils import canonicalize_name

# The run time, which every compiled workflow requires.
CORE = "flowlock-core"
# The service, which adds `serve` to the command of a workflow.
SERVE = "flowlock-serve"
# The entry-point group of tasks.
TASK_GROUP = "flowlock.tasks"
# What `flowlock location dev` starts, as a match spec; flowlock-dagster has the same range of Dagster.
WEBSERVER = "dagster-webserver >=1.13,<1.14"
SUBDIRS = ("linux-64", "linux-aarch64", "osx-64", "osx-arm64", "win-64")


class _Name(str):
    """A string that matches its type's pattern."""

    __slots__ = ()
    pattern: ClassVar[re.Pattern[str]]
    rule: ClassVar[str]

    def __new__(cls, value: str) -> Self:
        """Return the value, or raise ValueError with the rule it breaks."""
        if not cls.pattern.fullmatch(value):
            raise ValueError(f"`{value}` is not {cls.rule}")
        return super().__new__(cls, value)


class PackageName(_Name):
    """A conda package's name (CEP 26: lower case letters, digits, `-`, `_`, `.`)."""

    __slots__ = ()
    pattern = re.compile(r"[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?")
    rule = "a conda package name: lower case letters, digits, `-`, `_` and `.`"


class Version(_Name):
    """A conda package's version: `[epoch!]`, segments, `[+local segments]`, at most 64 characters.

    conda's own grammar (`conda.models.version.VersionOrder`) without `*`; `-` would part it from the name.
    """

    __slots__ = ()
    # Numbers of more digits are more than rattler counts to.
    pattern = re.compile(
        r"(?=.{1,64}\Z)(?!.*[0-9]{19})"
        r"(?:[0-9]+!)?[A-Za-z0-9]+(?:[._][A-Za-z0-9]+)*_{0,2}(?:\+[A-Za-z0-9]+(?:[._][A-Za-z0-9]+)*)?"
    )
    rule = (
        "a conda version: letters and digits with single `.` or `_` between them, as in 1.2.0rc1; an epoch "
        "(1!2.0) and a local part (2.0+a.1) may be added"
    )


class BuildNumber(_Name):
    """A conda package's build number, as text."""

    __slots__ = ()
    pattern = re.compile(r"[0-9]{1,9}")
    rule = "a build number: an integer of at most nine digits"


class FileName(_Name):
    """A file's name that cannot lead anywhere else, whatever the operating system."""

    __slots__ = ()
    pattern = re.compile(r"(?!\.{1,2}\Z)[^/\\\x00-\x1f\x7f-\x9f]+")
    rule = "a file name: no `/`, `\\` or control character, and not empty, `.` or `..`"


class EntryPoint(_Name):
    """A command of a package, `name = module:function` (entry points specification); the name is a file's."""

    __slots__ = ()
    pattern = re.compile(
        r"\s*(?!\.{1,2}\s*=)[^\s=\[/\\\x00-\x1f\x7f-\x9f][^=/\\\x00-\x1f\x7f-\x9f]*?\s*=\s*"
        r"[^\W\d]\w*(?:\.[^\W\d]\w*)*\s*:\s*[^\W\d]\w*(?:\.[^\W\d]\w*)*\s*"
    )
    rule = "a command: `name = module:function`, where the name is a valid file name"


class Sha256(_Name):
    """A sha256 as 64 lower case hex digits."""

    __slots__ = ()
    pattern = re.compile(r"[0-9a-f]{64}")
    rule = "a sha256: 64 lower case hex digits"


class Tag(_Name):
    """A release tag: `v` and a version of two or three numbers, with an optional rc."""

    __slots__ = ()
    pattern = re.compile(r"v\d+\.\d+(?:\.\d+)?(?:-?rc\.?\d*)?")
    rule = "a release tag such as v1.2.0 or v1.2.0-rc1"


class Platform(_Name):
    """A conda subdir that packages are locked for."""

    __slots__ = ()
    pattern = re.compile("|".join(map(re.escape, SUBDIRS)))
    rule = f"a platform: one of {', '.join(SUBDIRS)}"


class TaskId(_Name):
    """A step's id: a Python identifier of at most 32 characters that shadows nothing of the language."""

    __slots__ = ()
    pattern = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,31}")
    rule = "an id: a Python identifier of ASCII letters, digits and `_`, at most 32 characters"

    def __new__(cls, value: str) -> Self:
        """Return the value, or raise ValueError with the rule it breaks."""
        import builtins

        if keyword.iskeyword(value) or keyword.issoftkeyword(value):
            raise ValueError(f"`{value}` is a Python keyword")
        if hasattr(builtins, value):
            raise ValueError(f"`{value}` is a Python builtin")
        return super().__new__(cls, value)


def workflow_distribution(workflow: str) -> str:
    """Return the name of the package of a workflow, and of the command that it installs."""
    return f"flowlock-{canonicalize_name(workflow)}-workflow"


def location_distribution(location: str) -> str:
    """Return the name of the package of a location."""
    return f"flowlock-{location}-location"


def import_name(distribution: str) -> str:
    """Return the import package's name of one of our distributions: the PEP 503 name with underscores."""
    return canonicalize_name(distribution).replace("-", "_")


# How publish targets are written, by their kinds: for hints, and for completion, which must not load them.
TARGET_FORMS = {
    "directory": "directory:PATH",
    "gitea": "gitea:https://HOST/OWNER[/REPO]",
    "github": "github:OWNER/REPO",
    "oci": "oci:HOST/FOLDER",
    "prefix": "prefix:https://prefix.dev/CHANNEL",
    "quetz": "quetz:https://HOST/get/CHANNEL",
    "s3": "s3://BUCKET/CHANNEL",
}
