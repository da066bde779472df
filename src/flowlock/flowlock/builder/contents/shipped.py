"""Which files of a package ship, and why the others do not. Pure."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from flowlock.conda.members import Member
from flowlock.conda.noarch import Noarch

# Of a distribution's dist-info these ship, and its licences.
DIST_INFO = ("METADATA", "WHEEL", "entry_points.txt", "INSTALLER", "RECORD", "licenses")
# Before PEP 639 they were beside METADATA, which may name them; these setuptools takes unasked.
LICENCES = ("licen[cs]e*", "copying*", "notice*", "authors*")
# What an installer writes about the copy that it made.
TRACES = ("REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json", "RECORD.jws", "RECORD.p7s")
# What setuptools writes for tools of the time before wheels; what it says follows from the files.
SETUPTOOLS = ("top_level.txt", "namespace_packages.txt", "dependency_links.txt", "zip-safe", "not-zip-safe")
_METADATA = re.compile(r"(?P<folder>(?P<site>.+)/[^/]+\.dist-info)/METADATA")
# Where Python finds distributions: of noarch packages, where the installer puts this folder.
_NOARCH_SITE = re.compile(r"site-packages")
_SITE = re.compile(r"(lib/python\d\.\d+t?|Lib)/site-packages")
_BYTECODE = re.compile(r"(?P<folder>(.*/)?)__pycache__/(?P<module>[^/]+?)\.[^./]+(\.opt-[^./]+)?\.pyc")


class ExclusionReason(StrEnum):
    """Why a file does not ship."""

    BYTECODE = "the installer compiles it again"
    TRACE = "it describes the installation in the build environment"
    COMMAND = "the installer writes this command"
    BUILD = "it describes the build"
    SETUPTOOLS = "only tools older than wheels read it"
    DIST_INFO = "only the standard files and licences of a dist-info are shipped"
    ENGINE = "rattler-build does not pack files with this name"
    OVERWRITTEN = "it overwrites a file of another package"
    SAME_PATH = "another file has the same path in the package"


# What every build leaves out. The rest is worth a warning.
ROUTINE = frozenset(
    {
        ExclusionReason.BYTECODE,
        ExclusionReason.TRACE,
        ExclusionReason.COMMAND,
        ExclusionReason.BUILD,
        ExclusionReason.SETUPTOOLS,
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ExcludedFile:
    """A file that does not ship."""

    path: str
    reason: ExclusionReason


def dist_infos(paths: Collection[str], noarch: Noarch | None) -> set[str]:
    """Return the dist-info folders of the distributions that are installed directly in site-packages.

    Any other folder with that name (of vendored distributions, of data) is like all folders. A generic
    package has none: nothing in it is installed for Python.
    """
    if noarch is Noarch.GENERIC:
        return set()
    site = _NOARCH_SITE if noarch is Noarch.PYTHON else _SITE
    matches = (_METADATA.fullmatch(path) for path in paths)
    return {match["folder"] for match in matches if match and site.fullmatch(match["site"])}


def left_out(content: Mapping[str, Member], noarch: Noarch | None) -> Iterator[ExcludedFile]:
    """Yield the files that do not ship, of those that the engine packed other than `info/`."""
    own = dist_infos(content.keys(), noarch)
    licences = {path for folder in own for path in _named_licences(content[f"{folder}/METADATA"])}
    for path in content:
        reason = _reason(path, content.keys(), own, noarch)
        if reason is not None and path not in licences:
            yield ExcludedFile(path=path, reason=reason)


def is_bytecode(path: str, paths: Collection[str]) -> bool:
    """Return whether a file is what Python makes of a source that is among these paths (PEP 3147)."""
    match = _BYTECODE.fullmatch(path)
    return match is not None and f"{match['folder']}{match['module']}.py" in paths


def _reason(
    path: str, paths: Collection[str], own: Collection[str], noarch: Noarch | None
) -> ExclusionReason | None:
    if noarch is not Noarch.GENERIC and is_bytecode(path, paths):
        return ExclusionReason.BYTECODE
    for folder in map(str, PurePosixPath(path).parents):
        if folder in own:
            return _dist_info_reason(path.removeprefix(f"{folder}/").partition("/")[0])
    return None


def _dist_info_reason(name: str) -> ExclusionReason | None:
    """Return why a file or folder of this name, directly in a dist-info, does not ship."""
    if name in DIST_INFO or any(fnmatchcase(name.lower(), pattern) for pattern in LICENCES):
        return None
    if name in TRACES:
        return ExclusionReason.TRACE
    return ExclusionReason.SETUPTOOLS if name in SETUPTOOLS else ExclusionReason.DIST_INFO


def _named_licences(metadata: Member) -> Iterator[str]:
    """Yield where METADATA says that licences are: each `License-File`, with its folders or without."""
    folder = PurePosixPath(metadata.path).parent
    # As text: the parser turns bytes that are not ASCII into objects that are not strings.
    # Imported here: reading remarks on an earlier build needs none of it.
    from email.parser import HeaderParser

    headers = HeaderParser().parsestr(metadata.data.decode(errors="replace"))
    for name in headers.get_all("License-File", []):
        yield from (str(folder / name), str(folder / PurePosixPath(name).name))
