"""What a build script installed, compared with what the engine packed of it.

The engine silently excludes files by their names: rattler-build's `file_mapper.rs` has the list.
"""

import json
import os
import stat
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from flowlock.builder.contents.shipped import ExcludedFile, ExclusionReason, is_bytecode
from flowlock.conda.members import Member
from flowlock.conda.noarch import Noarch
from flowlock.edges import files
from flowlock.errors import FlowlockError, shortened

CONDA_META = "conda-meta"
INFO = "info"
SHOWN = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Installed:
    """What is in a host environment other than its packages.

    `new` are the script's files, without bytecode of those packages; `overwritten` are those packages' files
    that have other contents now.
    """

    prefix: Path
    new: frozenset[str]
    overwritten: frozenset[str]


def read(prefix: Path) -> Installed:
    """Return what a script installed into a prefix."""
    stated = _stated(prefix)
    present = set(files.paths_below(prefix))
    new = {path for path in present - stated.keys() if not is_bytecode(path, stated.keys())}
    changed = {path for path in present & stated.keys() if _is_changed(f"{prefix}/{path}", stated[path])}
    return Installed(prefix=prefix, new=frozenset(new), overwritten=frozenset(changed))


def refuse_info(installed: Installed) -> None:
    """Refuse files below `info/`, where a package has its metadata: installing would mix them up."""
    inside = sorted(path for path in installed.new if path.partition("/")[0].lower() == INFO)
    if inside:
        raise FlowlockError(
            f"the build installed {shortened(inside, SHOWN)}, but `info/` is reserved for package metadata",
            code="FL516",
            hint="install the files into another folder, such as share/",
        )


def missing(installed: Installed, members: Iterable[Member], noarch: Noarch | None) -> list[ExcludedFile]:
    """Return the installed files that the engine did not pack, by their paths in the environment."""
    packed = {member.path: member for member in members}
    commands = _commands(packed)
    taken: dict[str, str] = {}
    overwritten = {path for path in installed.overwritten if packed_path(path, noarch) not in packed}
    omitted = [ExcludedFile(path=path, reason=ExclusionReason.OVERWRITTEN) for path in sorted(overwritten)]
    for path in sorted(installed.new):
        target = packed_path(path, noarch)
        if target not in packed:
            omitted.append(ExcludedFile(path=path, reason=_reason(path, installed.new, commands)))
        elif target in taken:
            omitted.append(ExcludedFile(path=f"{taken[target]} or {path}", reason=ExclusionReason.SAME_PATH))
        taken.setdefault(target, path)
    return omitted


def data_members(
    installed: Installed, omitted: Iterable[ExcludedFile], noarch: Noarch | None
) -> list[Member]:
    """Return the members of files that the engine took for bytecode of a noarch package and that are data.

    One that holds the path of its environment is refused: it would not be the same elsewhere.
    """
    if noarch is not Noarch.PYTHON:
        return []
    paths = [
        file.path
        for file in omitted
        if file.reason is ExclusionReason.ENGINE
        and (file.path.endswith(".pyc") or "__pycache__" in PurePosixPath(file.path).parts)
    ]
    members = [_member(installed.prefix / path, packed_path(path, noarch)) for path in paths]
    own = os.fsencode(installed.prefix)
    if held := sorted(member.path for member in members if own in member.data):
        raise FlowlockError(
            f"the build wrote the path of its environment into {', '.join(held)}",
            code="FL512",
            hint="a noarch package must not contain the path of its build "
            "environment: remove the path in the build script",
        )
    return members


def packed_path(path: str, noarch: Noarch | None) -> str:
    """Return where the engine packs an installed file; `noarch: python` packages have own folders."""
    parts = PurePosixPath(path).parts
    if noarch is not Noarch.PYTHON:
        return path
    if "site-packages" in parts:
        return "/".join(parts[parts.index("site-packages") :])
    if parts[0] in {"bin", "Scripts"}:
        return "/".join(("python-scripts", *parts[1:]))
    return path


def _reason(path: str, new: Collection[str], commands: Collection[str]) -> ExclusionReason:
    if is_bytecode(path, new):
        return ExclusionReason.BYTECODE
    if path in commands:
        return ExclusionReason.COMMAND
    return ExclusionReason.ENGINE


def _member(path: Path, packed: str) -> Member:
    if path.is_symlink():
        return Member(path=packed, data=b"", link=str(path.readlink()))
    executable = bool(path.stat().st_mode & 0o100)
    return Member(path=packed, data=path.read_bytes(), executable=executable)


def _commands(packed: Mapping[str, Member]) -> set[str]:
    """Return the paths of the commands that an installation writes from `info/link.json`."""
    link = packed.get("info/link.json")
    lines = json.loads(link.data).get("noarch", {}).get("entry_points", ()) if link else ()
    return {f"bin/{line.partition('=')[0].strip()}" for line in lines}


def _stated(prefix: Path) -> dict[str, Mapping[str, Any]]:
    """Return what the records of an environment say of its files, by path; of themselves nothing."""
    # The engine marks the prefix as one that backups need not hold.
    stated: dict[str, Mapping[str, Any]] = {f"{CONDA_META}/history": {}, "CACHEDIR.TAG": {}}
    for file in sorted((prefix / CONDA_META).glob("*.json")):
        recorded = _recorded(file)
        if recorded is not None:
            stated |= {f"{CONDA_META}/{file.name}": {}, **recorded}
    return stated


def _recorded(file: Path) -> dict[str, Mapping[str, Any]] | None:
    """Return what a record says of its package's files; None for a file of a script that is not a record."""
    try:
        record = json.loads(file.read_bytes())
        entries = {str(entry["_path"]): dict(entry) for entry in record["paths_data"]["paths"]}
        return {**{str(path): {} for path in record.get("files", ())}, **entries}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _is_changed(path: str, stated: Mapping[str, Any]) -> bool:
    """Return whether a file differs from its package's file; links to the files count as unchanged.

    Its path is a text: an environment has thousands of files.
    """
    digest = stated.get("sha256_in_prefix") or stated.get("sha256")
    if digest is None:
        return False
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode) or status.st_nlink > 1:
        return False
    return files.sha256_of(Path(path)) != str(digest)
