"""Wheels made by hand, for tests of what reads them."""

import base64
import csv
import hashlib
import io
import subprocess
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

SCRIPT_MODE = 0o100755 << 16


def make_wheel(
    folder: Path,
    name: str,
    version: str,
    *,
    tag: str = "py3-none-any",
    requires: Sequence[str] = (),
    headers: Sequence[str] = (),
    files: Mapping[str, str] | None = None,
    entry_points: str = "",
) -> Path:
    """Write a valid wheel, the same bytes each time; `files` are beside a module of the package's name."""
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    fields = [
        f"Name: {name}",
        f"Version: {version}",
        *headers,
        *(f"Requires-Dist: {one}" for one in requires),
    ]
    pure = "true" if tag.endswith("none-any") else "false"
    contents = {
        f"{name.replace('-', '_')}.py": f"VERSION = {version!r}\n\n\ndef main():\n    print(VERSION)\n",
        **(files or {}),
        f"{info}/METADATA": "Metadata-Version: 2.4\n" + "\n".join(fields) + "\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: {pure}\nTag: {tag}\n",
    }
    if entry_points:
        contents[f"{info}/entry_points.txt"] = entry_points
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in contents.items():
            member = zipfile.ZipInfo(inside)
            member.external_attr = SCRIPT_MODE if "/scripts/" in inside else 0o100644 << 16
            archive.writestr(member, text)
        archive.writestr(zipfile.ZipInfo(f"{info}/RECORD"), record(contents, info))
    return path


def record(contents: Mapping[str, str], info: str) -> str:
    """Return the RECORD of these files."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    for inside, content in contents.items():
        rows.writerow([inside, record_hash(content.encode()), len(content.encode())])
    rows.writerow([f"{info}/RECORD", "", ""])
    return text.getvalue()


def record_hash(data: bytes) -> str:
    """Return a digest as a RECORD has it."""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


# In an environment of their own: one needs keyring, which flowlock would ask for credentials.
CHECKERS = ("twine>=6", "check-wheel-contents>=0.6")


def assert_sound(python: Path, archives: Sequence[Path]) -> None:
    """Have twine look at distributions as an index does, and check-wheel-contents at their wheels."""
    wheels = [path for path in archives if path.suffix == ".whl"]
    commands: list[list[str | Path]] = [["twine", "check", "--strict", *archives]]
    commands.append(["check_wheel_contents", *wheels])
    for command in commands:
        done = subprocess.run([python, "-m", *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
