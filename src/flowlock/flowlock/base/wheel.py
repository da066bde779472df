"""A wheel: what it says of itself, and its files as they are installed."""

import configparser
import hashlib
import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path, PurePosixPath

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidWheelFilename, NormalizedName, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from flowlock.base import wheel_archive
from flowlock.base.archive import PLACEHOLDER, File
from flowlock.base.universe import WheelMetadata
from flowlock.base.wheel_archive import WheelFault, refused
from flowlock.conda import distribution_record
from flowlock.names import EntryPoint

SHOWN = 60
# What the readers of metadata raise on a text that is not theirs.
_MALFORMED = (configparser.Error, InvalidRequirement, InvalidSpecifier, ValueError)
# The folders of a conda package's metadata, and of an environment's.
_METADATA = ("info", "conda-meta")
# What an installer writes itself: a wheel's own would say nothing of what we install.
_INSTALLERS = ("RECORD", "RECORD.jws", "RECORD.p7s", "INSTALLER", "REQUESTED", "direct_url.json")
_INTERPRETER = f"#!{PLACEHOLDER}/bin/python\n"
_SCRIPT = """\
import sys

from {module} import {root}

if __name__ == "__main__":
    sys.exit({function}())
"""
# A package of scripts and data is installed relative to the prefix, a RECORD to site-packages.
_PREFIX_FROM_SITE = "../../../"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wheel:
    """A wheel on disk: `entry_points` are the commands it has, name → `module:function`.

    `pure` is whether the same files serve every Python: then it becomes a `noarch: python` package.
    """

    path: Path
    metadata: WheelMetadata
    dist_info: str
    pure: bool
    entry_points: Mapping[str, str]


def read(path: Path) -> Wheel:
    """Read the metadata of a wheel; a FlowlockError names the file in it that is at fault."""
    try:
        name, version, _, tags = parse_wheel_filename(path.name)
    except InvalidWheelFilename as error:
        raise refused(path, WheelFault.NAME, f"does not have the name of a wheel: {error}") from error
    with wheel_archive.opened(path) as archive:
        dist_info = _dist_info(path, archive.namelist(), name)
        headers = _headers(path, archive, f"{dist_info}/METADATA")
        wheel_headers = _headers(path, archive, f"{dist_info}/WHEEL")
        with _metadata(path, f"{dist_info}/METADATA"):
            metadata = _wheel_metadata(name, version, headers)
        _require_agreement(path, dist_info, metadata, headers)
        root_is_purelib = wheel_headers.get("Root-Is-Purelib", "").strip().lower() == "true"
        any_platform = all(tag.abi == "none" and tag.platform == "any" for tag in tags)
        in_place = not _is_platform_specific(archive.namelist(), dist_info)
        return Wheel(
            path=path,
            metadata=metadata,
            dist_info=dist_info,
            pure=root_is_purelib and any_platform and in_place,
            entry_points=_commands(path, archive, f"{dist_info}/entry_points.txt"),
        )


def _wheel_metadata(name: NormalizedName, version: Version, headers: Message) -> WheelMetadata:
    return WheelMetadata(
        name=name,
        version=version,
        requires=tuple(map(Requirement, headers.get_all("Requires-Dist", []))),
        requires_python=SpecifierSet(headers.get("Requires-Python", "")),
        summary=headers.get("Summary", ""),
        license=_license(headers),
        home=headers.get("Home-page", "") or _home(headers),
    )


@contextmanager
def _metadata(path: Path, member: str) -> Iterator[None]:
    """Take a file of a wheel's metadata apart in the block, in which a malformed one is a FlowlockError."""
    try:
        yield
    except _MALFORMED as error:
        message = f"has metadata that cannot be read: {str(error).splitlines()[0]}"
        raise refused(path, WheelFault.METADATA, message, member=member) from error


def _headers(path: Path, archive: zipfile.ZipFile, member: str) -> Message:
    with _metadata(path, member):
        return HeaderParser().parsestr(wheel_archive.content(path, archive, member).decode())


def _require_agreement(path: Path, dist_info: str, metadata: WheelMetadata, headers: Message) -> None:
    """Refuse a wheel whose metadata have another name or version than its file: two packages in one."""
    member = f"{dist_info}/METADATA"
    name = str(headers.get("Name", metadata.name))
    if canonicalize_name(name) != metadata.name:
        raise refused(path, WheelFault.NAME, f"is `{name[:SHOWN]}` according to its metadata", member=member)
    stated = str(headers.get("Version", metadata.version))
    try:
        agrees = Version(stated) == metadata.version
    except InvalidVersion:
        agrees = False
    if not agrees:
        raise refused(
            path, WheelFault.NAME, f"is version `{stated[:SHOWN]}` according to its metadata", member=member
        )


def _dist_info(path: Path, names: Iterable[str], distribution: str) -> str:
    """Return the distribution's own .dist-info folder; those of vendored ones are further down."""
    top = {name.partition("/")[0] for name in names if "/" in name}
    folders = sorted(folder for folder in top if folder.endswith(".dist-info"))
    own = [folder for folder in folders if canonicalize_name(folder.split("-")[0]) == distribution]
    if len(own) != 1:
        message = f"has {len(own)} .dist-info folders of `{distribution}`"
        if folders:
            raise refused(path, WheelFault.NAME, message, member=folders[-1])
        raise refused(path, WheelFault.METADATA, message)
    return own[0]


def _is_platform_specific(names: Iterable[str], dist_info: str) -> bool:
    """Return whether a wheel has data files that a `noarch: python` package cannot place."""
    data = dist_info.removesuffix(".dist-info") + ".data"
    return any(name.startswith((f"{data}/platlib/", f"{data}/headers/")) for name in names)


def _license(headers: Message) -> str:
    """Return the licence expression, or a short free text that is one in all likelihood."""
    text = str(headers.get("License-Expression") or headers.get("License") or "").strip()
    return text if "\n" not in text and len(text) < 100 else "see the package"  # noqa: PLR2004 - a line


def _home(headers: Message) -> str:
    for link in headers.get_all("Project-URL", []):
        label, comma, url = str(link).partition(", ")
        if comma and label.lower() in {"homepage", "home"}:
            return url
    return ""


def _commands(path: Path, archive: zipfile.ZipFile, member: str) -> dict[str, str]:
    if member not in archive.namelist():
        return {}
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # commands keep their case
    with _metadata(path, member):
        parser.read_string(wheel_archive.content(path, archive, member).decode())
    sections = [section for section in ("console_scripts", "gui_scripts") if parser.has_section(section)]
    commands = {}
    for section in sections:
        for name, value in parser.items(section):
            # `name = module:function [extra]`: the extra is history, and no part of the reference.
            commands[name] = _function(path, member, name, value.split("[")[0])
    return dict(sorted(commands.items()))


def _function(path: Path, member: str, name: str, value: str) -> str:
    """Return what a command calls; a FlowlockError if it is not a command, or leaves its folder."""
    try:
        return "".join(EntryPoint(f"{name} = {value}").partition("=")[2].split())
    except ValueError as error:
        leaves = _is_outside(name) or "/" in name or name in {".", ".."}
        fault = WheelFault.OUTSIDE if leaves else WheelFault.METADATA
        raise refused(path, fault, f"has an invalid command: {error}", member=member) from error


def installed_files(
    wheel: Wheel, python: str, *, bytecode: Callable[[Iterable[File]], Iterable[File]] = lambda _: ()
) -> Iterator[File]:
    """Yield the package's files for `python` (such as 3.12) in order, a RECORD that fits them as the last.

    A pure wheel's are under `site-packages/` and `python-scripts/`, which the installer of a `noarch: python`
    package puts where they belong; it also makes the commands from the entry points. Another wheel's are for
    one Python, and may come with bytecode: `bytecode` returns that of files.
    """
    site = "site-packages" if wheel.pure else f"lib/python{python}/site-packages"
    scripts = "python-scripts" if wheel.pure else "bin"
    record: list[distribution_record.Row] = []
    written: dict[str, File] = {}
    for file in _ordered(wheel, python, site, scripts):
        _refuse_collision(wheel, file.path, written)
        written[file.path] = file
        inside = file.path.removeprefix(f"{site}/")
        outside = _PREFIX_FROM_SITE + file.path.replace("python-scripts/", "bin/", 1)
        name = inside if inside != file.path else outside
        if file.has_prefix:
            # The installer writes the prefix into the file.
            record.append(distribution_record.undigested(name))
        else:
            record.append(distribution_record.row(name, sha256=file.digest(), size=len(file.data)))
        yield file
    for file in bytecode(written.values()):
        # Without digests, as pip does: another Python may write it again.
        record.append(distribution_record.undigested(file.path.removeprefix(f"{site}/")))
        yield file
    if wheel.pure:
        commands = (f"{_PREFIX_FROM_SITE}bin/{name}" for name in wheel.entry_points)
        record += map(distribution_record.undigested, commands)
    own = f"{wheel.dist_info}/RECORD"
    text = distribution_record.text([*sorted(record), distribution_record.undigested(own)])
    yield File(path=f"{site}/{own}", data=text.encode())


def _refuse_collision(wheel: Wheel, path: str, written: Collection[str]) -> None:
    """Refuse a file that would take the place of another one, or of a package's or environment's metadata."""
    taken = path.partition("/")[0].lower() in _METADATA
    if taken or path in written:
        overwritten = "conda's metadata" if taken else "another of its files"
        message = f"has a file that would be installed as `{path}` and overwrite {overwritten}"
        raise refused(wheel.path, WheelFault.OUTSIDE, message, member=path)


def _ordered(wheel: Wheel, python: str, site: str, scripts: str) -> Iterator[File]:
    roots = {
        "purelib": site,
        "platlib": site,
        "scripts": scripts,
        "headers": f"include/python{python}/{wheel.metadata.name}",
        "data": "",
    }
    dropped = {f"{wheel.dist_info}/{name}" for name in _INSTALLERS}
    with wheel_archive.opened(wheel.path) as archive:
        for name in sorted(archive.namelist()):
            if name.endswith("/") or name in dropped:
                continue
            scheme, inside = _scheme_path(wheel, name)
            if _is_outside(name) or scheme not in roots:
                message = f"has a file at `{name}`, outside the wheel"
                raise refused(wheel.path, WheelFault.OUTSIDE, message, member=name)
            path = f"{roots[scheme]}/{inside}".lstrip("/")
            content = wheel_archive.content(wheel.path, archive, name)
            if scheme == "scripts":
                yield _script(path, content)
            else:
                executable = bool(archive.getinfo(name).external_attr >> 16 & 0o111)
                yield _file(path, content, executable)
    yield _file(f"{site}/{wheel.dist_info}/INSTALLER", b"flowlock\n", executable=False)
    if not wheel.pure:
        yield from (_command(name, function) for name, function in wheel.entry_points.items())


def _scheme_path(wheel: Wheel, name: str) -> tuple[str, str]:
    """Return the key of the install scheme for a file, and its path there (the wheel format, `.data`)."""
    data = wheel.dist_info.removesuffix(".dist-info") + ".data/"
    if not name.startswith(data):
        return "purelib", name
    scheme, _, path = name.removeprefix(data).partition("/")
    return scheme, path


def _is_outside(name: str) -> bool:
    """Return whether a file of an archive would be written outside the folder of its contents."""
    return ".." in PurePosixPath(name).parts or name.startswith("/") or "\\" in name


def _file(path: str, data: bytes, executable: bool) -> File:  # noqa: FBT001 - a field, passed on
    return File(path=path, data=data, executable=executable, sha256=hashlib.sha256(data).hexdigest())


def _script(path: str, data: bytes) -> File:
    """Return a wheel's own script; `#!python` stands for the environment's interpreter."""
    first, _, rest = data.partition(b"\n")
    if not first.startswith(b"#!python"):
        return _file(path, data, executable=True)
    return File(path=path, data=_INTERPRETER.encode() + rest, executable=True, has_prefix=True)


def _command(name: str, function: str) -> File:
    module, _, attribute = function.partition(":")
    text = _INTERPRETER + _SCRIPT.format(module=module, root=attribute.split(".")[0], function=attribute)
    return File(path=f"bin/{name}", data=text.encode(), executable=True, has_prefix=True)
