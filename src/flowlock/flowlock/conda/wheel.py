"""A noarch Python package as a wheel: the same files, in the form that pip and uv install.

The binary distribution format of the Python Packaging User Guide (PEP 427). The bytes follow from those of
the package: nothing is compressed, since compressed bytes depend on the library's version.
"""

import hashlib
import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flowlock.conda import archive, distribution_record
from flowlock.conda.members import INDEX, Member

SUFFIX = ".whl"
_SITE_PACKAGES, _SCRIPTS = "site-packages/", "python-scripts/"
_METADATA = re.compile(r"site-packages/(?P<stem>[^/-]+-[^/-]+)\.dist-info/METADATA")
# What an installer writes, of which each writes its own.
_OF_AN_INSTALLATION = ("INSTALLER", "RECORD", "REQUESTED")
_MADE_BY_UNIX = 3
_ZIP_BEGINS = datetime(1980, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class WheelFile:
    """A wheel's file name and bytes."""

    file: str
    data: bytes


def wheel_of(package: Path) -> WheelFile | None:
    """Return the wheel of a noarch Python package, whose files have the package's time.

    None for a package that is not of exactly one distribution, or has links, which wheels cannot have.
    """
    every = archive.read(package)
    epoch = _time(archive.document(every, INDEX))
    members = [member for member in every if not member.is_info]
    stem = _stem(members)
    if stem is None or any(member.link is not None for member in members):
        return None
    info = f"{stem}.dist-info/"
    left_out = {info + name for name in _OF_AN_INSTALLATION}
    files = {_path(member.path, stem): member for member in members}
    # Metadata come last, so that a reader finds them at the end of the file (PEP 427).
    ordered = sorted(files.keys() - left_out, key=lambda path: (path.startswith(info), path))
    return WheelFile(
        file=f"{stem}-py3-none-any{SUFFIX}", data=_zipped(ordered, files, info + "RECORD", epoch)
    )


def _stem(members: Iterable[Member]) -> str | None:
    """Return NAME-VERSION of the only distribution in a package, None if there is not exactly one."""
    stems = [match["stem"] for member in members if (match := _METADATA.fullmatch(member.path))]
    return stems[0] if len(stems) == 1 else None


def _time(index: Mapping[str, Any]) -> datetime:
    """Return when a package was made, in UTC; a zip cannot tell a time before 1980."""
    milliseconds = index.get("timestamp")
    if not isinstance(milliseconds, int):
        return _ZIP_BEGINS
    return max(_ZIP_BEGINS, datetime.fromtimestamp(milliseconds / 1000, tz=UTC))


def _path(path: str, stem: str) -> str:
    """Return where a wheel has a file: at its top, or in the folder of what goes elsewhere."""
    if path.startswith(_SITE_PACKAGES):
        return path.removeprefix(_SITE_PACKAGES)
    if path.startswith(_SCRIPTS):
        return f"{stem}.data/scripts/{path.removeprefix(_SCRIPTS)}"
    return f"{stem}.data/data/{path}"


def _zipped(paths: Sequence[str], files: dict[str, Member], record: str, epoch: datetime) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as wheel:
        rows = []
        for path in paths:
            data = files[path].data
            mode = 0o755 if files[path].executable else 0o644
            wheel.writestr(_entry(path, mode, epoch), data)
            sha256 = hashlib.sha256(data).hexdigest()
            rows.append(distribution_record.row(path, sha256=sha256, size=len(data)))
        text = distribution_record.text([*rows, distribution_record.undigested(record)])
        wheel.writestr(_entry(record, 0o644, epoch), text)
    return buffer.getvalue()


def _entry(path: str, mode: int, epoch: datetime) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(path, date_time=epoch.timetuple()[:6])
    entry.create_system = _MADE_BY_UNIX
    entry.external_attr = (0o100000 | mode) << 16
    return entry
