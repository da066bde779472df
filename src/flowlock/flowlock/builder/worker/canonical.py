"""The archive that an engine made, rewritten so that the same inputs give the same bytes."""

import csv
import hashlib
import io
import json
import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from flowlock.builder.contents.shipped import ExcludedFile, ExclusionReason, dist_infos, left_out
from flowlock.conda import distribution_record
from flowlock.conda.members import Member
from flowlock.conda.noarch import Noarch
from flowlock.errors import FlowlockError

# Of `info/` only these: not the log, the environment or the rendered recipe of this build.
INFO = ("info/index.json", "info/about.json", "info/link.json", "info/paths.json", "info/run_exports.json")
INFO_FOLDERS = ("info/licenses/", "info/tests/")
# More links than any system follows on the way to one file.
FOLLOWED = 64
ABOUT = (
    "home",
    "license",
    "license_family",
    "summary",
    "description",
    "doc_url",
    "dev_url",
    "license_url",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchiveFacts:
    """What is stated in the archive in addition to what the build made; a native package has no `noarch`."""

    recipe: str
    epoch: datetime
    noarch: Noarch | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Canonical:
    """The members of a canonical archive, in no particular order, and what of the engine's does not ship."""

    members: tuple[Member, ...]
    left_out: tuple[ExcludedFile, ...]


def canonical(members: Iterable[Member], facts: ArchiveFacts) -> Canonical:
    """Return the canonical archive of the engine's members.

    A noarch package that holds the path of its build environment is refused: those bytes would not be the
    same elsewhere.
    """
    engine_members = {member.path: member for member in members}
    if not engine_members.keys() >= {"info/index.json", "info/paths.json"}:
        raise FlowlockError("the archive of the build engine has no index.json or paths.json", code="FL534")
    engine_paths = _json(engine_members["info/paths.json"]).get("paths", [])
    if facts.noarch:
        _refuse_build_paths(engine_paths)
    _refuse_leaving_links(engine_members.values())
    packed = {path: member for path, member in engine_members.items() if not member.is_info}
    excluded = [*left_out(packed, facts.noarch), *_omitted_info(engine_members)]
    excluded_paths = {file.path for file in excluded}
    content = {path: member for path, member in packed.items() if path not in excluded_paths}
    content |= {member.path: member for member in _records(content, dist_infos(content, facts.noarch))}
    info = _rewritten_info(engine_members, facts)
    info["info/paths.json"] = _member("info/paths.json", _paths(content.values(), engine_paths))
    info["info/recipe/recipe.yaml"] = Member(path="info/recipe/recipe.yaml", data=facts.recipe.encode())
    return Canonical(members=(*content.values(), *info.values()), left_out=tuple(excluded))


def _rewritten_info(members: Mapping[str, Member], facts: ArchiveFacts) -> dict[str, Member]:
    """Return the members of `info/` that are kept, without what only this build says."""
    return {path: _rewritten(member, facts) for path, member in members.items() if _is_kept_info(path)}


def _omitted_info(members: Mapping[str, Member]) -> Iterator[ExcludedFile]:
    for path, member in members.items():
        if member.is_info and not _is_kept_info(path):
            yield ExcludedFile(path=path, reason=ExclusionReason.BUILD)


def _is_kept_info(path: str) -> bool:
    return path in INFO or (path.startswith(INFO_FOLDERS) and not path.endswith("/.gitkeep"))


def _refuse_build_paths(paths: Iterable[Mapping[str, Any]]) -> None:
    held = [str(entry["_path"]) for entry in paths if entry.get("prefix_placeholder")]
    if held:
        raise FlowlockError(
            f"the build wrote the path of its environment into {', '.join(sorted(held))}",
            code="FL512",
            hint="a noarch package must not contain the path of its build "
            "environment: remove the path in the build script",
        )


def _refuse_leaving_links(members: Iterable[Member]) -> None:
    links = {member.path: member.link for member in members if member.link}
    leaving = [f"{path} → {link}" for path, link in links.items() if _leaves(path, links)]
    if leaving:
        raise FlowlockError(
            f"links point outside the package: {', '.join(sorted(leaving))}",
            code="FL513",
            hint="use a relative link to a file in the package, or ship the file itself",
        )


def _leaves(path: str, links: Mapping[str, str]) -> bool:
    """Return whether a link points outside the prefix, resolved through other links as a system does.

    A circular link is broken. Absolute links on the way, and the end of a long chain, are
    judged as separate links.
    """
    if links[path].startswith("/"):
        return True
    position: list[str] = []
    # The parts of the path that are still to be walked, the next one last.
    ahead, followed = f"{PurePosixPath(path).parent}/{links[path]}".split("/")[::-1], 0
    while ahead and followed <= FOLLOWED:
        part = ahead.pop()
        if part == "..":
            if not position:
                return True
            position.pop()
        elif link := links.get("/".join([*position, part])):
            ahead += link.split("/")[::-1]
            followed += 1
        elif part not in ("", "."):
            position.append(part)
    return False


def _records(content: Mapping[str, Member], own: Collection[str]) -> Iterator[Member]:
    """Yield a new RECORD for each dist-info, with those of the files it lists that ship."""
    for folder in sorted(own):
        record = content.get(f"{folder}/RECORD")
        if record is not None:
            yield _record(record, str(PurePosixPath(folder).parent), content)


def _record(member: Member, site: str, content: Mapping[str, Member]) -> Member:
    """Return a RECORD with the digests of the files as they are packed.

    Of a noarch package it lists only files below site-packages: where the others are installed, relative to
    that, is known only to the installer.
    """
    try:
        listed = {row[0] for row in csv.reader(io.StringIO(member.data.decode()), strict=True) if row}
    except (UnicodeDecodeError, csv.Error) as error:
        raise FlowlockError(f"{member.path} cannot be read: {error}", code="FL534") from error
    shipped = {posixpath.normpath(posixpath.join(site, name)) for name in listed} & content.keys()
    named = {posixpath.relpath(f"/{name}", f"/{site}"): content[name] for name in shipped - {member.path}}
    rows = []
    for name, file in sorted(named.items()):
        sha256 = hashlib.sha256(file.data).hexdigest()
        rows.append(distribution_record.row(name, sha256=sha256, size=len(file.data)))
    rows.append(distribution_record.undigested(posixpath.relpath(f"/{member.path}", f"/{site}")))
    return replace(member, data=distribution_record.text(rows).encode())


def _rewritten(member: Member, facts: ArchiveFacts) -> Member:
    match member.path:
        case "info/index.json":
            index = {**_json(member), "timestamp": int(facts.epoch.timestamp()) * 1000}
            return _member(member.path, index)
        case "info/about.json":
            about = _json(member)
            return _member(member.path, {key: about[key] for key in ABOUT if key in about})
        case "info/link.json" | "info/run_exports.json":
            return _member(member.path, _json(member))
        case _:
            return replace(member, executable=False)


def _paths(content: Iterable[Member], old: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return paths.json for the files as they are now; what the engine found out of prefixes is kept."""
    engine_entries = {str(entry["_path"]): entry for entry in old}
    entries = []
    for member in sorted(content, key=lambda member: member.path):
        kept = {
            key: value
            for key, value in engine_entries.get(member.path, {}).items()
            if key in ("prefix_placeholder", "file_mode", "no_link")
        }
        entry = {"_path": member.path, "path_type": "softlink" if member.link else "hardlink", **kept}
        entry["sha256"] = hashlib.sha256(member.data).hexdigest()
        entry["size_in_bytes"] = len(member.data)
        entries.append(entry)
    return {"paths": entries, "paths_version": 1}


def _json(member: Member) -> dict[str, Any]:
    return dict(json.loads(member.data))


def _member(path: str, document: Mapping[str, Any]) -> Member:
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    return Member(path=path, data=text.encode())
